//! The unit for systemd: its sandbox (E.8), and the master key that it lends to the server.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use rustix::process::geteuid;
use tempfile::TempDir;

use super::file;
use crate::support::PASSWORD;
use crate::support::process::{BINARY, isolated};
use crate::support::shell::{Ran, Shell};

/// Values of a key of the unit.
fn values(key: &str) -> Vec<String> {
    let text = file("packaging/authsrv.service");
    let value = |line: &str| line.strip_prefix(key)?.strip_prefix('=').map(str::to_owned);
    text.lines().filter_map(value).collect()
}

#[test]
fn it_is_shut_in() {
    for (key, value) in [
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("NoNewPrivileges", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("MemoryDenyWriteExecute", "yes"),
        ("LimitNOFILE", "8192"),
        ("LimitCORE", "0"),
        ("CapabilityBoundingSet", ""),
        ("ProtectKernelTunables", "yes"),
        ("ProtectKernelModules", "yes"),
        ("ProtectKernelLogs", "yes"),
        ("LockPersonality", "yes"),
        ("StateDirectory", "authsrv"),
        ("StateDirectoryMode", "0700"),
        ("UMask", "0077"),
        ("KillSignal", "SIGTERM"),
        ("Restart", "on-failure"),
        ("ExecStart", "/usr/local/bin/authsrv serve"),
    ] {
        assert_eq!(values(key), [value], "{key}");
    }
    assert_eq!(values("SystemCallFilter"), ["@system-service", "~@privileged"]);
    assert!(values("Environment").iter().all(|value| !value.contains("PASSWORD")));
    let stop: u64 = values("TimeoutStopSec")[0].parse().unwrap();
    assert!(stop > 15, "longer than it drains");
}

/// Where systemd is installed, its own judgement.
#[test]
fn systemd_takes_it() {
    let folder = TempDir::new().unwrap();
    let systemd = || isolated("systemd-analyze", folder.path());
    let Ok(version) = systemd().arg("--version").output() else { return };
    let unit = folder.path().join("authsrv.service");
    let text = file("packaging/authsrv.service").replace("/usr/local/bin/authsrv", BINARY);
    fs::write(&unit, text).unwrap();
    let analyze = |words: &[&str]| {
        let ran = Ran::from(systemd().args(words).arg(&unit).output().unwrap());
        assert!(ran.code == 0 && ran.err.trim().is_empty(), "{words:?}: {}{}", ran.out, ran.err);
    };
    analyze(&["verify"]);
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let number: u32 = version.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    if number >= 250 {
        analyze(&["security", "--no-pager", "--offline=true", "--threshold=20"]);
    }
}

/// The line of its head that makes a master key makes one that the program takes.
#[test]
fn the_master_key_of_its_instructions_is_one() {
    let text = file("packaging/authsrv.service");
    let line = text.lines().find(|line| line.contains("authsrv-master-key-1")).unwrap();
    let shell = Shell::empty();
    let make = line.trim_start_matches('#').replace("/etc/authsrv/master.key", "master.key");
    shell.paste(&make).done();
    let made = fs::read(shell.file("master.key")).unwrap();
    shell.run("migrate --master-key-file master.key").done();
    assert_eq!(fs::read(shell.file("master.key")).unwrap(), made, "it was taken, not made");
    let line = text.lines().find(|line| line.contains("users create")).unwrap();
    let create = line.trim_start_matches(['#', ' ']).replace("/var/lib/authsrv/", "").replace("/etc/authsrv/", "");
    let create = create.strip_prefix("sudo authsrv").unwrap();
    shell.pipe(&format!("{create} --password-stdin"), PASSWORD).done();
    assert_eq!(shell.json("users show 1")["is_superuser"], true);
    assert!(!shell.file("authsrv.key").exists());
}

/// systemd lends a credential that belongs to root by an access control list, whose limit shows as a right of the group.
#[test]
fn a_master_key_that_root_lends_is_taken() {
    if !geteuid().is_root() {
        return;
    }
    const USER: u32 = 65_532;
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mode = |name: &str, mode| fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).unwrap();
    fs::copy(BINARY, path("authsrv")).unwrap();
    mode("authsrv", 0o755);
    mode("", 0o755);
    fs::create_dir(path("data")).unwrap();
    mode("data", 0o700);
    let shell = Shell::new();
    fs::copy(shell.file("authsrv.key"), path("lent.key")).unwrap();
    chown(path("data"), Some(USER), Some(USER)).unwrap();
    let migrate = |database: &str| {
        let ids = [USER.to_string(), "0".to_owned()];
        let mut command = isolated("setpriv", &path("data"));
        command.args(["--reuid", &ids[0], "--regid", &ids[1], "--clear-groups"]).arg(path("authsrv")).arg("migrate");
        command.args(["--db", database, "--master-key-file"]).arg(path("lent.key"));
        Ran::from(command.output().unwrap())
    };
    mode("lent.key", 0o440);
    migrate("one.db").done();
    mode("lent.key", 0o444);
    migrate("two.db").exits(1).says("open to others");
    mode("lent.key", 0o440);
    chown(path("lent.key"), Some(12_345), Some(0)).unwrap();
    migrate("three.db").says("open to others");
}
