//! The decision of S4-54, and who may ask about whom.

use std::collections::BTreeSet;

use authsrv::domain::catalog::Kind;
use authsrv::domain::error::{Error, Reason, Refusal};
use authsrv::domain::ids::UserId;
use authsrv::domain::rights::{Grants, Right};
use authsrv::domain::users::UserPatch;
use authsrv::service::access::{Decision, QUESTIONS_MAX, Question, Why, check};
use authsrv::service::users::AccountPatch;
use authsrv::service::{Actor, catalog, permissions, roles};

use super::common::{actor, code, holder, invalid, new_named, patch, refusal, right, role};
use crate::support::{TestApp, operator};

fn question(text: &str, user: Option<UserId>) -> Question {
    Question { right: Right::parse(text).unwrap(), user }
}

fn ask(app: &TestApp, actor: &Actor, text: &str, user: Option<UserId>) -> Decision {
    app.call(actor, |ctx| check(ctx, &[question(text, user)])).unwrap().remove(0)
}

#[test]
fn every_reason_has_its_case() {
    let app = TestApp::new();
    role(&app, "clerk", &["projects:read", "documents:all"]);
    let ann = app.user("ann@example.com", &["clerk", "viewer"]);
    let root = app.superuser("root@example.com");
    let why = |text: &str, user| ask(&app, &operator(), text, Some(user)).why;
    let given = |text: &str| match why(text, ann) {
        Why::Roles(roles) => {
            roles.into_iter().map(|(role, right)| format!("{} {right}", role.code_name)).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(given("projects:read"), ["viewer projects:read", "clerk projects:read"]);
    assert_eq!(given("documents:export"), ["clerk documents:all"]);
    assert_eq!(given("documents:read"), ["viewer documents:read", "clerk documents:all"]);
    match why("projects:update", ann) {
        Why::Missing { has, would } => {
            let names = |roles: Vec<authsrv::domain::catalog::Named>| -> Vec<String> {
                roles.into_iter().map(|role| role.code_name).collect()
            };
            assert_eq!((names(has), names(would)), (vec!["viewer".into(), "clerk".into()], vec!["admin".into()]));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(why("nosuch:read", ann), Why::UnknownResource);
    assert_eq!(why("documents:nosuch", ann), Why::UnknownAction);
    assert_eq!(why("DOCUMENTS:read", ann), Why::UnknownResource, "code names are exact");
    assert_eq!(why("documents:read", UserId(4711)), Why::NoUser);
    assert_eq!(why("nosuch:nosuch", root), Why::Superuser);
    for (user, allowed) in [(ann, true), (root, true), (UserId(4711), false)] {
        assert_eq!(ask(&app, &operator(), "documents:read", Some(user)).is_allowed(), allowed);
    }
    let off = UserPatch { is_active: Some(false), ..UserPatch::default() };
    patch(&app, ann, AccountPatch { profile: off, ..AccountPatch::default() });
    assert_eq!(why("documents:read", ann), Why::Inactive);
}

/// D-9: about oneself everybody, about others whoever may read permissions.
#[test]
fn who_may_ask() {
    let app = TestApp::new();
    let (me, plain) = holder(&app, "plain", &["projects:read"]);
    let (_, asker) = holder(&app, "asker", &["permissions:read"]);
    assert!(ask(&app, &plain, "projects:read", None).is_allowed());
    assert!(ask(&app, &plain, "projects:read", Some(me)).is_allowed());
    assert!(!ask(&app, &plain, "projects:update", None).is_allowed());
    for other in [UserId(me.0 + 1), UserId(4711)] {
        let refused =
            app.call(&plain, |ctx| check(ctx, &[question("projects:read", None), question("a:b", Some(other))]));
        assert!(matches!(refusal(refused), Refusal::Lacks(right) if right.to_string() == "permissions:read"));
    }
    assert!(ask(&app, &asker, "projects:read", Some(me)).is_allowed());
    let nobody = app.call(&Actor::Anonymous, |ctx| check(ctx, &[question("projects:read", None)]));
    assert!(matches!(nobody, Err(Error::Unauthenticated(Reason::Missing))));
}

#[test]
fn a_hundred_questions_and_no_more() {
    let app = TestApp::new();
    let (_, plain) = holder(&app, "plain", &["projects:read"]);
    let many = |n: usize| vec![question("projects:read", None); n];
    let answers = app.call(&plain, |ctx| check(ctx, &many(QUESTIONS_MAX))).unwrap();
    assert!(answers.len() == QUESTIONS_MAX && answers.iter().all(|answer| answer.is_allowed()));
    assert_eq!(app.call(&plain, |ctx| check(ctx, &[])).unwrap(), []);
    assert_eq!(invalid(app.call(&plain, |ctx| check(ctx, &many(QUESTIONS_MAX + 1))))[0].1, "max_length");
}

/// Numbers that look random and are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most as u64) as usize
    }
}

const RESOURCES: [&str; 4] = ["projects", "documents", "users", "orders"];
const ACTIONS: [&str; 5] = ["read", "update", "all", "approve", "sign"];

type Pair = (&'static str, &'static str);

fn some_pairs(dice: &mut Dice, most: usize) -> BTreeSet<Pair> {
    (0..dice.below(most + 1)).map(|_| (RESOURCES[dice.below(4)], ACTIONS[dice.below(5)])).collect()
}

/// S4-54 in one line: he holds the pair, or `all` on the resource.
fn naive(held: &BTreeSet<Pair>, resource: &'static str, action: &'static str) -> bool {
    held.contains(&(resource, action)) || held.contains(&(resource, "all"))
}

fn rights(pairs: &BTreeSet<Pair>) -> impl Iterator<Item = Right> + '_ {
    pairs.iter().map(|(resource, action)| Right::of(resource, action))
}

#[test]
fn grants_agree_with_the_rule_on_random_rights() {
    let mut dice = Dice(0x5eed);
    for _ in 0..2000 {
        let held = some_pairs(&mut dice, 8);
        let grants = Grants::of(rights(&held));
        for resource in RESOURCES {
            for action in ACTIONS {
                assert_eq!(grants.allow(&Right::of(resource, action)), naive(&held, resource, action), "{held:?}");
                assert!(Grants::superuser().allow(&Right::of(resource, action)));
            }
        }
    }
}

/// the decision, the grants of a call and the rule agree, whatever roles are made, given and taken.
#[test]
fn decisions_agree_with_the_rule_on_random_roles() {
    let app = TestApp::new();
    app.operate(|ctx| catalog::create(ctx, Kind::Resource, new_named("orders"))).unwrap();
    app.operate(|ctx| catalog::create(ctx, Kind::Action, new_named("sign"))).unwrap();
    for resource in RESOURCES {
        for action in ACTIONS {
            let _ = app.operate(|ctx| permissions::create(ctx, &code(resource), &code(action)));
        }
    }
    let mut dice = Dice(0xd1ce);
    let mut given: Vec<BTreeSet<Pair>> = Vec::new();
    for n in 0..6 {
        given.push(some_pairs(&mut dice, 5));
        let which: Vec<_> = given[n].iter().map(|(r, a)| right(&format!("{r}:{a}"))).collect();
        app.operate(|ctx| roles::create(ctx, new_named(&format!("r{n}")), &which)).unwrap();
    }
    let ann = app.user("ann@example.com", &[]);
    let pair = app.sign_in("ann@example.com");
    let mut has: BTreeSet<usize> = BTreeSet::new();
    let all: Vec<Pair> = RESOURCES.iter().flat_map(|r| ACTIONS.map(|a| (*r, a))).collect();
    for _ in 0..60 {
        let n = dice.below(6);
        let name = code(&format!("r{n}"));
        if has.remove(&n) {
            assert!(app.operate(|ctx| roles::revoke(ctx, ann, &name)).unwrap().1);
        } else {
            assert!(app.operate(|ctx| roles::grant(ctx, ann, &name)).unwrap().1);
            has.insert(n);
        }
        let held: BTreeSet<Pair> = has.iter().flat_map(|n| given[*n].iter().copied()).collect();
        let Actor::User(caller) = app.authenticate(&pair.access).unwrap() else { panic!() };
        let questions: Vec<Question> = all.iter().map(|(r, a)| question(&format!("{r}:{a}"), Some(ann))).collect();
        let answers = app.operate(|ctx| check(ctx, &questions)).unwrap();
        for ((resource, action), answer) in all.iter().zip(answers) {
            let expected = naive(&held, resource, action);
            assert_eq!(answer.is_allowed(), expected, "{held:?} {resource}:{action}");
            assert_eq!(caller.grants.allow(&Right::of(resource, action)), expected);
        }
    }
    let grants = |actor: Actor| match actor {
        Actor::User(caller) => caller.grants,
        Actor::Operator(_) | Actor::Guest(_) | Actor::Anonymous => panic!("not signed in"),
    };
    assert_eq!(grants(actor(&app, "ann@example.com")), grants(app.authenticate(&pair.access).unwrap()));
}
