//! The decision: may this user do that? The same for every door (S4-54, D-8).

use crate::domain::catalog::{Kind, Named};
use crate::domain::error::{Error, Reason, Result};
use crate::domain::ids::UserId;
use crate::domain::rights::{Grants, Right, action, resource};
use crate::domain::settings::Settings;
use crate::service::{Actor, Ctx, Env};
use crate::store::Tx;

/// Most questions in one call.
pub const QUESTIONS_MAX: usize = 100;

/// May `user` (the caller, if none) do this?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What he would do.
    pub right: Right,
    /// Who.
    pub user: Option<UserId>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was asked.
    pub right: Right,
    /// Why so.
    pub why: Why,
}

/// Why so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Allowed: a superuser passes every check.
    Superuser,
    /// Allowed: these roles give the right, each by this permission (`all`, or the action itself).
    Roles(Vec<(Named, Right)>),
    /// Denied: there is no such user.
    NoUser,
    /// Denied: the user is not active.
    Inactive,
    /// Denied: there is no such resource.
    UnknownResource,
    /// Denied: there is no such action.
    UnknownAction,
    /// Denied: none of the user's roles gives it.
    Missing {
        /// Roles that he has.
        has: Vec<Named>,
        /// Roles that would give it.
        would: Vec<Named>,
    },
}

impl Decision {
    /// Whether he may.
    pub fn is_allowed(&self) -> bool {
        matches!(self.why, Why::Superuser | Why::Roles(_))
    }

    /// Why so, one sentence for people.
    pub fn reason(&self) -> String {
        let right = &self.right;
        match &self.why {
            Why::Superuser => "A superuser passes every check.".to_owned(),
            Why::Roles(roles) => match roles.first() {
                Some((role, by)) => format!("The role {} gives {by}.", role.code_name),
                None => format!("A role gives {right}."),
            },
            Why::NoUser => "There is no such user.".to_owned(),
            Why::Inactive => "The user is not active.".to_owned(),
            Why::UnknownResource => format!("There is no resource {}.", right.resource),
            Why::UnknownAction => format!("There is no action {}.", right.action),
            Why::Missing { has, .. } if has.is_empty() => format!("No role, so {right} is missing."),
            Why::Missing { has, .. } => {
                let roles: Vec<&str> = has.iter().map(|role| role.code_name.as_str()).collect();
                format!("None of the roles {} gives {right}.", roles.join(", "))
            }
        }
    }

    /// Code name of the first role that allows it.
    pub fn role(&self) -> Option<&str> {
        match &self.why {
            Why::Roles(roles) => roles.first().map(|(role, _)| role.code_name.as_str()),
            _ => None,
        }
    }

    /// The right that is missing, if it is denied.
    pub fn missing(&self) -> Option<&Right> {
        (!self.is_allowed()).then_some(&self.right)
    }
}

/// Decides every question on one state of the data, in their order.
///
/// Asking about others needs `permissions:read`.
///
/// # Errors
/// `Unauthenticated`; `Forbidden`; `Invalid("")` — more than [`QUESTIONS_MAX`] questions; and those of the store.
pub fn check(ctx: &Ctx, questions: &[Question]) -> Result<Vec<Decision>> {
    if questions.len() > QUESTIONS_MAX {
        let message = format!("Ask at most {QUESTIONS_MAX} questions at once.");
        return Err(Error::invalid("", "max_length", message));
    }
    let own = match ctx.actor {
        Actor::User(caller) => Some(caller.user),
        Actor::Operator(_) => None,
        Actor::Guest(_) | Actor::Anonymous => return Err(Error::Unauthenticated(Reason::Missing)),
    };
    if questions.iter().any(|question| question.user.is_some() && question.user != own) {
        ctx.require(&Right::of(resource::PERMISSIONS, action::READ))?;
    }
    ctx.read(|tx| {
        let decide = |question: &Question| {
            let right = question.right.clone();
            match question.user.or(own) {
                Some(user) => decide(tx, user, right),
                None => Ok(Decision { right, why: Why::NoUser }),
            }
        };
        questions.iter().map(decide).collect()
    })
}

/// The decision itself, whoever asks.
///
/// # Errors
/// Those of the store.
pub(super) fn decide(tx: &dyn Tx, user: UserId, right: Right) -> Result<Decision> {
    let why = why(tx, user, &right)?;
    Ok(Decision { right, why })
}

fn why(tx: &dyn Tx, user: UserId, right: &Right) -> Result<Why> {
    let Some(user) = tx.user(user)? else { return Ok(Why::NoUser) };
    if !user.is_active {
        return Ok(Why::Inactive);
    }
    if user.is_superuser {
        return Ok(Why::Superuser);
    }
    let giving: Vec<(Named, Right)> = tx
        .role_permissions_of_user(user.id, &right.resource)?
        .into_iter()
        .filter(|link| link.right.covers(right))
        .map(|link| (link.role, link.right))
        .collect();
    // What a permission names there is; one for `all` covers actions that there are not.
    if giving.iter().any(|(_, by)| by == right) {
        return Ok(Why::Roles(giving));
    }
    if tx.named_by_code(Kind::Resource, &right.resource)?.is_none() {
        return Ok(Why::UnknownResource);
    }
    if tx.named_by_code(Kind::Action, &right.action)?.is_none() {
        return Ok(Why::UnknownAction);
    }
    if !giving.is_empty() {
        return Ok(Why::Roles(giving));
    }
    Ok(Why::Missing { has: tx.roles_of_user(user.id)?, would: tx.roles_allowing(right)? })
}

/// What anybody may do where the setting `account.open` is on (S0-22): read, change and delete users. Bounded as every
/// caller's rights are, by R-38: accounts of staff and of whoever has a role can be read only.
///
/// # Errors
/// Those of the store.
pub fn guest(tx: &dyn Tx) -> Result<Option<Actor>> {
    if !Settings::from_stored(tx.stored_settings()?).account_open() {
        return Ok(None);
    }
    let rights = [action::READ, action::UPDATE, action::DELETE].map(|action| Right::of(resource::USERS, action));
    Ok(Some(Actor::Guest(Grants::of(rights))))
}

/// The actor of a caller who shows nothing, at a door that the setting `account.open` may open.
///
/// # Errors
/// Those of the store.
pub fn anybody(env: &Env) -> Result<Actor> {
    Ok(env.store.read(guest)?.unwrap_or(Actor::Anonymous))
}
