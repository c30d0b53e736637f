//! The kinds of callers. What each may is written down here a second time, from the rules, and not asked of the program.

use std::time::Duration;

use authsrv::domain::identifiers::Email;
use authsrv::domain::users::{NewUser, UserPatch};
use authsrv::service::users::{self, AccountPatch};
use authsrv::service::{Actor, login};

use crate::support::TestApp;
use crate::support::http::{Client, Server};

/// A kind of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sends no credentials.
    Anonymous,
    /// Sends something that is no token.
    Garbage,
    /// Sends a token that was good once.
    Expired,
    /// Signed in, without a role.
    NoRoles,
    /// Has the seeded role `viewer`.
    Viewer,
    /// Has the seeded role `manager`.
    Manager,
    /// Has the seeded role `admin`.
    Admin,
    /// `is_staff`, without a role.
    Staff,
    /// `is_superuser`, without a role.
    Superuser,
    /// Was `admin` until he was deactivated, token in hand.
    Deactivated,
    /// Is `admin`, but the session of his token was ended.
    Ended,
}

impl Kind {
    /// All of them, in the order of the table.
    pub const ALL: [Kind; 11] = [
        Kind::Anonymous,
        Kind::Garbage,
        Kind::Expired,
        Kind::NoRoles,
        Kind::Viewer,
        Kind::Manager,
        Kind::Admin,
        Kind::Staff,
        Kind::Superuser,
        Kind::Deactivated,
        Kind::Ended,
    ];

    /// Head of his column.
    pub fn title(self) -> &'static str {
        match self {
            Kind::Anonymous => "anonymous",
            Kind::Garbage => "garbage",
            Kind::Expired => "expired",
            Kind::NoRoles => "no roles",
            Kind::Viewer => "viewer",
            Kind::Manager => "manager",
            Kind::Admin => "admin",
            Kind::Staff => "staff",
            Kind::Superuser => "superuser",
            Kind::Deactivated => "deactivated",
            Kind::Ended => "ended",
        }
    }

    /// Whether his credentials are good.
    pub fn is_known(self) -> bool {
        !matches!(self, Kind::Anonymous | Kind::Garbage | Kind::Expired | Kind::Deactivated | Kind::Ended)
    }

    /// S4-54: a superuser passes (D-8); else the actions that his roles give on the resource decide.
    pub fn may(self, resource: &str, action: &str) -> bool {
        let actions: Vec<&str> = match (self, resource) {
            (Kind::Superuser, _) => return true,
            (Kind::Admin, _) => vec!["all"],
            (Kind::Manager, "users" | "sessions") => vec!["read", "update"],
            (Kind::Manager, "roles") => vec!["read"],
            (Kind::Viewer, "users" | "roles" | "actions" | "resources" | "permissions" | "projects" | "documents") => {
                vec!["read"]
            }
            _ => vec![],
        };
        actions.contains(&"all") || actions.contains(&action)
    }

    fn roles(self) -> &'static [&'static str] {
        match self {
            Kind::Viewer => &["viewer"],
            Kind::Manager => &["manager"],
            Kind::Admin | Kind::Expired | Kind::Deactivated | Kind::Ended => &["admin"],
            _ => &[],
        }
    }
}

/// A caller of a kind, with what he sends.
pub struct Standing {
    kind: Kind,
    /// Sends his requests.
    pub client: Client,
}

/// His address.
pub const NAME: &str = "caller@example.com";

impl Standing {
    /// Makes him what he is.
    pub fn of(kind: Kind, app: &TestApp, server: &Server) -> Self {
        match kind {
            Kind::Anonymous => return Self { kind, client: server.anonymous() },
            Kind::Garbage => return Self { kind, client: server.bearer("not.a.token") },
            _ => {}
        }
        let (is_staff, is_superuser) = (kind == Kind::Staff, kind == Kind::Superuser);
        let email = Some(Email::parse(NAME).unwrap());
        let profile = NewUser { email, is_active: true, is_staff, is_superuser, ..NewUser::default() };
        let id = app.account(profile, kind.roles());
        let access = app.sign_in(NAME).access;
        match kind {
            Kind::Expired => app.clock.advance(Duration::from_secs(6 * 60)),
            Kind::Deactivated => {
                let profile = UserPatch { is_active: Some(false), ..UserPatch::default() };
                let patch = AccountPatch { profile, ..AccountPatch::default() };
                app.operate(|ctx| users::update(ctx, id, patch)).unwrap();
            }
            Kind::Ended => app.with_token(&access, login::logout).unwrap(),
            _ => assert!(matches!(app.authenticate(&access), Ok(Actor::User(_)))),
        }
        Self { kind, client: server.bearer(&access) }
    }

    /// The same caller after a request that may have ended his session: signed in again, if he ever was.
    pub fn again(self, app: &TestApp, server: &Server) -> Self {
        if !self.kind.is_known() {
            return self;
        }
        Self { client: server.bearer(&app.sign_in(NAME).access), ..self }
    }

    /// The same kind of caller after a request that may have deleted him.
    pub fn anew(self, app: &TestApp, server: &Server) -> Self {
        if self.kind.is_known() { Self::of(self.kind, app, server) } else { self }
    }
}
