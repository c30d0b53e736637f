//! What the processes that use the installation keep to themselves (E.8).

use super::{Finding, Level};

const SUBJECT: &str = "process";

/// How a process is confined, as far as that can be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confinement {
    /// Number of a server's process; `None` for this program, which confines itself as a server does.
    pub server: Option<u32>,
    /// Whether it runs as root.
    pub is_root: bool,
    /// The permission bits that it takes from what it makes.
    pub umask: Option<u32>,
    /// Whether its memory may be written to the disk when it crashes.
    pub leaves_core: Option<bool>,
    /// Whether programs of the same user may read its memory.
    pub is_readable: Option<bool>,
    /// Whether what it runs could gain rights that it has not.
    pub may_gain_rights: Option<bool>,
    /// Whether the password of the first superuser is in its environment.
    pub holds_password: Option<bool>,
}

/// Judges how they are confined.
pub(super) fn look(processes: &[Confinement]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = processes.iter().flat_map(judge).collect();
    if findings.is_empty() {
        findings.push(Finding::ok(SUBJECT, "it keeps its memory to itself and can gain no rights"));
    }
    findings
}

fn judge(process: &Confinement) -> Vec<Finding> {
    let who = process.server.map_or("this program".to_owned(), |id| format!("the server (process {id})"));
    let warn = |text: String, advice: &str| Finding::new(Level::Warning, SUBJECT, text, advice);
    let mut findings = Vec::new();
    if process.leaves_core == Some(true) {
        let advice = "let it set its limit for core files to 0: LimitCORE=0 in its unit, ulimits in its container";
        findings
            .push(warn(format!("the memory of {who}, with secrets in it, is written to the disk at a crash"), advice));
    }
    if process.is_readable == Some(true) {
        let advice = "let it call prctl, which a filter of system calls seems to forbid";
        findings.push(warn(format!("other programs of the same user may read the memory of {who}"), advice));
    }
    if process.may_gain_rights == Some(true) {
        let advice = "set NoNewPrivileges=yes in its unit, or no-new-privileges in its container";
        findings.push(warn(format!("what {who} runs may gain rights"), advice));
    }
    if let Some(umask) = process.umask.filter(|umask| umask & 0o077 != 0o077) {
        let text = format!("others may use the files that {who} makes (umask {umask:04o})");
        findings.push(warn(text, "restart it: it sets the umask by itself"));
    }
    if process.holds_password == Some(true) {
        let text = format!("the superuser's password is in the environment of {who}");
        findings.push(warn(text, "take AUTHSRV_SUPERUSER_PASSWORD out of it, and restart the server"));
    }
    if process.is_root && process.server.is_some() {
        let text = format!("{who} runs as root, and needs none of root's rights");
        let advice = "run it as a user of its own, as packaging/authsrv.service does";
        findings.push(Finding::new(Level::Note, SUBJECT, text, advice));
    }
    findings
}
