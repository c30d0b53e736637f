//! The dialect of the RBAC server (S4): users, roles, resources, actions, permissions, sessions, tokens.
//!
//! - **Base paths** `/` and `/api/auth/`, the same routes under both. `resourses` and `session` are other spellings of
//!   `resources` and `sessions` (D-5). Every path answers with and without its slash (D-4).
//! - **Authentication**: `Authorization: Bearer <access token>` or `Authorization: Token <key of an API token>`; nothing
//!   else is looked at.
//! - **Rights**: GET is `read`, POST `create`, PUT and PATCH `update`, DELETE `delete` on the resource of the path's first
//!   segment (D-7, D-9), unless the table below says otherwise. 401 and 403 come before anything else is judged.
//! - **Bodies**: JSON objects. Unknown and duplicate keys are refused; what an answer shows and nobody may write is
//!   taken and not looked at, so that an answer can be changed and put back; but `me/` takes one's own names alone.
//! - **Errors**: [`failure`]. **Lists**: `count, next, previous, results`.
//! - Unlike the original: PATCH needs `update` and not `all` (S4-55), HEAD is `read` (S4-56), conflicts are 409.

pub mod api_tokens;
pub mod audit;
pub mod auth;
pub mod catalog;
pub mod check;
pub mod failure;
pub mod keys;
pub mod me;
pub mod permissions;
pub mod roles;
pub mod sessions;
pub mod settings;
pub mod users;
pub mod wire;

use serde_json::json;

use super::routes::Guard::{Public, Right, SignedIn};
use super::routes::{Dialect, Reading, Section, Table};
use crate::domain::error::{Error, Result};
use crate::domain::rights::{action::*, resource::*};

/// Name and manners of the dialect.
pub static DIALECT: Dialect = Dialect { name: "rbac", reading: Reading::Strict, switch: Some("rbac") };

/// Adds the routes under a prefix; `mark` tells the sections of one prefix from those of another in the document.
pub fn routes(table: &mut Table, prefix: &'static str, mark: &str) {
    let mut section = |name: &str, fill: fn(&mut Section)| {
        fill(&mut table.section(&DIALECT, prefix, format!("{name}{mark}")));
    };
    section("Sign-in", sign_in);
    section("Me", me_routes);
    section("Users", user_routes);
    section("Roles", role_routes);
    section("Resources", resource_routes);
    section("Actions", action_routes);
    section("Permissions", permission_routes);
    section("Sessions", session_routes);
    section("API tokens", api_token_routes);
    section("Settings", setting_routes);
    section("Audit trail", audit_routes);
    section("Keys", key_routes);
    section("Check", check_routes);
    table.browsable(&DIALECT);
    table.alias(prefix, "resources", "resourses");
    table.alias(prefix, "sessions", "session");
}

fn sign_in(t: &mut Section) {
    t.post("register/", Public, auth::register)
        .says(
            "Register",
            "Makes an account and signs it in. When new accounts wait for activation, the answer holds no tokens and is \
             the same for a free and a taken address.",
        )
        .also(&[403, 409])
        .example(json!({
            "email": "ann@example.com", "password": "correct horse 7", "password2": "correct horse 7",
            "first_name": "Ann", "last_name": "Lee",
        }));
    t.post("login/", Public, auth::login)
        .says(
            "Sign in",
            "With a password and one of `email`, `username` and `phone`; each of the three takes any of them.",
        )
        .also(&[401])
        .example(json!({"email": "ann@example.com", "password": "correct horse 7"}));
    t.post("logout/", Public, auth::logout)
        .says(
            "Sign out",
            "Ends the session of the refresh token in the body, or else that of the access token in the header, where an API \
             token is revoked.",
        )
        .takes_bearer()
        .also(&[401])
        .example(json!({"refresh": "eyJhbGciOi…"}));
    t.post("token/refresh/", Public, auth::refresh)
        .says(
            "Refresh",
            "Spends a refresh token for a new pair. Sent once more within seconds, because the answer was lost, it gets that \
             very pair; sent later, it ends its session.",
        )
        .also(&[401])
        .example(json!({"refresh": "eyJhbGciOi…"}));
    t.post("token/revoke/", Public, auth::logout)
        .says(
            "Revoke a refresh token",
            "Ends the session of the refresh token in the body, or else that of the access token in the header, where an API \
             token is revoked.",
        )
        .takes_bearer()
        .also(&[401])
        .example(json!({"refresh": "eyJhbGciOi…"}));
    t.post("token/revoke_all/", SignedIn, auth::revoke_all)
        .says("Revoke all my tokens", "Ends all sessions of the caller and revokes all API tokens.");
    t.post("token/revoke_all/{user_id}/", Right(TOKENS, DELETE), auth::revoke_all_of)
        .says("Revoke all tokens of a user", "Ends all sessions of the user and revokes all API tokens.");
}

