//! Whoever finds one order of grants, revocations, renames and deactivations after which the server allows what nobody gave,
//! or keeps what was taken, has broken it. Many orders are tried at random, and after each step every question is put to
//! the service, to `check/` and to a guarded route, and compared with a model that knows nothing of databases (S4-54, D-7,
//! D-8, R-26, R-35, R-37, R-41).

use std::collections::{BTreeMap, BTreeSet};

use authsrv::domain::catalog::Kind;
use authsrv::domain::ids::{RoleId, UserId};
use authsrv::domain::rights::Right;
use authsrv::domain::users::UserPatch;
use authsrv::service::access::{self, Question};
use authsrv::service::permissions::PermissionRef;
use authsrv::service::users::AccountPatch;
use authsrv::service::{Ref, catalog, roles, users};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::Site;
use crate::service::common::new_named;
use crate::support::http::Client;

const USERS: usize = 4;
const ROLES: usize = 3;
/// The first is guarded by the server itself; the last does not exist at the beginning.
const RESOURCES: [&str; 4] = ["roles", "documents", "projects", "late"];
/// The last is one that an administrator has made.
const ACTIONS: [&str; 6] = ["read", "create", "update", "delete", "all", "stamp"];
/// What is asked, too, and nobody can have been given.
const STRANGE: [(&str, &str); 7] = [
    ("documents", "ALL"),
    ("Documents", "read"),
    ("documents", "re%d"),
    ("documents", "reading"),
    ("document", "read"),
    ("documents", "\u{ff52}ead"),
    ("all", "all"),
];

/// What is done to the rights.
#[derive(Debug, Clone)]
enum Step {
    Grant(usize, usize),
    Revoke(usize, usize),
    Allow(usize, usize, usize),
    Deny(usize, usize, usize),
    /// The role has these and no others from now on.
    Replace(usize, BTreeSet<(usize, usize)>),
    Superuser(usize, bool),
    Active(usize, bool),
    /// The role is deleted and made anew, without permissions or members.
    Remake(usize),
    /// A resource is deleted with its permissions, or made.
    Resource(usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let right = || (0..RESOURCES.len(), 0..ACTIONS.len());
    prop_oneof![
        5 => (0..USERS, 0..ROLES).prop_map(|(user, role)| Step::Grant(user, role)),
        2 => (0..USERS, 0..ROLES).prop_map(|(user, role)| Step::Revoke(user, role)),
        6 => (0..ROLES, right()).prop_map(|(role, (resource, action))| Step::Allow(role, resource, action)),
        2 => (0..ROLES, right()).prop_map(|(role, (resource, action))| Step::Deny(role, resource, action)),
        1 => (0..ROLES, proptest::collection::btree_set(right(), 0..5)).prop_map(|(role, all)| Step::Replace(role, all)),
        1 => (0..USERS, any::<bool>()).prop_map(|(user, on)| Step::Superuser(user, on)),
        1 => (0..USERS, any::<bool>()).prop_map(|(user, on)| Step::Active(user, on)),
        1 => (0..ROLES).prop_map(Step::Remake),
        // The server's own resource stays.
        1 => (1..RESOURCES.len(), any::<bool>()).prop_map(|(resource, on)| Step::Resource(resource, on)),
    ]
}

/// The naive truth.
#[derive(Default)]
struct Model {
    resources: BTreeSet<usize>,
    permissions: BTreeMap<usize, BTreeSet<(usize, usize)>>,
    members: BTreeSet<(usize, usize)>,
    superusers: BTreeSet<usize>,
    inactive: BTreeSet<usize>,
}

impl Model {
    fn new() -> Self {
        Self { resources: [0, 1, 2].into(), ..Self::default() }
    }

