//! What OPTIONS lists of each view's fields.

use crate::http::drf::metadata::{Action, Field};
use crate::service::{Ctx, settings};

/// Longest address that the original's field takes; ours are shorter (S4-34).
const EMAIL_MAX: usize = 254;
/// Longest number.
const PHONE_MAX: usize = 16;
const SUPERUSER_HELP: &str = "Designates that this user has all permissions without explicitly assigning them.";
const USERNAME_HELP: &str = "Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.";

fn post(fields: Vec<Field>) -> Option<Action> {
    Some(Action { method: "POST", fields })
}

/// An account: what OPTIONS lists of `users/` and of every action below it, whatever the action itself takes. The
/// original asks no action for its fields here.
pub fn account(ctx: &Ctx, _: &[String]) -> Option<Action> {
    post(stock(ctx)?)
}

/// The same in the manner of S1.
pub fn phone_account(_: &Ctx, _: &[String]) -> Option<Action> {
    post(phone())
}

/// A change of the account that the path names, for who may change it.
pub fn update(ctx: &Ctx, arguments: &[String]) -> Option<Action> {
    super::users::may_change(ctx, arguments.first()?).then_some(())?;
    Some(Action { method: "PUT", fields: stock(ctx)? })
}

/// A change of one's own account.
pub fn update_me(ctx: &Ctx, _: &[String]) -> Option<Action> {
    Some(Action { method: "PUT", fields: stock(ctx)? })
}

/// The same in the manner of S1.
pub fn update_phone_me(_: &Ctx, _: &[String]) -> Option<Action> {
    Some(Action { method: "PUT", fields: phone() })
}

/// The fields of an account; no id where names stand for it.
fn stock(ctx: &Ctx) -> Option<Vec<Field>> {
    let by_username = settings::in_force(ctx.env).ok()?.djoser().by_username;
    let id = (!by_username).then(|| Field::new("id", "integer", "ID").read_only());
    let mut fields = vec![Field::new("email", "email", "Email address").length(0, EMAIL_MAX)];
    fields.extend(id);
    fields.push(Field::text("username", "Username").read_only().help(USERNAME_HELP));
    Some(fields)
}

fn phone() -> Vec<Field> {
    vec![
        Field::new("id", "integer", "ID").read_only(),
        Field::text("username", "Username").read_only(),
        Field::new("email", "email", "Email").length(0, EMAIL_MAX),
        Field::text("phone", "Phone").length(0, PHONE_MAX),
        Field::new("is_active", "boolean", "Is active").read_only(),
        Field::new("is_superuser", "boolean", "Superuser status").read_only().help(SUPERUSER_HELP),
    ]
}

/// A sign-in for an API token.
pub fn token(_: &Ctx, _: &[String]) -> Option<Action> {
    post(vec![Field::text("password", "Password"), Field::text("username", "Username")])
}
