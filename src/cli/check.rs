//! `authsrv check`: may this user do that, and why (not).

use super::call::{Call, word_of};
use super::failure::{Code, Failure};
use super::output::{Cell, Output, Record};
use crate::domain::catalog::{CodeName, Kind, NAME_MAX, Named};
use crate::domain::error::Error;
use crate::domain::rights::Right;
use crate::domain::users::User;
use crate::service::access::{self, Decision, Question, Why};
use crate::service::{Ref, catalog};

/// Options of `check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  authsrv check ann@example.com documents read && echo yes\n  authsrv check ann@example.com users delete --explain"
)]
pub struct Args {
    /// Id, e-mail, phone or username
    #[arg(value_name = "USER")]
    user: String,
    /// Code name of the resource
    #[arg(value_name = "RESOURCE")]
    resource: String,
    /// Code name of the action
    #[arg(value_name = "ACTION")]
    action: String,
    /// Say by which role and permission, or what is missing and which command would grant it
    #[arg(long)]
    explain: bool,
}

/// Asks.
pub fn run<'a>(args: &Args, call: &'a Call) -> Result<Output<'a>, Failure> {
    let user = call.user(&args.user)?.user;
    let right = Right::new(args.resource.as_str(), args.action.as_str());
    let questions = [Question { right: right.clone(), user: Some(user.id) }];
    let decision = access::check(&call.ctx(), &questions)?.into_iter().next();
    let decision = decision.ok_or_else(|| Failure::internal("the question was not answered"))?;
    let verdict = if decision.is_allowed() { "allowed" } else { "denied" };
    let code = if decision.is_allowed() { Code::Done } else { Code::Refused };
    let mut record = Record(vec![
        ("allowed", Cell::Bool(decision.is_allowed())),
        ("user", Cell::text(user.label())),
        ("resource", Cell::text(&right.resource)),
        ("action", Cell::text(&right.action)),
        ("reason", Cell::Text(decision.reason())),
        ("role", Cell::maybe(decision.role())),
        ("missing", Cell::maybe(decision.missing())),
    ]);
    let mut lines = vec![verdict.to_owned()];
    let strangers = strangers(&right, call)?;
    let mut notes = Vec::new();
    for (kind, code) in &strangers {
        notes.push(there_is_no(*kind, code, call)?);
    }
    if args.explain {
        let explanation = explain(&decision, &user, &strangers, call)?;
        if matches!(decision.why, Why::UnknownResource | Why::UnknownAction) {
            notes.clear();
        }
        lines.extend(explanation.lines());
        explanation.add_to(&mut record);
    }
    Ok(notes.into_iter().fold(Output::said(lines, record).with_code(code), Output::with_note))
}

const GRANT: &str = "This would grant it:";

/// Why, and what to do about it.
struct Explanation {
    reason: String,
    paths: Vec<String>,
    lead: &'static str,
    commands: Vec<String>,
}

impl Explanation {
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), paths: Vec::new(), lead: "", commands: Vec::new() }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("  {}", self.reason)];
        lines.extend(self.paths.iter().map(|path| format!("  {path}")));
        if !self.commands.is_empty() {
            lines.push(format!("  {}", self.lead));
            lines.extend(self.commands.iter().map(|command| format!("    {command}")));
        }
        lines
    }

    fn add_to(self, record: &mut Record) {
        record.0.push(("explanation", Cell::Text(self.reason)));
        record.0.push(("paths", Cell::List(self.paths)));
        record.0.push(("commands", Cell::List(self.commands)));
    }
}

fn explain(decision: &Decision, user: &User, strangers: &[Stranger], call: &Call) -> Result<Explanation, Failure> {
    let (label, right) = (user.label(), &decision.right);
    Ok(match &decision.why {
        Why::Superuser => Explanation::new(format!("{label} is a superuser and passes every check.")),
        Why::Roles(roles) => Explanation {
            paths: roles.iter().map(|(role, right)| format!("{label} -> {} -> {right}", role.code_name)).collect(),
            ..Explanation::new(format!(
                "{label} may, by {}:",
                if roles.len() == 1 { "this role" } else { "these roles" }
            ))
        },
        Why::NoUser => Explanation::new("There is no such user."),
        Why::Inactive => Explanation {
            lead: "This lets the user in; then ask again:",
            commands: vec![call.command(&format!("users activate {}", word_of(user)))],
            ..Explanation::new(format!("{label} is not active."))
        },
        Why::UnknownResource | Why::UnknownAction => unknown(right, user, strangers, call)?,
        Why::Missing { has, would } => missing(right, user, (has, would), call)?,
    })
}