fn me_routes(t: &mut Section) {
    t.get("me/", SignedIn, me::get).says("Who am I?", "The caller's own account.");
    t.put("me/", SignedIn, me::rename)
        .says("Change my names", "Changes what is sent; no other key is taken.")
        .example(json!({"first_name": "Ann", "last_name": "Lee"}));
    t.patch("me/", SignedIn, me::rename)
        .says("Change my names", "Changes what is sent; no other key is taken.")
        .example(json!({"first_name": "Ann"}));
    t.post("me/password/", SignedIn, me::change_password)
        .says("Change my password", "Ends the caller's other sessions and leaves this one. Named API tokens go on.")
        .example(json!({"current_password": "correct horse 7", "new_password": "incorrect horse 8"}));
    t.get("me/get_sessions/", SignedIn, me::sessions)
        .says("My sessions", "Where the caller is signed in, with the dates of each session's latest refresh token.");
    t.get("me/get_sessions/{user_id}", Right(SESSIONS, READ), me::sessions_of)
        .says("Sessions of a user", "Where he is signed in, with the dates of each session's latest refresh token.");
}

fn user_routes(t: &mut Section) {
    t.get("users/", Right(USERS, READ), users::list).says(
        "List users",
        "Ordered by `id`, `email`, `username`, `first_name`, `last_name`, `date_joined`, `last_login` or `updated_at`.",
    );
    t.post("users/", Right(USERS, CREATE), users::create)
        .says("Create a user", "Needs a password and at least one of `email`, `phone` and `username`.")
        .example(json!({
            "email": "bob@example.com", "password": "correct horse 7", "first_name": "Bob", "roles": ["viewer"],
        }));
    t.get("users/{id}/", Right(USERS, READ), users::get).says("Get a user", "");
    t.put("users/{id}/", Right(USERS, UPDATE), users::replace)
        .says(
            "Update a user",
            "Changes what is sent. At least one of `email`, `phone` and `username` must be among it.",
        )
        .example(json!({"email": "bob@example.com", "first_name": "Bob", "is_active": true}));
    t.patch("users/{id}/", Right(USERS, UPDATE), users::update)
        .says("Update a user in part", "Changes what is sent.")
        .example(json!({"is_active": false}));
    t.delete("users/{id}/", Right(USERS, DELETE), users::delete)
        .says("Delete a user", "Ends the user's sessions as well.");
    t.get("users/{id}/roles/", Right(USERS, READ), users::roles).says("Roles of a user", "");
    t.post("users/{id}/roles/", Right(USERS, UPDATE), users::grant)
        .says("Give a user a role", "201 if it is new to the user, 200 if not. Takes every permission of the role.")
        .example(json!({"role": "viewer"}));
    t.delete("users/{id}/roles/{role_id}/", Right(USERS, UPDATE), users::revoke).says("Take a role from a user", "");
}

