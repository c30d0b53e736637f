//! All who work on an installation at once, round after round.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::{Census, Load, Person, Value, World, broken};
use crate::support::http::Client;
use crate::support::process::Process;

/// People of each who changes things; nobody else changes what theirs is.
const EACH: usize = 2;
/// Threads that look whether credentials are good.
const LOOKERS: u64 = 2;

/// Those who change things, each with his people.
pub struct Teams {
    http: Vec<Vec<Person>>,
    cli: Vec<Vec<Person>>,
}

/// What commands do in this round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commands {
    /// They end by themselves.
    Run,
    /// Those of one are killed in their middle.
    Killed,
}

impl Teams {
    /// So many by HTTP, so many by commands.
    pub fn new(world: &World, http: usize, cli: usize) -> Self {
        let team = |kind: &str, number: usize| {
            let names: Vec<String> = (0..EACH).map(|one| format!("{kind}{number}-{one}@example.com")).collect();
            world.people(&names)
        };
        let http = (0..http).map(|number| team("h", number)).collect();
        Self { http, cli: (0..cli).map(|number| team("c", number)).collect() }
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Person> {
        self.http.iter_mut().chain(&mut self.cli).flatten()
    }

    /// Everybody.
    fn everybody(&mut self) -> Vec<Person> {
        self.all().map(|person| person.clone()).collect()
    }

    /// Gives everybody sessions again.
    pub fn top_up(&mut self, world: &World) {
        world.top_up(self.all());
    }

    /// Works on the server at this address until `until` is done, and as long as answers come.
    pub fn work(
        &mut self,
        world: &World,
        address: SocketAddr,
        (seed, commands): (u64, Commands),
        until: impl FnOnce(),
    ) {
        let people = self.everybody();
        let load = &Load::new(world, address, &people);
        std::thread::scope(|scope| {
            for (number, people) in (seed * 100..).zip(&mut self.http) {
                scope.spawn(move || load.writes(number, people));
            }
            for (number, people) in (seed * 100 + 50..).zip(&mut self.cli) {
                let kills = commands == Commands::Killed && number % 50 == 0;
                scope.spawn(move || load.commands(number, kills, people));
            }
            for number in 0..LOOKERS {
                scope.spawn(move || load.looks(seed * 100 + 90 + number));
            }
            let _stopping = load.stops_at_last();
            until();
        });
    }

    /// Compares what everybody believes with the file, and looks at each session; to be done when nobody works.
    pub fn settle(&mut self, world: &World, server: &Process) -> Census {
        let census = world.counted();
        let before = self.everybody();
        let (load, client) = (Load::new(world, server.address, &[]), Client::of(server.address));
        for (number, card) in before.iter().flat_map(|person| &person.cards).enumerate() {
            load.look(&client, card, number % 3).expect("an answer");
        }
        for people in self.http.iter_mut().chain(&mut self.cli) {
            world.reconcile(server, &census, people);
        }
        census
    }
}

impl World {
    /// Passes if the history keeps all rules, and if no answer was odd.
    #[track_caller]
    pub fn holds(&self, about: &str) {
        let (found, odd) = (broken(&self.ledger.history()), self.ledger.odd());
        let kept = if found.is_empty() { PathBuf::new() } else { self.keeps() };
        let some: Vec<_> = found.iter().take(10).collect();
        assert!(found.is_empty(), "{about}: {} rules broken, in {}: {some:#?}", found.len(), kept.display());
        assert!(odd.is_empty(), "{about}: {odd:?}");
    }

    /// A copy of the ledger that outlives the test.
    fn keeps(&self) -> PathBuf {
        let path = std::env::temp_dir().join(format!("authsrv-ledger-{}.txt", std::process::id()));
        let lines: Vec<String> = self.ledger.history().events.iter().map(|event| format!("{event:?}")).collect();
        std::fs::write(&path, lines.join("\n")).unwrap();
        path
    }
}

impl Value {
    /// Whether a session is good.
    pub fn is_live(&self) -> bool {
        *self == Self::Live
    }
}