/// A user `has` some roles, others `would` give the right.
fn missing(
    right: &Right,
    user: &User,
    (has, would): (&[Named], &[Named]),
    call: &Call,
) -> Result<Explanation, Failure> {
    let label = user.label();
    let codes: Vec<&str> = has.iter().map(|role| role.code_name.as_str()).collect();
    let reason = match codes.as_slice() {
        [] => format!("{label} has no role, and so no access; {right} is missing."),
        [role] => format!("{label} has the role {role}, which does not allow {right}."),
        roles => format!("{label} has the roles {}; none of them allows {right}.", roles.join(", ")),
    };
    let grants = would.iter().map(|role| call.command(&format!("roles grant {} {}", word_of(user), role.code_name)));
    let allows = has.iter().map(|role| call.command(&format!("roles allow {} {right}", role.code_name)));
    let mut commands: Vec<String> = grants.chain(allows).collect();
    if commands.is_empty() {
        commands.push(chain(Vec::new(), right, user, call)?);
    }
    let lead = if commands.len() == 1 { GRANT } else { "Each of these would grant it:" };
    Ok(Explanation { lead, commands, ..Explanation::new(reason) })
}

/// A code name that names nothing of its kind.
type Stranger<'a> = (Kind, &'a str);

/// What of a right does not exist.
fn strangers<'a>(right: &'a Right, call: &Call) -> Result<Vec<Stranger<'a>>, Failure> {
    let mut strangers = Vec::new();
    for (kind, code) in [(Kind::Resource, &*right.resource), (Kind::Action, &*right.action)] {
        match catalog::find(&call.ctx(), kind, &Ref::Code(code.to_owned())) {
            Ok(_) => {}
            Err(Error::NotFound(_)) => strangers.push((kind, code)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(strangers)
}

/// `There is no action "raed"; did you mean "read"?`
fn there_is_no(kind: Kind, code: &str, call: &Call) -> Result<String, Failure> {
    let text = call.no_such(kind, code)?.text;
    Ok(format!("There is {text}{}", if text.ends_with('?') { "" } else { "." }))
}

/// Nothing is suggested for names that could not be made.
fn unknown(right: &Right, user: &User, strangers: &[Stranger], call: &Call) -> Result<Explanation, Failure> {
    let mut reasons = Vec::new();
    let mut makes = Vec::new();
    for (kind, code) in strangers {
        reasons.push(there_is_no(*kind, code, call)?);
        if CodeName::parse(code).is_ok_and(|parsed| parsed.as_str() == *code) {
            let name = free(code, |name| catalog::holder(&call.ctx(), *kind, Some(name), None))?;
            makes.push(format!("{} create --name {name} --code-name {code}", kind.resource()));
        } else {
            reasons.push("None can be named so: a code name is a letter and more of a-z, 0-9 and . _ -.".to_owned());
        }
    }
    let explanation = Explanation::new(reasons.join(" "));
    if makes.len() < strangers.len() {
        return Ok(explanation);
    }
    let commands = vec![chain(makes, right, user, call)?];
    Ok(Explanation { lead: "If it is to exist, this makes it and grants it:", commands, ..explanation })
}

/// A line that grants the right and no other: by a role of its own.
fn chain(mut words: Vec<String>, right: &Right, user: &User, call: &Call) -> Result<String, Failure> {
    let role = format!("{}_{}", right.resource, right.action);
    let role = free(&role, |name| catalog::holder(&call.ctx(), Kind::Role, Some(name), Some(name)))?;
    words.push(format!("roles create --name {role} --code-name {role}"));
    words.push(format!("roles allow {role} {right}"));
    words.push(format!("roles grant {} {role}", word_of(user)));
    let commands: Vec<String> = words.iter().map(|words| call.command(words)).collect();
    Ok(commands.join(" && "))
}

/// The name, or the first of those with a number behind it, that nothing holds.
fn free(name: &str, holder: impl Fn(&str) -> Result<Option<Named>, Error>) -> Result<String, Failure> {
    // Room for the number; code names are plain ASCII.
    let name = name.get(..NAME_MAX - 10).unwrap_or(name);
    let mut candidate = name.to_owned();
    for number in 2_u32.. {
        if holder(&candidate)?.is_none() {
            break;
        }
        candidate = format!("{name}_{number}");
    }
    Ok(candidate)
}
