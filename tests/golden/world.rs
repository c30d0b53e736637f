//! The server of one case: an empty store, set up as its profile says, with its users.

use std::time::Duration;

use authsrv::domain::catalog::{CodeName, NewNamed};
use authsrv::domain::error::Error;
use authsrv::domain::identifiers::{Email, Phone, Username};
use authsrv::domain::rights::Right;
use authsrv::domain::settings::Settings;
use authsrv::domain::settings::find;
use authsrv::domain::users::{NewUser, Pending};
use authsrv::service::permissions::PermissionRef;
use authsrv::service::{Ref, keys, mails, roles, settings};
use rusqlite::Connection;
use serde_json::Value;

use super::load::{Case, Mail, User};
use super::mailbox;
use super::profiles::{self, Set};
use crate::support::TestApp;
use crate::support::http::Server;

/// Folder that mails are put into, in the folder of the database.
pub const MAILS: &str = "mails";

/// A role that may do to users what staff may do in Django, where `is_staff` gives it; here it gives nothing (D-8).
const STAFF: &str = "django_staff";

/// How long a request takes on the server's clock, so that what comes later is later.
const STEP: Duration = Duration::from_millis(20);

/// The server of one case.
pub struct World {
    /// The program.
    pub app: TestApp,
    /// Its door.
    pub server: Server,
    /// The key that tokens of the old server are signed with.
    pub old_key: String,
    /// What could not be made as the case asks for.
    pub remarks: Vec<String>,
}

impl World {
    /// Makes it.
    pub fn of(case: &Case, old_key: &str) -> Self {
        let app = TestApp::new();
        // What guesses get is told elsewhere; the peer has no such limits.
        app.widen();
        let mut remarks = Vec::new();
        let (set, is_known) = profiles::settings(&case.profile);
        if !is_known {
            remarks.push(format!("the profile {:?} is not known; replayed as stock", case.profile));
        }
        remarks.extend(change_settings(&app, set));
        import_old_key(&app, old_key);
        make_staff(&app);
        for user in &case.users {
            if let Err(error) = add(&app, user) {
                remarks.push(format!("no user {:?} in {}: {error:?}", user.username, case.name));
            }
        }
        for fixture in &case.fixtures {
            remarks.push(format!("not made for {}: {fixture}", case.name));
        }
        let server = Server::start(&app);
        Self { app, server, old_key: old_key.to_owned(), remarks }
    }

    /// Lets time pass: what the caller waited, and what a request takes.
    pub fn pass(&self, seconds: f64) {
        self.app.clock.advance(STEP + Duration::try_from_secs_f64(seconds).unwrap_or_default());
    }
}

/// Changes settings; those that there are not, or that refuse their value, are told.
fn change_settings(app: &TestApp, set: Vec<Set>) -> Vec<String> {
    let (known, unknown): (Vec<_>, Vec<_>) = set.into_iter().partition(|(key, _)| find(key).is_some());
    let mut remarks: Vec<_> = unknown.iter().map(|(key, _)| format!("there is no setting {key}")).collect();
    let change = |some: &[(String, Option<Value>)]| app.operate(|ctx| settings::change(ctx, some));
    let known: Vec<_> =
        known.into_iter().map(|(key, value)| (key.to_owned(), Some(in_place(app, key, value)))).collect();
    if change(&known).is_err() {
        for one in known {
            if let Err(error) = change(std::slice::from_ref(&one)) {
                remarks.push(format!("{} does not take {}: {error:?}", one.0, one.1.unwrap_or_default()));
            }
        }
    }
    remarks
}

/// A value that names a place, in the folder of the case.
fn in_place(app: &TestApp, key: &str, value: Value) -> Value {
    if key != "mail.folder" {
        return value;
    }
    let folder = app.folder.path().join(MAILS);
    drop(std::fs::create_dir(&folder));
    folder.to_string_lossy().into_owned().into()
}

/// Lets tokens in that the old server signed with this secret, as `authsrv keys import --hs256` does.
fn import_old_key(app: &TestApp, secret: &str) {
    let until = app.env.clock.now() + chrono::Duration::days(365);
    app.operate(|ctx| keys::import_hs256(ctx, secret, until)).unwrap();
}

/// Mails that were sent since the last time, oldest first. No worker runs in a test: what waits is sent first.
pub fn sent_mails(app: &TestApp) -> Vec<Mail> {
    let settings = Settings::from_stored(app.env.store.read(|tx| tx.stored_settings()).unwrap());
    let transport = authsrv::mail::open(&settings.mails(), &app.env.mail).unwrap();
    mails::deliver(&app.env, transport.as_ref(), app.env.clock.now()).unwrap();
    mailbox::take(&app.folder.path().join(MAILS))
}

/// Makes a user under his number. Straight into the store, since the peer's were made without asking its rules.
fn add(app: &TestApp, user: &User) -> Result<(), Error> {
    let activation = settings::in_force(&app.env)?.activation();
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let profile = NewUser {
        email: given(&user.email).map(|text| Email::parse(&text)).transpose()?,
        phone: given(&user.phone).map(|text| Phone::parse(&text)).transpose()?,
        username: given(&user.username).map(|text| Username::parse(&text)).transpose()?,
        is_active: user.is_active,
        // The peer knows no difference between who waits for activation and whom an administrator has shut out.
        pending: (!user.is_active && activation).then_some(Pending::Registration),
        is_staff: user.is_staff,
        is_superuser: user.is_superuser,
        ..NewUser::default()
    };
    let env = &app.env;
    let hash = user.password.as_deref().map(|password| env.hasher.hash(password, env.random.as_ref())).transpose()?;
    number_next(app, user.id);
    let id = env.store.write(|tx| tx.insert_user(&profile, hash.as_deref(), env.clock.now()))?;
    if user.is_staff {
        let role = Ref::Code(STAFF.to_owned());
        app.operate(|ctx| roles::grant(ctx, id, &role))?;
    }
    Ok(())
}

/// Makes the role of staff.
fn make_staff(app: &TestApp) {
    let rights = ["read", "update", "delete"].map(|action| PermissionRef::Right(Right::of("users", action)));
    let new = NewNamed { name: STAFF.to_owned(), code_name: CodeName::parse(STAFF).unwrap(), description: None };
    app.operate(|ctx| roles::create(ctx, new, &rights)).unwrap();
}

/// Gives the next user this number.
fn number_next(app: &TestApp, id: i64) {
    let file = Connection::open(app.folder.path().join("authsrv.db")).unwrap();
    let last = "SELECT seq FROM sqlite_sequence WHERE name = 'users'";
    if id < 1 || file.query_row(last, [], |row| row.get::<_, i64>(0)).unwrap_or(0) == id - 1 {
        return;
    }
    let set = "UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'users'";
    if file.execute(set, [id - 1]).unwrap() == 0 {
        file.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('users', ?1)", [id - 1]).unwrap();
    }
}