    fn take(&mut self, step: &Step) {
        fn set(all: &mut BTreeSet<usize>, one: usize, on: bool) {
            if on {
                all.insert(one)
            } else {
                all.remove(&one)
            };
        }
        match step {
            Step::Grant(user, role) => drop(self.members.insert((*user, *role))),
            Step::Revoke(user, role) => drop(self.members.remove(&(*user, *role))),
            Step::Allow(role, resource, action) if self.resources.contains(resource) => {
                self.permissions.entry(*role).or_default().insert((*resource, *action));
            }
            Step::Allow(..) => {}
            Step::Deny(role, resource, action) => {
                self.permissions.entry(*role).or_default().remove(&(*resource, *action));
            }
            Step::Replace(role, all) => {
                if all.iter().all(|(resource, _)| self.resources.contains(resource)) {
                    self.permissions.insert(*role, all.clone());
                }
            }
            Step::Superuser(user, on) => set(&mut self.superusers, *user, *on),
            Step::Active(user, on) => set(&mut self.inactive, *user, !on),
            Step::Remake(role) => {
                self.permissions.remove(role);
                self.members.retain(|(_, member_of)| member_of != role);
            }
            Step::Resource(resource, on) => {
                set(&mut self.resources, *resource, *on);
                if !on {
                    self.permissions.values_mut().for_each(|all| all.retain(|(about, _)| about != resource));
                }
            }
        }
    }

    fn allows(&self, user: usize, resource: &str, action: &str) -> bool {
        let gives = |role: usize| {
            let all = self.permissions.get(&role).into_iter().flatten();
            all.into_iter().any(|(r, a)| RESOURCES[*r] == resource && (ACTIONS[*a] == action || ACTIONS[*a] == "all"))
        };
        // An action that nobody has made is allowed to nobody, whatever `all` says.
        let exists = ACTIONS.contains(&action);
        let by_role = exists && (0..ROLES).any(|role| self.members.contains(&(user, role)) && gives(role));
        !self.inactive.contains(&user) && (self.superusers.contains(&user) || by_role)
    }
}

/// The server, and everybody signed in.
struct World {
    site: Site,
    users: Vec<(UserId, Client)>,
    root: Client,
}

impl World {
    fn new() -> Self {
        let site = Site::new();
        let root = site.root();
        site.app.operate(|ctx| catalog::create(ctx, Kind::Action, new_named("stamp"))).unwrap();
        (0..ROLES).for_each(|role| site.role(&format!("role{role}"), &[]));
        let users = (0..USERS).map(|number| {
            let email = format!("user{number}@example.com");
            (site.app.user(&email, &[]), site.signed_in(&email))
        });
        let users = users.collect();
        Self { site, users, root }
    }

    /// Does it; what is so already, or cannot be, is no failure.
    fn take(&self, step: &Step) {
        let role = |role: &usize| Ref::Code(format!("role{role}"));
        let right = |resource: &usize, action: &usize| {
            PermissionRef::Right(Right::new(RESOURCES[*resource].to_owned(), ACTIONS[*action].to_owned()))
        };
        let patch = |user: &usize, profile: UserPatch| {
            let patch = AccountPatch { profile, ..AccountPatch::default() };
            self.site.app.operate(|ctx| users::update(ctx, self.users[*user].0, patch)).unwrap();
        };
        self.site.app.operate(|ctx| match step {
            Step::Grant(user, which) => drop(roles::grant(ctx, self.users[*user].0, &role(which)).unwrap()),
            Step::Revoke(user, which) => drop(roles::revoke(ctx, self.users[*user].0, &role(which))),
            Step::Allow(which, resource, action) => {
                drop(roles::allow(ctx, self.id(*which), &[right(resource, action)]))
            }
            Step::Deny(which, resource, action) => drop(roles::deny(ctx, self.id(*which), &[right(resource, action)])),
            Step::Replace(which, all) => {
                let all: Vec<Value> =
                    all.iter().map(|(r, a)| json!(format!("{}:{}", RESOURCES[*r], ACTIONS[*a]))).collect();
                self.root.patch(&format!("/roles/{}/", self.id(*which).0), json!({"permissions": all}));
            }
            Step::Superuser(user, on) => patch(user, UserPatch { is_superuser: Some(*on), ..UserPatch::default() }),
            Step::Active(user, on) => patch(user, UserPatch { is_active: Some(*on), ..UserPatch::default() }),
            Step::Remake(which) => {
                roles::delete(ctx, self.id(*which)).unwrap();
                self.site.role(&format!("role{which}"), &[]);
            }
            Step::Resource(resource, on) => {
                let name = RESOURCES[*resource];
                match (catalog::find(ctx, Kind::Resource, &Ref::Code(name.to_owned())), on) {
                    (Ok(there), false) => catalog::delete(ctx, Kind::Resource, there.id).unwrap(),
                    (Err(_), true) => drop(catalog::create(ctx, Kind::Resource, new_named(name)).unwrap()),
                    _ => {}
                }
            }
        });
    }

