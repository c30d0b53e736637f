//! The decision for an API behind a proxy: may this caller send this request there (D-18)?
//!
//! The same rights as everywhere, by [`access`]; read anew for each request, so that an end of
//! access is seen by the next one.

use crate::domain::catalog::Kind;
use crate::domain::error::{Error, Reason, Result};
use crate::domain::identifiers::Email;
use crate::domain::ids::UserId;
use crate::domain::policies::{Policy, Verb};
use crate::domain::rights::Right;
use crate::domain::users::User;
use crate::service::{Actor, Ctx, access};
use crate::store::Tx;

/// Who passed, for the API behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Id of the user.
    pub id: UserId,
    /// E-mail, if he has one.
    pub email: Option<Email>,
    /// Code names of his roles.
    pub roles: Vec<String>,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// He may; who he is, unless he is nobody known.
    Permitted(Option<Identity>),
    /// He may not.
    Denied(Denial),
}

/// Why somebody may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// He would have to be signed in.
    Anonymous,
    /// He lacks this right.
    Lacks(Right),
    /// He lacks this role.
    LacksRole(String),
    /// He is not staff.
    NotStaff,
    /// What he would do is not known, and the policy asks for it.
    NoMethod,
    /// There is no such role.
    UnknownRole(String),
    /// There is no such resource.
    UnknownResource(String),
}

/// Decides whether the caller may send a request that does this, by these policies, all of which must hold. Where there is
/// none, or one that names nothing there is, nobody passes, whoever he is.
///
/// Needs nothing: it is asked for everybody. Writes nothing.
///
/// # Errors
/// `Unauthenticated` — the account was deleted or deactivated this very moment; those of the store.
pub fn decide(ctx: &Ctx, policies: &[Policy], verb: Option<Verb>) -> Result<Verdict> {
    ctx.read(|tx| {
        for policy in policies {
            if let Some(denial) = unknown(tx, policy)? {
                return Ok(Verdict::Denied(denial));
            }
        }
        let user = match ctx.actor {
            Actor::User(caller) => Some(standing(tx, caller.user)?),
            Actor::Operator(_) | Actor::Guest(_) | Actor::Anonymous => None,
        };
        let visitor = Visitor { tx, user: user.as_ref(), verb };
        for policy in policies {
            if let Some(denial) = visitor.denial(policy)? {
                return Ok(Verdict::Denied(denial));
            }
        }
        if policies.is_empty() {
            return Ok(Verdict::Denied(Denial::NoMethod));
        }
        Ok(Verdict::Permitted(user.map(|user| identity(tx, user)).transpose()?))
    })
}

/// A policy that names nothing there is.
fn unknown(tx: &dyn Tx, policy: &Policy) -> Result<Option<Denial>> {
    Ok(match policy {
        Policy::Role(code) if tx.named_by_code(Kind::Role, code)?.is_none() => Some(Denial::UnknownRole(code.clone())),
        Policy::Resource(code) if tx.named_by_code(Kind::Resource, code)?.is_none() => {
            Some(Denial::UnknownResource(code.clone()))
        }
        _ => None,
    })
}

fn standing(tx: &dyn Tx, id: UserId) -> Result<User> {
    let user = tx.user(id)?.ok_or(Error::Unauthenticated(Reason::UserGone))?;
    if user.is_active { Ok(user) } else { Err(Error::Unauthenticated(Reason::UserInactive)) }
}

fn identity(tx: &dyn Tx, user: User) -> Result<Identity> {
    let roles = tx.roles_of_user(user.id)?.into_iter().map(|role| role.code_name).collect();
    Ok(Identity { id: user.id, email: user.email, roles })
}

/// Who would do what.
struct Visitor<'a> {
    tx: &'a dyn Tx,
    user: Option<&'a User>,
    verb: Option<Verb>,
}

impl Visitor<'_> {
    fn denial(&self, policy: &Policy) -> Result<Option<Denial>> {
        let signed_in = |denial: &dyn Fn(&User) -> Result<Option<Denial>>| match self.user {
            Some(user) => denial(user),
            None => Ok(Some(Denial::Anonymous)),
        };
        match (policy, self.verb) {
            (Policy::AllowAny, _) => Ok(None),
            (Policy::IsAuthenticated, _) => signed_in(&|_| Ok(None)),
            (Policy::IsAdmin, _) => {
                signed_in(&|user| Ok((!user.is_staff && !user.is_superuser).then_some(Denial::NotStaff)))
            }
            (Policy::Role(role), _) => signed_in(&|user| self.lacks_role(user, role)),
            (Policy::AuthenticatedOrReadOnly | Policy::Resource(_), None) => Ok(Some(Denial::NoMethod)),
            (Policy::AuthenticatedOrReadOnly, Some(verb)) if verb.is_safe() => Ok(None),
            (Policy::AuthenticatedOrReadOnly, Some(_)) => signed_in(&|_| Ok(None)),
            (Policy::Resource(resource), Some(verb)) => match verb.action() {
                None => Ok(None),
                Some(action) => signed_in(&|user| self.lacks(user, Right::new(resource, action))),
            },
        }
    }

    fn lacks_role(&self, user: &User, role: &str) -> Result<Option<Denial>> {
        let has = user.is_superuser || self.tx.roles_of_user(user.id)?.iter().any(|held| held.code_name == role);
        Ok((!has).then(|| Denial::LacksRole(role.to_owned())))
    }

    fn lacks(&self, user: &User, right: Right) -> Result<Option<Denial>> {
        let decision = access::decide(self.tx, user.id, right)?;
        Ok(decision.missing().cloned().map(Denial::Lacks))
    }
}
