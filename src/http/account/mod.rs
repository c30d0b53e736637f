//! The dialect of the account API (S0): the users as one flat list.
//!
//! - **Base path** `/api/v1/account/`, with the root `/api/v1/` that names it (S0-16).
//! - **Rights**: POST registers (D-17). The rest is for whoever is that user or holds the right on `users`; with
//!   `account.open` also for whoever sends no credentials, as in the original; he changes and deletes only accounts
//!   without a role (S0-22).
//! - **Fields**: `id`, `email`, `username`, `date_joined`, in this order (S0-10); the date without a zone (S0-11) unless
//!   `account.zoned_dates` is on.
//! - **Deleting** goes three ways: DELETE on the account, `{id}/remove/`, `remove/{id}/` (S0-18 … S0-20).
//! - Unlike the original: names and addresses are unique without case (D-15); one's own password is changed elsewhere,
//!   where the old one is asked for.

pub mod accounts;
pub mod failure;
pub mod wire;

use serde_json::json;

use super::drf::View;
use super::drf::metadata::{Action, Field};
use super::routes::Guard::{Public, SignedIn};
use super::routes::{Dialect, Guard, Reading, Table};

/// Name and manners of the dialect.
pub static DIALECT: Dialect = Dialect { name: "account", reading: Reading::Lenient, switch: Some("account") };

/// Adds the routes.
pub fn routes(table: &mut Table) {
    table.suffixed("/api/v1/");
    let mut t = table.section(&DIALECT, "/api/v1/", "Account · /api/v1/");
    t.view("", &ROOT).get("", Public, accounts::root).says("Root", "Where the list is.").takes_bearer().also(&[401]);
    t.view("account/", &LIST)
        .get("account/", SignedIn, accounts::list)
        .says("Accounts", "All of them for whoever may read users, else the caller's own.");
    t.post("account/", Public, accounts::create)
        .says("Register", "Makes an account. `date_joined` is set by the server, whatever is sent.")
        .takes_bearer()
        .also(&[401, 403])
        .example(json!({"email": "ann@example.com", "username": "Ann Lee", "password": "correct horse 7"}));
    t.view("account/{id}/", &INSTANCE)
        .get("account/{id}/", SignedIn, accounts::get)
        .says("An account", "")
        .also(&[403]);
    t.put("account/{id}/", SignedIn, accounts::replace)
        .says("Change an account", "All fields.")
        .also(&[403, 409])
        .example(json!({"email": "ann@example.com", "username": "Ann Lee", "password": "correct horse 7"}));
    t.patch("account/{id}/", SignedIn, accounts::update)
        .says("Change an account", "The fields that are sent.")
        .also(&[403, 409])
        .example(json!({"username": "Ann Lee"}));
    t.delete("account/{id}/", SignedIn, accounts::delete).says("Delete an account", "").also(&[403, 409]);
    t.view("account/{id}/remove/", &REMOVE)
        .delete("account/{id}/remove/", SignedIn, accounts::delete)
        .says("Delete an account", "The same.")
        .also(&[403, 409]);
    t.view("account/remove/{id}/", &REMOVE)
        .delete("account/remove/{id}/", SignedIn, accounts::remove)
        .says("Delete an account", "The same; the answer about nobody has no body.")
        .also(&[403, 409])
        .bare(&[404]);
}

fn fields() -> Vec<Field> {
    vec![
        Field::new("id", "integer", "ID").read_only(),
        Field::new("email", "email", "Email").required().length(0, 254),
        Field::text("username", "Username").required().length(3, 30),
        Field::text("password", "Password").required().length(10, 128),
        Field::new("date_joined", "datetime", "Date joined").read_only(),
    ]
}

const fn view(name: &'static str, guard: Guard) -> View {
    View { name, description: "", authenticates: true, guard, browsable: true, opens: true, fields: None }
}

static ROOT: View = View { description: "The default basic root view for DefaultRouter", ..view("Api Root", Public) };
static LIST: View =
    View { fields: Some(|_, _| Some(Action { method: "POST", fields: fields() })), ..view("Account List", Public) };
static INSTANCE: View = View { fields: Some(accounts::put_action), ..view("Account Instance", Public) };
static REMOVE: View = view("Remove", Public);