    fn id(&self, role: usize) -> RoleId {
        let which = Ref::Code(format!("role{role}"));
        RoleId(self.site.app.operate(|ctx| catalog::find(ctx, Kind::Role, &which)).unwrap().id)
    }

    /// Passes if everybody who can say what is allowed says what the model does.
    fn compare(&self, model: &Model) -> Result<(), TestCaseError> {
        let usual = RESOURCES.iter().flat_map(|resource| ACTIONS.map(|action| (*resource, action)));
        let asked: Vec<(&str, &str)> = usual.chain(STRANGE).collect();
        for (number, (id, client)) in self.users.iter().enumerate() {
            let expected: Vec<bool> = asked.iter().map(|(r, a)| model.allows(number, r, a)).collect();
            let questions: Vec<Question> = asked.iter().map(|(r, a)| question(r, a, *id)).collect();
            let decided = self.site.app.operate(|ctx| access::check(ctx, &questions)).unwrap();
            let decided: Vec<bool> = decided.iter().map(access::Decision::is_allowed).collect();
            prop_assert_eq!(&decided, &expected, "the service about user {}: {:?}", number, &asked);
            let of_root = answered(&self.root, &asked, Some(id.0));
            prop_assert_eq!(of_root.as_ref(), Some(&expected), "check/ about user {}: {:?}", number, &asked);
            if model.inactive.contains(&number) {
                prop_assert_eq!(client.get("/roles/").status, 401, "user {} is not active", number);
                continue;
            }
            prop_assert_eq!(client.get("/roles/").status == 200, model.allows(number, "roles", "read"));
            let deleted = client.delete("/roles/4711/").status;
            prop_assert_eq!(deleted, if model.allows(number, "roles", "delete") { 404 } else { 403 });
            prop_assert_eq!(answered(client, &asked, None), Some(expected), "check/ by user {}", number);
        }
        Ok(())
    }
}

fn question(resource: &str, action: &str, user: UserId) -> Question {
    Question { right: Right::new(resource.to_owned(), action.to_owned()), user: Some(user) }
}

/// What `check/` answers this client to these questions.
fn answered(client: &Client, asked: &[(&str, &str)], user: Option<i64>) -> Option<Vec<bool>> {
    let questions = asked.iter().map(|(resource, action)| match user {
        Some(user) => json!({"resource": resource, "action": action, "user": user}),
        None => json!({"resource": resource, "action": action}),
    });
    let answer = client.post("/check/", questions.collect());
    answer.json().as_array()?.iter().map(|one| one["allowed"].as_bool()).collect()
}

/// Sign-ins end with a deactivation, so whoever comes back signs in again.
fn rejoin(world: &mut World, step: &Step) {
    if let Step::Active(user, true) = step {
        world.users[*user].1 = world.site.signed_in(&format!("user{user}@example.com"));
    }
}

#[test]
fn nobody_has_more_or_less_than_he_was_given() {
    // The same orders in every run.
    let config = Config { cases: 24, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let orders = proptest::collection::vec(step(), 8..24);
    let outcome = runner.run(&orders, |steps| {
        let (mut world, mut model) = (World::new(), Model::new());
        for (number, step) in steps.iter().enumerate() {
            world.take(step);
            model.take(step);
            rejoin(&mut world, step);
            // The first steps only lay the ground.
            if number > 4 {
                world.compare(&model)?;
            }
        }
        world.compare(&model)
    });
    outcome.unwrap_or_else(|broken| panic!("{broken}"));
}
