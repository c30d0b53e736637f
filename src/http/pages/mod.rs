//! The pages behind mailed links (D-19): activation, a new password, a new username. For people, without scripts.
//!
//! A GET looks and changes nothing, since mail programs follow links by themselves; a POST of the page's own form acts. An
//! address holds a secret, so a page tells it to nobody: no referrer, no cache, nothing from elsewhere. The activation
//! page asks for the password of the registration and lets its reader disown the account.
//!
//! Start at [`routes`]; the forms are in `views.rs`, all words in `words.rs`.

mod form;
mod render;
mod views;
mod visitor;
mod words;

use super::call::Call;
use super::devices::Remembered;
use super::fault;
use super::ids::PathIds;
use super::routes::{Dialect, Guard, Reading, Section, Table};
use crate::domain::error::{Entity, Error, Result};
use crate::domain::identifiers::Username;
use crate::domain::one_time_tokens::Purpose;
use crate::domain::passwords::Password;
use crate::service::{Ctx, activation, recovery};
use form::Form;
use render::{File, Page};
use views::View;
use visitor::Visitor;

/// How a form can fail.
const FORM: &[u16] = &[400, 403, 408, 413, 415];

static DIALECT: Dialect = Dialect { name: "pages", reading: Reading::Lenient, switch: None };

/// Adds the routes.
pub fn routes(table: &mut Table) {
    let t = &mut table.section(&DIALECT, "/account/", "Account pages");
    t.get("activate/{uid}/{token}/", Guard::Public, activation_page)
        .says("Page of an activation link", "HTML. Asks for the password; changes nothing.");
    t.post("activate/{uid}/{token}/", Guard::Public, activate)
        .says(
            "Activate an account by its page",
            "Takes the page's form: `password`, and `act`, which is `activate` or `disown`. Refuses other sites.",
        )
        .also(FORM);
    t.get("password-reset/{uid}/{token}/", Guard::Public, password_page)
        .says("Page of a password reset link", "HTML. Asks for a new password; changes nothing.");
    t.post("password-reset/{uid}/{token}/", Guard::Public, reset_password)
        .says(
            "Set a new password by its page",
            "Takes the page's form: `new_password` and `new_password2`. Refuses other sites.",
        )
        .also(FORM);
    username_routes(t);
    t.get("static/{file}", Guard::Public, file).says("Files of the account pages", "Style and icon.");
}

fn username_routes(t: &mut Section) {
    t.get("username-reset/{uid}/{token}/", Guard::Public, username_page)
        .says("Page of a username reset link", "HTML. Asks for a new username; changes nothing.");
    t.post("username-reset/{uid}/{token}/", Guard::Public, reset_username)
        .says("Set a new username by its page", "Takes the page's form: `new_username`. Refuses other sites.")
        .also(FORM);
}

/// Both secrets of a path.
fn link(ids: &PathIds) -> Result<(&str, &str)> {
    Ok((ids.text(0, Entity::Page)?, ids.text(1, Entity::Page)?))
}

async fn activation_page(call: Call, ids: PathIds, visitor: Visitor) -> Page {
    let seen = call.run(move |ctx| {
        let look = || {
            let (uid, token) = link(&ids)?;
            Ok(View::Activation { waiting: activation::look(ctx, uid, token)?, faults: Vec::new() })
        };
        Ok(visitor.sees(ctx, look()))
    });
    Page::of(seen.await)
}

async fn activate(call: Call, ids: PathIds, visitor: Visitor, form: Form) -> Page {
    let seen = call.run_hashing(move |ctx| {
        let act = || {
            visitor.sent_here()?;
            let form = form.read()?;
            let (uid, token) = link(&ids)?;
            let waiting = activation::look(ctx, uid, token)?;
            if form.text("act") == "disown" {
                activation::disown(ctx, uid, token)?;
                return Ok(View::Disowned { pending: waiting.pending });
            }
            let done = activation::activate_with_password(ctx, uid, token, form.text("password"));
            Ok(retold(done.map(|user| View::Activated { label: user.label().to_owned() }), |faults| {
                View::Activation { waiting, faults }
            })?)
        };
        Ok(visitor.sees(ctx, act()))
    });
    Page::of(seen.await)
}