fn role_routes(t: &mut Section) {
    t.get("roles/", Right(ROLES, READ), roles::list).says("List roles", "Ordered by `id`, `name` or `code_name`.");
    t.post("roles/", Right(ROLES, CREATE), roles::create)
        .says("Create a role", "Takes every permission given.")
        .example(json!({"name": "Accountant", "code_name": "accountant", "permissions": ["documents:read"]}));
    t.get("roles/{id}/", Right(ROLES, READ), roles::get).says("Get a role", "");
    t.put("roles/{id}/", Right(ROLES, UPDATE), roles::replace).says("Update a role", "Changes what is sent.").example(
        json!({
            "name": "Accountant", "code_name": "accountant", "permissions": ["documents:read", "documents:approve"],
        }),
    );
    t.patch("roles/{id}/", Right(ROLES, UPDATE), roles::update)
        .says("Update a role in part", "Changes what is sent.")
        .example(json!({"permissions": ["documents:read"]}));
    t.delete("roles/{id}/", Right(ROLES, DELETE), roles::delete).says("Delete a role", "Takes it from everybody.");
    t.get("roles/{id}/permissions/", Right(ROLES, READ), roles::permissions).says("Permissions of a role", "");
    t.post("roles/{id}/permissions/", Right(ROLES, UPDATE), roles::allow)
        .says("Give a role a permission", "201 if it is new to the role, 200 if not. Takes the permission itself.")
        .example(json!({"permission": "documents:approve"}));
    t.delete("roles/{id}/permissions/{permission_id}/", Right(ROLES, UPDATE), roles::deny)
        .says("Take a permission from a role", "");
}

fn resource_routes(t: &mut Section) {
    use catalog::resources as r;
    t.get("resources/", Right(RESOURCES, READ), r::list)
        .says("List resources", "Ordered by `id`, `name` or `code_name`.");
    t.post("resources/", Right(RESOURCES, CREATE), r::create)
        .says("Create a resource", "")
        .example(json!({"name": "Invoices", "code_name": "invoices"}));
    t.get("resources/{id}/", Right(RESOURCES, READ), r::get).says("Get a resource", "");
    t.put("resources/{id}/", Right(RESOURCES, UPDATE), r::replace)
        .says("Update a resource", "Changes what is sent.")
        .example(json!({"name": "Invoices", "code_name": "invoices", "description": "What is to be paid"}));
    t.patch("resources/{id}/", Right(RESOURCES, UPDATE), r::update)
        .says("Update a resource in part", "Changes what is sent.")
        .example(json!({"description": "What is to be paid"}));
    t.delete("resources/{id}/", Right(RESOURCES, DELETE), r::delete).says("Delete a resource", "");
}

fn action_routes(t: &mut Section) {
    use catalog::actions as a;
    t.get("actions/", Right(ACTIONS, READ), a::list).says("List actions", "Ordered by `id`, `name` or `code_name`.");
    t.post("actions/", Right(ACTIONS, CREATE), a::create)
        .says("Create an action", "")
        .example(json!({"name": "Sign", "code_name": "sign"}));
    t.get("actions/{id}/", Right(ACTIONS, READ), a::get).says("Get an action", "");
    t.put("actions/{id}/", Right(ACTIONS, UPDATE), a::replace)
        .says("Update an action", "Changes what is sent.")
        .example(json!({"name": "Sign", "code_name": "sign", "description": "Put a name under it"}));
    t.patch("actions/{id}/", Right(ACTIONS, UPDATE), a::update)
        .says("Update an action in part", "Changes what is sent.")
        .example(json!({"description": "Put a name under it"}));
    t.delete("actions/{id}/", Right(ACTIONS, DELETE), a::delete).says("Delete an action", "");
}

