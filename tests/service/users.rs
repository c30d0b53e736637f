//! Users: who may change whom, the last superuser, and which changes end sessions.

use std::sync::{Arc, Barrier};

use authsrv::domain::error::{Conflict, Entity, Error, Refusal, Result};
use authsrv::domain::identifiers::{Email, Phone, Username};
use authsrv::domain::ids::UserId;
use authsrv::domain::passwords::Password;
use authsrv::domain::users::{NAME_MAX, NewUser, UserPatch};
use authsrv::service::me::{self, Names};
use authsrv::service::users::{Account, AccountPatch, NewAccount};
use authsrv::service::{Actor, Ctx, Ensured, roles, sessions, users};

use super::common::{actor, code, holder, invalid, meddled, number, patch, refusal, role};
use crate::support::{PASSWORD, TestApp, operator, origin};

const OTHER: &str = "An0ther-one-of-mine";

fn email(text: &str) -> Option<Email> {
    Some(Email::parse(text).unwrap())
}

fn password(text: &str) -> Option<Password> {
    Some(Password::parse("password", text).unwrap())
}

fn profile(profile: UserPatch) -> AccountPatch {
    AccountPatch { profile, ..AccountPatch::default() }
}

fn active(is_active: bool) -> AccountPatch {
    profile(UserPatch { is_active: Some(is_active), ..UserPatch::default() })
}

fn demoted() -> AccountPatch {
    profile(UserPatch { is_superuser: Some(false), ..UserPatch::default() })
}

fn named(name: &str) -> AccountPatch {
    profile(UserPatch { first_name: Some(name.to_owned()), ..UserPatch::default() })
}

/// Everything that can be done to an account, by name; all of it changes something.
fn deeds(app: &TestApp) -> Vec<(&'static str, AccountPatch)> {
    let patch = |change: fn(&mut UserPatch)| {
        let mut patch = UserPatch::default();
        change(&mut patch);
        profile(patch)
    };
    vec![
        ("name", named("New")),
        ("email", patch(|p| p.email = Some(email("new@example.com")))),
        ("phone", patch(|p| p.phone = Some(Some(Phone::parse("+71234567890").unwrap())))),
        ("username", patch(|p| p.username = Some(Some(Username::parse("new").unwrap())))),
        ("password", AccountPatch { password: password(OTHER), ..AccountPatch::default() }),
        ("state", active(false)),
        ("logout", profile(UserPatch { force_logout_at: Some(Some(app.env.clock.now())), ..UserPatch::default() })),
        ("staff", patch(|p| p.is_staff = Some(true))),
        ("superuser", patch(|p| p.is_superuser = Some(true))),
    ]
}

fn update(app: &TestApp, actor: &Actor, id: UserId, patch: AccountPatch) -> Result<Account> {
    app.call(actor, |ctx| users::update(ctx, id, patch))
}

