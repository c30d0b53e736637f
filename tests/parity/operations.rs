//! The operations, each as it is asked for at every door.

use authsrv::domain::catalog::{CodeName, Kind, NewNamed};
use authsrv::domain::identifiers::Email;
use authsrv::domain::ids::{RoleId, UserId};
use authsrv::domain::rights::Right;
use authsrv::domain::users::NewUser;
use authsrv::service::api_tokens::{self, NewToken};
use authsrv::service::permissions::{self, PermissionRef};
use authsrv::service::{Ref, catalog, roles, sessions, settings};
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp};

/// One way to ask.
#[derive(Debug)]
pub enum Asked {
    /// Method, path below the prefix, body.
    Http(&'static str, String, Value),
    /// Words of a command; a good password is at standard input.
    Cli(Vec<String>),
}

/// An operation.
pub struct Operation {
    /// What is done.
    pub name: &'static str,
    /// The ways to ask for it.
    pub ways: fn(&Ids) -> Vec<Asked>,
    /// Events that it writes.
    pub events: &'static [&'static str],
    /// Whether a second time does nothing, refused or not.
    pub once: bool,
}

/// Something that nobody may do.
pub struct Refusal {
    /// What is tried.
    pub name: &'static str,
    /// Status.
    pub status: u16,
    /// Exit code.
    pub code: i32,
    /// The ways to ask for it.
    pub ways: fn(&Ids) -> Vec<Asked>,
}

/// What [`arrange`] made. The user 1 is the only superuser.
#[derive(Default)]
pub struct Ids {
    /// Access token of the superuser.
    pub access: String,
    /// A user with a role, two sessions and an API token.
    pub ann: i64,
    off: i64,
    ben: i64,
    editor: i64,
    reader: i64,
    reports: i64,
    publish: i64,
    permission: i64,
    session: i64,
    api_token: i64,
}

/// Makes a little of everything, always in the same order.
pub fn arrange(app: &TestApp) -> Ids {
    app.superuser("root@example.com");
    let ann = app.user("ann@example.com", &[]);
    let email = Some(Email::parse("off@example.com").unwrap());
    let off = app.account(NewUser { email, ..NewUser::default() }, &[]);
    let ben = app.user("ben@example.com", &[]);
    let named = |name: &str| NewNamed {
        name: name.to_owned(),
        code_name: CodeName::parse(name).unwrap(),
        description: Some("Made for a test.".to_owned()),
    };
    let read = PermissionRef::Right(Right::of("documents", "read"));
    let editor = app.operate(|ctx| roles::create(ctx, named("editor"), &[read])).unwrap().named.id;
    let reader = app.operate(|ctx| roles::create(ctx, named("reader"), &[])).unwrap().named.id;
    app.operate(|ctx| roles::grant(ctx, ann, &Ref::Id(editor))).unwrap();
    let reports = app.operate(|ctx| catalog::create(ctx, Kind::Resource, named("reports"))).unwrap().id;
    let publish = app.operate(|ctx| catalog::create(ctx, Kind::Action, named("publish"))).unwrap().id;
    let pair = (Ref::Id(reports), Ref::Id(publish));
    let permission = app.operate(|ctx| permissions::create(ctx, &pair.0, &pair.1)).unwrap().id;
    app.operate(|ctx| roles::allow(ctx, RoleId(editor), &[PermissionRef::Id(permission.0)])).unwrap();
    app.operate(|ctx| settings::change(ctx, &[("refresh.grace".to_owned(), Some(json!(11)))])).unwrap();
    app.sign_in("ann@example.com");
    app.sign_in("ann@example.com");
    let session = app.operate(|ctx| sessions::of_user(ctx, UserId(ann.0))).unwrap()[0].0.id.0;
    let new = NewToken { name: "backup".to_owned(), expires_at: None };
    let api_token = app.operate(|ctx| api_tokens::create(ctx, ann, new)).unwrap().0.id.0;
    Ids {
        access: app.sign_in("root@example.com").access,
        ann: ann.0,
        off: off.0,
        ben: ben.0,
        editor,
        reader,
        reports,
        publish,
        permission: permission.0,
        session,
        api_token,
    }
}