fn permission_routes(t: &mut Section) {
    t.get("permissions/", Right(PERMISSIONS, READ), permissions::list)
        .says("List permissions", "Ordered by `id`, `resource` or `action`.");
    t.post("permissions/", Right(PERMISSIONS, CREATE), permissions::create)
        .says(
            "Create a permission",
            "Pairs a resource with an action, each by id or code name. Takes the right itself.",
        )
        .example(json!({"resource": "documents", "action": "approve"}));
    t.get("permissions/{id}/", Right(PERMISSIONS, READ), permissions::get).says("Get a permission", "");
    t.put("permissions/{id}/", Right(PERMISSIONS, UPDATE), permissions::replace)
        .says("Update a permission", "Makes it another pair. Takes the new right itself.")
        .example(json!({"resource": "documents", "action": "export"}));
    t.patch("permissions/{id}/", Right(PERMISSIONS, UPDATE), permissions::update)
        .says("Update a permission in part", "Changes one side of the pair or both. Takes the new right itself.")
        .example(json!({"action": "export"}));
    t.delete("permissions/{id}/", Right(PERMISSIONS, DELETE), permissions::delete).says("Delete a permission", "");
}

fn session_routes(t: &mut Section) {
    t.get("sessions/", Right(SESSIONS, READ), sessions::list)
        .says("List sessions", "Ordered by `id`, `created_at`, `expires_at` or `user_id`.");
    t.get("sessions/{id}/", Right(SESSIONS, READ), sessions::get).says("Get a session", "").by_uuid_too();
    t.delete("sessions/{id}/", Right(SESSIONS, DELETE), sessions::end)
        .says("End a session", "Its tokens are refused from then on.")
        .by_uuid_too();
}

fn api_token_routes(t: &mut Section) {
    t.get("api-tokens/", SignedIn, api_tokens::list)
        .says(
            "List API tokens",
            "The caller's own; with `tokens:read` everybody's, or those of one `user`. Ordered by `id`, `created_at`, \
             `expires_at`, `last_used_at` or `user_id`.",
        )
        .also(&[403]);
    t.post("api-tokens/", SignedIn, api_tokens::create)
        .says(
            "Create an API token",
            "The answer shows its key, which is never shown again and is sent as `Authorization: Token <key>`. It carries \
             the rights of its user, and dies when all sessions of the user are ended; a new password leaves it. For \
             another user it needs `tokens:create` and every permission of that user.",
        )
        .also(&[403, 409])
        .example(json!({"name": "backup", "expires_at": "2030-01-01T00:00:00Z"}));
    t.delete("api-tokens/{id}/", SignedIn, api_tokens::revoke)
        .says("Revoke an API token", "It is refused from then on. Another's needs `tokens:delete`.")
        .also(&[403]);
}

fn setting_routes(t: &mut Section) {
    t.get("settings/", Right(SETTINGS, READ), settings::get).says("Get the settings", "All runtime settings.");
    t.patch("settings/", Right(SETTINGS, UPDATE), settings::change)
        .says("Change settings", "Changes what is sent, all or nothing; `null` goes back to the default. Acts at once.")
        .example(json!({"registration.mode": "closed", "rbac.access_lifetime": 600}));
}

fn audit_routes(t: &mut Section) {
    t.get("audit/", Right(AUDIT, READ), audit::list).says(
        "List events",
        "Who did what, from where, when: newest first, or ordered by `id` or `at`. Nothing in it can be changed or removed.",
    );
}

fn key_routes(t: &mut Section) {
    t.get("keys/", Right(KEYS, READ), keys::list).says(
        "List signing keys",
        "The keys that tokens are signed and verified by, oldest first, or ordered by `created_at`, without any secret; their \
         public halves are at `/.well-known/jwks.json`. Only the command line makes, rotates and revokes keys.",
    );
}

fn check_routes(t: &mut Section) {
    t.post("check/", SignedIn, check::check)
        .says(
            "May I?",
            "Says whether the caller, or with `permissions:read` any user, may do an action on a resource, and why. Takes \
             one question or a list of up to 100.",
        )
        .also(&[403]).example(json!({"resource": "documents", "action": "read"}));
}

/// The answer to the one question asked.
fn one<T>(several: Vec<T>) -> Result<T> {
    several.into_iter().next().ok_or_else(|| Error::internal("no answer to one question"))
}