/// the whole matrix of who does what to whom.
#[test]
fn who_may_change_whom() {
    const COMMANDS: [&str; 6] = ["email", "phone", "username", "password", "state", "logout"];
    const FLAGS: [&str; 2] = ["staff", "superuser"];
    for n in 0..deeds(&TestApp::new()).len() {
        let app = TestApp::new();
        let (deed, _) = deeds(&app)[n];
        let fresh = || deeds(&app).swap_remove(n).1;
        let (_, keeper) = holder(&app, "keeper", &["users:read", "users:update", "projects:all"]);
        let (_, reader) = holder(&app, "reader", &["users:read"]);
        app.superuser("root@example.com");
        let root = actor(&app, "root@example.com");
        role(&app, "equal", &["projects:read", "projects:approve"]);
        role(&app, "more", &["documents:read"]);
        let target = |name: &str, roles: &[&str]| app.user(&format!("{name}@example.com"), roles);
        let staff = app.account(
            NewUser { email: email("staff@example.com"), is_active: true, is_staff: true, ..NewUser::default() },
            &[],
        );
        let second = app.superuser("second@example.com");
        // Without the right nothing goes, nor does anything without being signed in.
        let plain = target("plain", &[]);
        assert!(matches!(refusal(update(&app, &reader, plain, fresh())), Refusal::Lacks(_)), "{deed}");
        assert!(matches!(update(&app, &Actor::Anonymous, plain, fresh()), Err(Error::Unauthenticated(_))));
        // Staff and superusers are a superuser's alone, whatever is done to them.
        for privileged in [staff, second] {
            assert_eq!(refusal(update(&app, &keeper, privileged, fresh())), Refusal::SuperuserOnly, "{deed}");
        }
        // So are the flags, on anyone.
        let covered = target("covered", &["equal"]);
        let above = target("above", &["equal", "more"]);
        if FLAGS.contains(&deed) {
            for id in [plain, covered, above] {
                assert_eq!(refusal(update(&app, &keeper, id, fresh())), Refusal::SuperuserOnly, "{deed}");
            }
        } else {
            update(&app, &keeper, covered, fresh()).unwrap();
            app.operate(|ctx| users::delete(ctx, covered)).unwrap();
            let result = update(&app, &keeper, above, fresh());
            if COMMANDS.contains(&deed) {
                assert!(matches!(refusal(result), Refusal::Beyond(right) if right.to_string() == "documents:read"));
            } else {
                result.unwrap();
            }
        }
        // A superuser may do all of it to all of them, and so may the operator.
        let last = if matches!(deed, "email" | "phone" | "username" | "superuser") { plain } else { staff };
        update(&app, &root, last, fresh()).unwrap();
        app.operate(|ctx| users::delete(ctx, last)).unwrap();
        update(&app, &operator(), above, fresh()).unwrap();
    }
}

#[test]
fn values_that_stay_the_same_ask_for_no_more_than_touching() {
    let app = TestApp::new();
    let (_, keeper) = holder(&app, "keeper", &["users:update"]);
    role(&app, "more", &["documents:read"]);
    let above = app.user("above@example.com", &["more"]);
    let same = UserPatch {
        email: Some(email("above@example.com")),
        is_active: Some(true),
        is_staff: Some(false),
        is_superuser: Some(false),
        last_name: Some("Neu".to_owned()),
        ..UserPatch::default()
    };
    assert_eq!(update(&app, &keeper, above, profile(same)).unwrap().user.last_name, "Neu");
}

#[test]
fn ones_own_account_may_be_changed_but_never_raised() {
    let app = TestApp::new();
    let (id, keeper) = holder(&app, "keeper", &["users:update"]);
    role(&app, "more", &["documents:read"]);
    update(&app, &keeper, id, AccountPatch { password: password(OTHER), ..AccountPatch::default() }).unwrap();
    for (is_staff, is_superuser) in [(Some(true), None), (None, Some(true))] {
        let raised = profile(UserPatch { is_staff, is_superuser, ..UserPatch::default() });
        assert_eq!(refusal(update(&app, &keeper, id, raised)), Refusal::SuperuserOnly);
    }
    let roles = Some(vec![code("keeper"), code("more")]);
    let raised = AccountPatch { roles, ..AccountPatch::default() };
    assert!(matches!(refusal(update(&app, &keeper, id, raised)), Refusal::Beyond(_)));
    assert!(matches!(refusal(app.call(&keeper, |ctx| roles::grant(ctx, id, &code("admin")))), Refusal::Beyond(_)));
}

#[test]
fn a_refused_change_leaves_nothing_behind() {
    let app = TestApp::new();
    let (_, keeper) = holder(&app, "keeper", &["users:update", "users:create"]);
    role(&app, "more", &["documents:read"]);
    let plain = app.user("plain@example.com", &[]);
    let before = number(&app, "SELECT COUNT(*) FROM audit");
    let both = AccountPatch { roles: Some(vec![code("more")]), ..named("Changed") };
    assert!(matches!(refusal(update(&app, &keeper, plain, both)), Refusal::Beyond(_)));
    let new = NewAccount {
        profile: NewUser { email: email("new@example.com"), ..NewUser::default() },
        password: None,
        roles: vec![code("more")],
    };
    assert!(matches!(refusal(app.call(&keeper, |ctx| users::create(ctx, new))), Refusal::Beyond(_)));
    assert_eq!(app.operate(|ctx| users::get(ctx, plain)).unwrap().user.first_name, "");
    assert_eq!(number(&app, "SELECT COUNT(*) FROM users WHERE email = 'new@example.com'"), 0);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM audit"), before);
}