fn http(method: &'static str, path: impl Into<String>, body: Value) -> Asked {
    Asked::Http(method, path.into(), body)
}

fn cli(words: &str) -> Asked {
    Asked::Cli(words.split_whitespace().map(str::to_owned).collect())
}

/// Words without blanks, and then words that may have some.
fn cli_and(words: &str, more: &[&str]) -> Asked {
    Asked::Cli(words.split_whitespace().chain(more.iter().copied()).map(str::to_owned).collect())
}

fn operation(name: &'static str, events: &'static [&'static str], ways: fn(&Ids) -> Vec<Asked>) -> Operation {
    Operation { name, ways, events, once: true }
}

/// All of them.
pub fn operations() -> Vec<Operation> {
    let mut all = users();
    all.extend(memberships());
    all.extend(role_operations());
    all.extend(catalogs());
    all.extend(endings());
    all.extend(keys());
    all
}

fn keys() -> Vec<Operation> {
    vec![
        operation("make an API token", &["api_token.created"], |ids| {
            vec![
                http("POST", "api-tokens/", json!({"name": "cron", "user": ids.ann})),
                cli("tokens api create ann@example.com --name cron"),
            ]
        }),
        operation("revoke an API token", &["api_token.revoked"], |ids| {
            vec![
                http("DELETE", format!("api-tokens/{}/", ids.api_token), Value::Null),
                cli(&format!("tokens api revoke {}", ids.api_token)),
            ]
        }),
    ]
}

fn users() -> Vec<Operation> {
    vec![
        operation("create a user", &["user.created"], |_| {
            let password = format!("{PASSWORD}!");
            vec![
                http("POST", "users/", json!({"email": "New@example.com", "first_name": "Ann", "password": password})),
                cli("users create --email New@example.com --first-name Ann --password-stdin"),
            ]
        }),
        operation("create a staff user with a role", &["user.created", "role.granted"], |_| {
            let password = format!("{PASSWORD}!");
            vec![
                http(
                    "POST",
                    "users/",
                    json!({"phone": "+7 123 456-78-90", "is_staff": true, "is_active": false, "roles": ["viewer"],
                        "password": password}),
                ),
                Asked::Cli(
                    [
                        "users",
                        "create",
                        "--phone",
                        "+7 123 456-78-90",
                        "--staff",
                        "--inactive",
                        "--role",
                        "viewer",
                        "--password-stdin",
                    ]
                    .map(str::to_owned)
                    .to_vec(),
                ),
            ]
        }),
        operation("update a user", &["user.updated"], |ids| {
            let body = json!({"email": "ann@example.com", "last_name": "Lee", "phone": "+71234567890"});
            vec![
                http("PATCH", format!("users/{}/", ids.ann), body.clone()),
                http("PUT", format!("users/{}/", ids.ann), body),
                cli("users update ann@example.com --last-name Lee --phone +71234567890"),
            ]
        }),
        operation("create a user with texts that say nothing", &["user.created"], |_| {
            let password = format!("{PASSWORD}!");
            let body = json!({"email": "new@example.com", "first_name": " Ann ", "last_name": " ", "middle_name": "",
                "password": password});
            vec![
                http("POST", "users/", body),
                cli_and(
                    "users create --email new@example.com --password-stdin",
                    &["--first-name", " Ann ", "--last-name", " ", "--middle-name", ""],
                ),
            ]
        }),
        operation("give a user a middle name", &["user.updated"], |ids| {
            vec![
                http("PATCH", format!("users/{}/", ids.ben), json!({"middle_name": " May "})),
                cli_and("users update ben@example.com", &["--middle-name", " May "]),
            ]
        }),
        operation("give a user another address", &["user.updated"], |ids| {
            vec![
                http("PATCH", format!("users/{}/", ids.ann), json!({"email": "lee@example.com"})),
                cli(&format!("users update {} --email lee@example.com", ids.ann)),
            ]
        }),
        operation("make a user a superuser", &["user.updated"], |ids| {
            vec![
                http("PATCH", format!("users/{}/", ids.ann), json!({"is_superuser": true, "is_staff": true})),
                cli("users update ann@example.com --superuser --staff"),
            ]
        }),
        operation("force a user out", &["user.updated"], |ids| {
            vec![
                http("PATCH", format!("users/{}/", ids.ann), json!({"force_logout_at": "2026-01-02T03:04:05Z"})),
                cli("users update ann@example.com --force-logout-at 2026-01-02T03:04:05Z"),
            ]
        }),
        operation("deactivate a user", &["user.deactivated"], |ids| {
            vec![
                http("PATCH", format!("users/{}/", ids.ann), json!({"is_active": false})),
                cli("users deactivate ann@example.com"),
                cli("users update ann@example.com --inactive"),
            ]
        }),
        operation("activate a user", &["user.activated"], |ids| {
            vec![
                http("PATCH", format!("users/{}/", ids.off), json!({"is_active": true})),
                cli("users activate off@example.com"),
                cli("users update off@example.com --active"),
            ]
        }),
        operation("delete a user", &["user.deleted"], |ids| {
            vec![http("DELETE", format!("users/{}/", ids.ann), Value::Null), cli("users delete ann@example.com --yes")]
        }),
        Operation {
            once: false, // the same password has another hash
            ..operation("set a password", &["user.password_changed"], |ids| {
                let password = format!("{PASSWORD}!");
                vec![
                    http("PATCH", format!("users/{}/", ids.ann), json!({"password": password})),
                    cli("users set-password ann@example.com --password-stdin"),
                ]
            })
        },
    ]
}

fn memberships() -> Vec<Operation> {
    vec![
        operation("grant a role", &["role.granted"], |ids| {
            vec![
                http("POST", format!("users/{}/roles/", ids.ben), json!({"role": "editor"})),
                http("POST", format!("users/{}/roles/", ids.ben), json!({"role": ids.editor})),
                http("PATCH", format!("users/{}/", ids.ben), json!({"roles": [ids.editor]})),
                cli("roles grant ben@example.com editor"),
            ]
        }),
        operation("revoke a role", &["role.revoked"], |ids| {
            vec![
                http("DELETE", format!("users/{}/roles/{}/", ids.ann, ids.editor), Value::Null),
                http("PATCH", format!("users/{}/", ids.ann), json!({"roles": []})),
                cli("roles revoke ann@example.com editor"),
            ]
        }),
        operation("allow a permission", &["role.allowed"], |ids| {
            vec![
                http("POST", format!("roles/{}/permissions/", ids.reader), json!({"permission": "projects:read"})),
                cli("roles allow reader projects:read"),
            ]
        }),
        operation("allow a pair that is no permission yet", &["permission.created", "role.allowed"], |ids| {
            vec![
                http("POST", format!("roles/{}/permissions/", ids.reader), json!({"permission": "reports:read"})),
                http("PATCH", format!("roles/{}/", ids.reader), json!({"permissions": ["reports:read"]})),
                cli("roles allow reader reports:read"),
            ]
        }),
        operation("deny a permission", &["role.denied"], |ids| {
            vec![
                http("DELETE", format!("roles/{}/permissions/{}/", ids.editor, ids.permission), Value::Null),
                http("PATCH", format!("roles/{}/", ids.editor), json!({"permissions": ["documents:read"]})),
                cli("roles deny editor reports:publish"),
            ]
        }),
    ]
}

fn role_operations() -> Vec<Operation> {
    vec![
        operation("create a role", &["role.created"], |_| {
            vec![
                http("POST", "roles/", json!({"name": "Guests", "code_name": "guest", "description": "May look."})),
                Asked::Cli(
                    ["roles", "create", "--name", "Guests", "--code-name", "guest", "--description", "May look."]
                        .map(str::to_owned)
                        .to_vec(),
                ),
            ]
        }),
        operation("create a role with a description that says nothing", &["role.created"], |_| {
            vec![
                http("POST", "roles/", json!({"name": " Guests ", "code_name": "guest", "description": " "})),
                cli_and("roles create --code-name guest", &["--name", " Guests ", "--description", ""]),
            ]
        }),
        operation("create a role with a permission", &["role.created", "role.allowed"], |_| {
            vec![
                http(
                    "POST",
                    "roles/",
                    json!({"name": "Guests", "code_name": "guest", "permissions": ["documents:read"]}),
                ),
                cli("roles create --name Guests --code-name guest --permission documents:read"),
            ]
        }),
        operation("update a role", &["role.updated"], |ids| {
            let body = json!({"name": "Authors", "code_name": "author"});
            vec![
                http("PATCH", format!("roles/{}/", ids.editor), body.clone()),
                http("PUT", format!("roles/{}/", ids.editor), body),
                cli(&format!("roles update {} --name Authors --code-name author", ids.editor)),
            ]
        }),
        operation("delete a role", &["role.deleted"], |ids| {
            vec![http("DELETE", format!("roles/{}/", ids.editor), Value::Null), cli("roles delete editor --yes")]
        }),
    ]
}

fn catalogs() -> Vec<Operation> {
    vec![
        operation("create a resource", &["resource.created"], |_| {
            vec![
                http("POST", "resources/", json!({"name": "Invoices", "code_name": "invoices"})),
                http("POST", "resourses/", json!({"name": "Invoices", "code_name": "invoices"})),
                cli("resources create --name Invoices --code-name invoices"),
            ]
        }),
        operation("update a resource", &["resource.updated"], |ids| {
            vec![
                http("PATCH", format!("resources/{}/", ids.reports), json!({"name": "Papers", "description": null})),
                http("PATCH", format!("resources/{}/", ids.reports), json!({"name": "Papers ", "description": "  "})),
                Asked::Cli(
                    ["resources", "update", "reports", "--name", "Papers", "--description", ""]
                        .map(str::to_owned)
                        .to_vec(),
                ),
            ]
        }),
        operation("delete a resource", &["resource.deleted"], |ids| {
            vec![
                http("DELETE", format!("resources/{}/", ids.reports), Value::Null),
                cli("resources delete reports --yes"),
            ]
        }),
        operation("create an action", &["action.created"], |_| {
            vec![
                http("POST", "actions/", json!({"name": "Sign", "code_name": "sign"})),
                cli("actions create --name Sign --code-name sign"),
            ]
        }),
        operation("update an action", &["action.updated"], |ids| {
            vec![
                http("PUT", format!("actions/{}/", ids.publish), json!({"name": "Print", "code_name": "print"})),
                cli(&format!("actions update {} --name Print --code-name print", ids.publish)),
            ]
        }),
        operation("delete an action", &["action.deleted"], |ids| {
            vec![http("DELETE", format!("actions/{}/", ids.publish), Value::Null), cli("actions delete publish --yes")]
        }),
    ]
}

fn endings() -> Vec<Operation> {
    vec![
        operation("end a session", &["session.ended"], |ids| {
            vec![
                http("DELETE", format!("sessions/{}/", ids.session), Value::Null),
                http("DELETE", format!("session/{}/", ids.session), Value::Null),
                cli(&format!("sessions revoke {}", ids.session)),
            ]
        }),
        Operation {
            once: false, // it stops sign-ins under way each time
            ..operation("revoke all of a user", &["sessions.ended"], |ids| {
                vec![
                    http("POST", format!("token/revoke_all/{}/", ids.ann), Value::Null),
                    cli("tokens revoke-all --user ann@example.com"),
                    cli("sessions revoke --user ann@example.com"),
                    cli("users logout ann@example.com"),
                ]
            })
        },
        operation("change a setting", &["settings.changed"], |_| {
            vec![
                http("PATCH", "settings/", json!({"registration.mode": ["example.com"]})),
                cli("settings set registration.mode example.com"),
            ]
        }),
        operation("change a lifetime", &["settings.changed"], |_| {
            vec![
                http("PATCH", "settings/", json!({"rbac.access_lifetime": 600})),
                cli("settings set rbac.access_lifetime 10m"),
            ]
        }),
        operation("reset a setting", &["settings.changed"], |_| {
            vec![
                http("PATCH", "settings/", json!({"refresh.grace": null})),
                http("PATCH", "settings/", json!({"refresh.grace": 10})),
                cli("settings reset refresh.grace"),
                cli("settings set refresh.grace 10s"),
            ]
        }),
    ]
}

/// What is refused: 400 is exit code 2; 404 and 409 are 1.
pub const REFUSALS: &[Refusal] = &[
    Refusal {
        name: "a taken address",
        status: 409,
        code: 1,
        ways: |_| {
            vec![
                http("POST", "users/", json!({"email": "ANN@example.com", "password": format!("{PASSWORD}!")})),
                cli("users create --email ANN@example.com --password-stdin"),
                http("PATCH", "users/4/", json!({"email": "ANN@example.com"})),
                cli("users update 4 --email ANN@example.com"),
            ]
        },
    },
    Refusal {
        name: "a bad address",
        status: 400,
        code: 2,
        ways: |_| {
            vec![
                http("POST", "users/", json!({"email": "ann", "password": PASSWORD})),
                cli("users create --email ann --password-stdin"),
            ]
        },
    },
    Refusal {
        name: "a user without a name to sign in by",
        status: 400,
        code: 2,
        ways: |_| {
            vec![
                http("PATCH", "users/4/", json!({"email": null})),
                Asked::Cli(["users", "update", "4", "--email", ""].map(str::to_owned).to_vec()),
            ]
        },
    },
    Refusal {
        name: "nobody",
        status: 404,
        code: 1,
        ways: |_| {
            vec![
                http("PATCH", "users/999/", json!({"first_name": "Ann"})),
                cli("users update 999 --first-name Ann"),
                http("DELETE", "users/999/", Value::Null),
                cli("users delete 999 --yes"),
                http("POST", "token/revoke_all/999/", Value::Null),
                cli("tokens revoke-all --user 999"),
                http("DELETE", "sessions/999/", Value::Null),
                cli("sessions revoke 999"),
                http("POST", "users/999/roles/", json!({"role": "editor"})),
                cli("roles grant 999 editor"),
                http("DELETE", "api-tokens/999/", Value::Null),
                cli("tokens api revoke 999"),
            ]
        },
    },
    Refusal {
        name: "the last superuser (R-39)",
        status: 409,
        code: 1,
        ways: |_| {
            vec![
                http("DELETE", "users/1/", Value::Null),
                cli("users delete root@example.com --yes"),
                http("PATCH", "users/1/", json!({"is_active": false})),
                cli("users deactivate root@example.com"),
                http("PATCH", "users/1/", json!({"is_superuser": false})),
                cli("users update root@example.com --no-superuser"),
            ]
        },
    },
    Refusal {
        name: "what is built in (D-7, D-9)",
        status: 409,
        code: 1,
        ways: |_| {
            vec![
                http("DELETE", "actions/1/", Value::Null),
                cli("actions delete 1 --yes"),
                http("PATCH", "resources/1/", json!({"code_name": "people"})),
                cli("resources update 1 --code-name people"),
            ]
        },
    },
    Refusal {
        name: "an action called all (R-37)",
        status: 400,
        code: 2,
        ways: |ids| {
            vec![
                http("PATCH", format!("actions/{}/", ids.publish), json!({"code_name": "all"})),
                cli("actions update publish --code-name all"),
            ]
        },
    },
    Refusal {
        name: "a taken code name",
        status: 409,
        code: 1,
        ways: |ids| {
            vec![
                http("POST", "api-tokens/", json!({"name": " backup", "user": ids.ann})),
                cli("tokens api create ann@example.com --name backup"),
                http("POST", "roles/", json!({"name": "Another", "code_name": "editor"})),
                cli("roles create --name Another --code-name editor"),
                http("POST", "resources/", json!({"name": "reports", "code_name": "others"})),
                cli("resources create --name reports --code-name others"),
            ]
        },
    },
    Refusal {
        name: "a value out of bounds",
        status: 400,
        code: 2,
        ways: |_| {
            vec![
                http("PATCH", "settings/", json!({"rbac.access_lifetime": 0})),
                cli("settings set rbac.access_lifetime 0"),
                http("PATCH", "settings/", json!({"registration.mode": "perhaps"})),
                cli("settings set registration.mode perhaps"),
            ]
        },
    },
];