async fn password_page(call: Call, ids: PathIds, visitor: Visitor) -> Page {
    let seen = call.run(move |ctx| {
        let look = || {
            let user = recovery::look(ctx, Purpose::PasswordReset, link(&ids)?)?;
            Ok(View::NewPassword { label: user.label().to_owned(), faults: Vec::new() })
        };
        Ok(visitor.sees(ctx, look()))
    });
    Page::of(seen.await)
}

async fn reset_password(call: Call, ids: PathIds, visitor: Visitor, form: Form) -> Result<Remembered<Page>, Page> {
    let seen = call.run_hashing(move |ctx| {
        let act = || {
            visitor.sent_here()?;
            let form = form.read()?;
            let (uid, token) = link(&ids)?;
            let label = recovery::look(ctx, Purpose::PasswordReset, (uid, token))?.label().to_owned();
            let (new, again) = (form.text("new_password"), form.text("new_password2"));
            let done = set_password(ctx, (uid, token), new, again);
            Ok(retold(done.map(|()| View::PasswordSet), |faults| View::NewPassword { label, faults })?)
        };
        let seen = visitor.sees(ctx, act());
        Ok(Remembered::of(ctx, Page::of(Ok(seen))))
    });
    seen.await.map_err(|fault| Page::of(Err(fault)))
}

fn set_password(ctx: &Ctx, (uid, token): (&str, &str), new: &str, again: &str) -> Result<()> {
    let password = Password::parse("new_password", new)?;
    if new != again {
        return Err(Error::invalid("new_password2", "password_mismatch", "The two passwords do not match."));
    }
    recovery::reset_password(ctx, uid, token, password)
}

async fn username_page(call: Call, ids: PathIds, visitor: Visitor) -> Page {
    let seen = call.run(move |ctx| {
        let look = || {
            let user = recovery::look(ctx, Purpose::UsernameReset, link(&ids)?)?;
            let typed = user.username.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default();
            Ok(View::NewUsername { label: user.label().to_owned(), typed, faults: Vec::new() })
        };
        Ok(visitor.sees(ctx, look()))
    });
    Page::of(seen.await)
}

async fn reset_username(call: Call, ids: PathIds, visitor: Visitor, form: Form) -> Page {
    let seen = call.run(move |ctx| {
        let act = || {
            visitor.sent_here()?;
            let form = form.read()?;
            let (uid, token) = link(&ids)?;
            let label = recovery::look(ctx, Purpose::UsernameReset, (uid, token))?.label().to_owned();
            let typed = form.text("new_username").to_owned();
            let name = Username::parse(&typed);
            let done = name.and_then(|name| recovery::reset_username(ctx, uid, token, name));
            Ok(retold(done.map(|()| View::UsernameSet), |faults| View::NewUsername { label, typed, faults })?)
        };
        Ok(visitor.sees(ctx, act()))
    });
    Page::of(seen.await)
}

/// What is wrong with the form is told in the form; a link that has died meanwhile is not.
fn retold(done: Result<View>, form: impl FnOnce(Vec<views::Complaint>) -> View) -> Result<View> {
    match done {
        Err(Error::Invalid(fields)) if !fields.iter().any(|fault| ["uid", "token"].contains(&fault.field.as_str())) => {
            Ok(form(fields.into_iter().map(views::Complaint::of).collect()))
        }
        Err(Error::Conflict(conflict)) => Ok(form(vec![views::Complaint::taken(&conflict)])),
        done => done,
    }
}

async fn file(call: Call, ids: PathIds) -> File {
    let found: fault::Result<_> = call.run(move |_| Ok(ids.text(0, Entity::Page).ok().and_then(render::file))).await;
    File(found)
}