/// R-38 for making and deleting.
#[test]
fn making_and_deleting_are_bounded_too() {
    let app = TestApp::new();
    let (_, keeper) = holder(&app, "keeper", &["users:create", "users:delete", "projects:all"]);
    role(&app, "more", &["documents:read"]);
    role(&app, "equal", &["projects:read"]);
    let make = |name: &str, change: fn(&mut NewUser), roles: &[&str]| {
        let mut profile = NewUser { email: email(&format!("{name}@example.com")), ..NewUser::default() };
        change(&mut profile);
        let roles = roles.iter().map(|role| code(role)).collect();
        app.call(&keeper, |ctx| users::create(ctx, NewAccount { profile, password: None, roles }))
    };
    assert_eq!(refusal(make("a", |user| user.is_staff = true, &[])), Refusal::SuperuserOnly);
    assert_eq!(refusal(make("a", |user| user.is_superuser = true, &[])), Refusal::SuperuserOnly);
    assert!(matches!(refusal(make("a", |_| (), &["equal", "more"])), Refusal::Beyond(_)));
    assert_eq!(invalid(make("a", |_| (), &["nosuch"])), [("roles".to_owned(), "does_not_exist")]);
    let made = make("a", |_| (), &["equal", "equal"]).unwrap();
    assert_eq!(made.roles.len(), 1);
    let delete = |id| app.call(&keeper, |ctx| users::delete(ctx, id));
    delete(made.user.id).unwrap();
    assert!(matches!(delete(made.user.id), Err(Error::NotFound(Entity::User))));
    let above = app.user("above@example.com", &["more"]);
    assert!(matches!(refusal(delete(above)), Refusal::Beyond(_)));
    let root = app.superuser("root@example.com");
    assert_eq!(refusal(delete(root)), Refusal::SuperuserOnly, "decided before R-39");
}

/// whoever asks, by whatever way.
#[test]
fn the_last_active_superuser_stays() {
    let app = TestApp::new();
    let root = app.superuser("root@example.com");
    let asleep = app.superuser("asleep@example.com");
    update(&app, &operator(), asleep, active(false)).unwrap();
    for actor in [operator(), actor(&app, "root@example.com")] {
        let patches = [active(false), demoted(), AccountPatch { password: password(OTHER), ..demoted() }];
        let mut results: Vec<Result<()>> =
            patches.into_iter().map(|patch| update(&app, &actor, root, patch).map(drop)).collect();
        results.push(app.call(&actor, |ctx| users::delete(ctx, root)));
        for result in results {
            assert!(matches!(result, Err(Error::Conflict(Conflict::LastSuperuser))), "{result:?}");
        }
        update(&app, &actor, root, named("Root")).unwrap();
    }
    app.operate(|ctx| users::delete(ctx, asleep)).unwrap();
    assert!(app.operate(users::has_superuser).unwrap());
    app.superuser("third@example.com");
    app.operate(|ctx| users::delete(ctx, root)).unwrap();
}

