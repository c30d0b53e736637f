//! What a command works with: the open database, who asks, and how to ask back. Also the names that people give to
//! users, roles, resources and actions on the command line.

use super::failure::{Failure, listing};
use super::inert::shell_word;
use super::output::Format;
use super::program::Program;
use super::prompt::Prompt;
use crate::domain::catalog::{Kind, Named};
use crate::domain::error::{Entity, Error};
use crate::domain::users::User;
use crate::service::users::Account;
use crate::service::{Actor, Ctx, Env, Origin, Ref, catalog, users};

/// One run of one command.
pub struct Call {
    /// The program's surroundings.
    pub env: Env,
    /// The operator.
    pub actor: Actor,
    /// The command line.
    pub origin: Origin,
    /// Asks.
    pub prompt: Prompt,
    /// In what form data is printed.
    pub format: Format,
    /// How commands are suggested.
    pub program: Program,
}

impl Call {
    /// The surroundings of an operation that begins now. Made anew after each question, since people take their time.
    pub fn ctx(&self) -> Ctx<'_> {
        self.env.ctx(&self.actor, &self.origin)
    }

    /// The user that a text names: an id if it is all digits, else an e-mail, phone or username.
    pub fn user(&self, text: &str) -> Result<Account, Failure> {
        users::find(&self.ctx(), text).or_else(|error| match error {
            Error::NotFound(_) => {
                let near = users::similar(&self.ctx(), text)?;
                Err(unknown(Entity::User, text, &near))
            }
            error => Err(error.into()),
        })
    }

    /// The role, resource or action of this code name (or id, which no code name looks like).
    pub fn named(&self, kind: Kind, text: &str) -> Result<Named, Failure> {
        catalog::find(&self.ctx(), kind, &reference(text)).or_else(|error| match error {
            Error::NotFound(_) => Err(self.no_such(kind, text)?),
            error => Err(error.into()),
        })
    }

    /// The failure that says that nothing is named so, and what is named nearly so.
    pub fn no_such(&self, kind: Kind, text: &str) -> Result<Failure, Failure> {
        let near = catalog::similar(&self.ctx(), kind, text)?;
        Ok(unknown(kind.entity(), text, &near))
    }

    /// A command to suggest, safe to paste.
    pub fn command(&self, words: &str) -> String {
        self.program.command(words)
    }
}

/// An id if the text is all digits, else a code name.
pub fn reference(text: &str) -> Ref {
    match text.parse::<i64>() {
        Ok(id) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ref::Id(id),
        _ => Ref::Code(text.to_owned()),
    }
}

/// `no role "viewr"; did you mean "viewer"?`, and how to see them all.
pub fn unknown(entity: Entity, text: &str, near: &[String]) -> Failure {
    let noun = entity.noun();
    let near: Vec<String> = near.iter().map(|name| format!("\"{name}\"")).collect();
    let suggestion = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
    Failure::refused(format!("no {noun} \"{text}\"{suggestion}")).hinting(listing(entity))
}

/// A user as one word of a command that is safe to paste: the label, or the id where the label is not fit for it.
pub fn word_of(user: &User) -> String {
    let digits = user.label().bytes().all(|byte| byte.is_ascii_digit());
    shell_word(user.label()).filter(|_| !digits).unwrap_or_else(|| user.id.to_string())
}