/// two programs, each of which removes one of the last two, at once.
#[test]
fn the_last_two_superusers_cannot_remove_each_other() {
    fn deactivate(ctx: &Ctx, id: UserId) -> Result<()> {
        users::update(ctx, id, active(false)).map(drop)
    }
    fn demote(ctx: &Ctx, id: UserId) -> Result<()> {
        users::update(ctx, id, demoted()).map(drop)
    }
    for deed in [deactivate, demote, users::delete] as [fn(&Ctx, UserId) -> Result<()>; 3] {
        let app = TestApp::new();
        let ids = [app.superuser("a@example.com"), app.superuser("b@example.com")];
        let actors = [actor(&app, "a@example.com"), actor(&app, "b@example.com")];
        let (second, start) = (app.second(), Barrier::new(2));
        let results: Vec<Result<()>> = std::thread::scope(|scope| {
            let threads: Vec<_> = [(&*app.env, 0), (&second, 1)]
                .into_iter()
                .map(|(env, n)| {
                    let (start, actor, target) = (&start, &actors[n], ids[1 - n]);
                    scope.spawn(move || {
                        start.wait();
                        deed(&env.ctx(actor, &origin()), target)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let refused: Vec<_> = results.into_iter().filter_map(Result::err).collect();
        // Whoever came second is no superuser any more, nor perhaps signed in.
        assert!(matches!(refused[..], [Error::Unauthenticated(_) | Error::Forbidden(_)]), "{refused:?}");
        assert_eq!(number(&app, "SELECT COUNT(*) FROM users WHERE is_superuser AND is_active"), 1);
    }
}

///
#[test]
fn which_changes_end_sessions() {
    for (n, ends) in [
        ("name", false),
        ("email", true),
        ("phone", false),
        ("username", false),
        ("password", true),
        ("state", true),
        ("logout", true),
        ("staff", false),
        ("superuser", false),
    ]
    .into_iter()
    .enumerate()
    {
        let app = TestApp::new();
        let id = app.user("ann@example.com", &[]);
        app.user("bob@example.com", &[]);
        let (pair, bob) = (app.sign_in("ann@example.com"), app.sign_in("bob@example.com"));
        app.clock.advance(std::time::Duration::from_secs(1));
        let (name, patch) = deeds(&app).swap_remove(n);
        assert_eq!(name, ends.0);
        update(&app, &operator(), id, patch).unwrap();
        assert_eq!(app.authenticate(&pair.access).is_err(), ends.1, "{name}");
        assert_eq!(number(&app, "SELECT COUNT(*) FROM sessions WHERE ended_at IS NOT NULL"), i64::from(ends.1));
        assert!(app.authenticate(&bob.access).is_ok());
        if name == "state" {
            update(&app, &operator(), id, active(true)).unwrap();
            assert!(app.authenticate(&pair.access).is_err(), "what was ended stays ended");
        }
    }
}

#[test]
fn whoever_changes_his_own_password_keeps_the_session_that_he_calls_by() {
    let app = TestApp::new();
    let (id, _) = holder(&app, "keeper", &["users:update"]);
    let (here, there) = (app.sign_in("keeper@example.com"), app.sign_in("keeper@example.com"));
    let me = app.authenticate(&here.access).unwrap();
    update(&app, &me, id, AccountPatch { password: password(OTHER), ..AccountPatch::default() }).unwrap();
    assert!(app.authenticate(&here.access).is_ok() && app.authenticate(&there.access).is_err());
}

/// D-15.
#[test]
fn identifiers_are_taken_whatever_they_are_called() {
    let app = TestApp::new();
    let ann = app.user("ann@example.com", &[]);
    let make =
        |profile: NewUser| app.operate(|ctx| users::create(ctx, NewAccount { profile, password: None, roles: vec![] }));
    let taken = |result: Result<Account>| match result {
        Err(Error::Conflict(Conflict::Taken(Entity::User, field))) => field,
        other => panic!("{other:?}"),
    };
    let username = |text: &str| Some(Username::parse(text).unwrap());
    assert_eq!(taken(make(NewUser { email: email("ANN@EXAMPLE.com"), ..NewUser::default() })), "email");
    assert_eq!(taken(make(NewUser { username: username("Ann@example.com"), ..NewUser::default() })), "username");
    let own = UserPatch { username: Some(username("ann@example.com")), ..UserPatch::default() };
    assert!(update(&app, &operator(), ann, profile(own)).is_ok());
    let both = NewUser { email: email("b@example.com"), username: username("B@example.com"), ..NewUser::default() };
    let bob = make(both).unwrap().user.id;
    let steal = UserPatch { email: Some(email("ann@example.com")), ..UserPatch::default() };
    assert_eq!(taken(update(&app, &operator(), bob, profile(steal))), "email");
    assert_eq!(invalid(make(NewUser::default())), [(String::new(), "required")]);
    let nothing = UserPatch { email: Some(None), username: Some(None), ..UserPatch::default() };
    assert_eq!(invalid(update(&app, &operator(), bob, profile(nothing))), [(String::new(), "required")]);
}

#[test]
fn the_command_line_finds_people_by_id_and_by_name() {
    let app = TestApp::new();
    let id = app.account(
        NewUser {
            email: email("ann@example.com"),
            phone: Some(Phone::parse("+71234567890").unwrap()),
            username: Some(Username::parse("Анна").unwrap()),
            ..NewUser::default()
        },
        &[],
    );
    let number = id.to_string();
    for text in [&number, " ann@EXAMPLE.com ", "+7 123 456-78-90", "АННА"] {
        assert_eq!(app.operate(|ctx| users::find(ctx, text)).unwrap().user.id, id, "{text}");
    }
    for text in ["", "71234567890", "99999999999999999999999", "-1", "0", "nobody"] {
        let found = app.operate(|ctx| users::find(ctx, text));
        assert!(matches!(found, Err(Error::NotFound(Entity::User))), "{text}: {found:?}");
    }
    assert_eq!(app.operate(|ctx| users::similar(ctx, "anm@example.com")).unwrap(), ["ann@example.com"]);
}

#[test]
fn ensuring_twice_is_doing_it_once() {
    let app = TestApp::new();
    role(&app, "clerk", &["projects:read"]);
    role(&app, "other", &["projects:read"]);
    let wanted = |secret: &str, first: &str| AccountPatch {
        profile: UserPatch {
            email: Some(email("ann@example.com")),
            first_name: Some(first.to_owned()),
            ..UserPatch::default()
        },
        password: password(secret),
        roles: Some(vec![code("clerk")]),
    };
    let ensure = |new| app.operate(|ctx| users::ensure(ctx, new));
    assert!(matches!(ensure(wanted(PASSWORD, "Ann")).unwrap(), Ensured::Created(_)));
    let events = number(&app, "SELECT COUNT(*) FROM audit");
    assert!(matches!(ensure(wanted(PASSWORD, "Ann")).unwrap(), Ensured::Unchanged(_)));
    let other_role = AccountPatch { roles: Some(vec![code("other")]), ..wanted(PASSWORD, "Ann") };
    for (other, named) in
        [(wanted(OTHER, "Ann"), "password"), (wanted(PASSWORD, "Anna"), "first_name"), (other_role, "roles")]
    {
        match ensure(other) {
            Ok(Ensured::Differs(there, fields)) => assert_eq!((there.user.id.0, fields), (1, vec![named])),
            different => panic!("{different:?}"),
        }
    }
    let patch = UserPatch { email: Some(email("ANN@example.com")), ..UserPatch::default() };
    let little = AccountPatch { profile: patch, ..AccountPatch::default() };
    assert!(matches!(ensure(little).unwrap(), Ensured::Unchanged(_)), "what is not named is not compared");
    assert_eq!(number(&app, "SELECT COUNT(*) FROM audit"), events);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM users"), 1);
}

/// D-16: what is asked of a password depends on what the account is after the change.
#[test]
fn passwords_of_staff_are_longer() {
    let app = TestApp::new();
    let make = |is_staff, text: &str| {
        let profile = NewUser { email: email("ann@example.com"), is_staff, ..NewUser::default() };
        app.operate(|ctx| users::create(ctx, NewAccount { profile, password: password(text), roles: vec![] }))
    };
    assert_eq!(invalid(make(true, "Xk29fmQq")), [("password".to_owned(), "password_too_short")]);
    let id = make(false, "Xk29fmQq").unwrap().user.id;
    let raise = |text: &str| {
        let patch = UserPatch { is_staff: Some(true), ..UserPatch::default() };
        update(&app, &operator(), id, AccountPatch { password: password(text), ..profile(patch) })
    };
    assert_eq!(invalid(raise("Xk29fmQw")), [("password".to_owned(), "password_too_short")]);
    assert!(raise("Xk29fmQw-and-more").is_ok());
    assert_eq!(
        invalid(update(
            &app,
            &operator(),
            id,
            AccountPatch { password: password("ann@example.com"), ..AccountPatch::default() }
        ))[0]
            .1,
        "password_too_similar"
    );
}

/// who may not look is refused before anything is looked up.
#[test]
fn without_the_right_a_missing_user_looks_like_any() {
    let app = TestApp::new();
    let (id, nobody) = holder(&app, "nobody", &[]);
    for id in [id, UserId(4711), UserId(-1), UserId(i64::MAX)] {
        let results = [
            app.call(&nobody, |ctx| users::get(ctx, id)).map(drop),
            update(&app, &nobody, id, named("x")).map(drop),
            app.call(&nobody, |ctx| users::delete(ctx, id)),
            app.call(&nobody, |ctx| sessions::of_user(ctx, id)).map(drop),
            app.call(&nobody, |ctx| sessions::end_of_user(ctx, id)).map(drop),
            app.call(&nobody, |ctx| roles::grant(ctx, id, &code("admin"))).map(drop),
            app.call(&nobody, |ctx| roles::revoke(ctx, id, &code("admin"))).map(drop),
        ];
        for result in results {
            assert!(matches!(refusal(result), Refusal::Lacks(_)));
        }
    }
}

#[test]
fn names_fit_whichever_door_they_come_through() {
    let app = TestApp::new();
    let ann = app.user("ann@example.com", &[]);
    let (fits, long) = ("ж".repeat(NAME_MAX), "ж".repeat(NAME_MAX + 1));
    let named = |first: &str| UserPatch { first_name: Some(first.to_owned()), ..UserPatch::default() };
    let change = |first: &str| {
        let patch = profile(named(first));
        app.operate(|ctx| users::update(ctx, ann, patch))
    };
    assert_eq!(change(&fits).unwrap().user.first_name, fits);
    assert_eq!(invalid(change(&long)), [("first_name".to_owned(), "max_length")]);
    let email = email("bob@example.com");
    let bob = NewUser { email, last_name: long.clone(), middle_name: Some(long.clone()), ..NewUser::default() };
    let made = app.operate(|ctx| users::create(ctx, NewAccount { profile: bob, password: None, roles: Vec::new() }));
    let both = [("last_name".to_owned(), "max_length"), ("middle_name".to_owned(), "max_length")];
    assert_eq!(invalid(made), both);
    let own = Names { first_name: Some(long), ..Names::default() };
    let caller = actor(&app, "ann@example.com");
    assert_eq!(invalid(app.call(&caller, |ctx| me::rename(ctx, own))), [("first_name".to_owned(), "max_length")]);
}

/// what somebody began does not outlive his being shut out or losing the right to it.
#[test]
fn what_is_begun_is_judged_again_when_it_is_written() {
    fn wanted() -> NewAccount {
        let profile = NewUser {
            email: Some(Email::parse("accomplice@example.com").unwrap()),
            is_active: true,
            is_superuser: true,
            ..NewUser::default()
        };
        NewAccount { profile, password: Some(Password::parse("password", PASSWORD).unwrap()), roles: Vec::new() }
    }
    fn deactivated(app: &TestApp, id: UserId) {
        patch(app, id, active(false));
    }
    fn demoted_by(app: &TestApp, id: UserId) {
        patch(app, id, demoted());
    }
    fn signed_out(app: &TestApp, id: UserId) {
        app.operate(|ctx| sessions::end_of_user(ctx, id)).unwrap();
    }
    fn forced_out(app: &TestApp, id: UserId) {
        app.clock.advance(std::time::Duration::from_secs(1));
        let now = Some(Some(app.env.clock.now()));
        let profile = UserPatch { force_logout_at: now, ..UserPatch::default() };
        patch(app, id, AccountPatch { profile, ..AccountPatch::default() });
    }
    for meddle in [deactivated, demoted_by, signed_out, forced_out] as [fn(&TestApp, UserId); 4] {
        let app = Arc::new(TestApp::new());
        app.superuser("root@example.com");
        let id = app.superuser("evil@example.com");
        let evil = actor(&app, "evil@example.com");
        let env = meddled(&app, move |app| meddle(app, id));
        let made = users::create(&env.ctx(&evil, &origin()), wanted());
        assert!(matches!(made, Err(Error::Unauthenticated(_) | Error::Forbidden(_))), "{made:?}");
        assert_eq!(number(&app, "SELECT COUNT(*) FROM users"), 2);
    }
    // A role that is taken counts as well, and the refusal names the right.
    let app = Arc::new(TestApp::new());
    let (id, clerk) = holder(&app, "clerk", &["users:create"]);
    let env = meddled(&app, move |app| {
        app.operate(|ctx| roles::revoke(ctx, id, &code("clerk"))).unwrap();
    });
    let mut plain = wanted();
    plain.profile.is_superuser = false;
    let made = users::create(&env.ctx(&clerk, &origin()), plain);
    assert!(matches!(refusal(made), Refusal::Lacks(right) if right.to_string() == "users:create"));
}
