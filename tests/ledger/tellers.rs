//! Those who change things at the shell, and those who end sessions there and over HTTP.

use std::process::Stdio;
use std::time::Duration;

use super::clients::{Heard, Lost, account, all_ended, ended, role};
use super::crew::Crew;
use super::{Card, Dice, Door, Event, Key, Load, Outcome, Person, Value};
use crate::support::once;
use crate::support::process::authsrv;

/// One who changes things at the shell.
pub(super) struct Tellers<'l> {
    load: &'l Load<'l>,
    dice: Dice,
    /// Kills each command in its middle.
    kills: bool,
}

/// One who ends sessions in every way there is.
pub struct Ender<'l> {
    crew: Crew<'l>,
    tellers: Tellers<'l>,
}

impl<'l> Ender<'l> {
    /// One with a row of numbers of his own.
    pub fn new(load: &'l Load<'l>, seed: u64) -> Self {
        Self { crew: Crew::new(load, seed), tellers: Tellers::new(load, (seed, false)) }
    }

    /// Ends one session of somebody, or all, while he goes on with the last; gives those that have ended.
    pub fn ends(&mut self, person: &mut Person) -> Vec<Card> {
        let (before, last) = (person.cards.clone(), person.cards.len() - 1);
        let (way, overlaps) = (self.crew.below(100), self.crew.below(4) == 0);
        let (crew, tellers, card) = (&self.crew, &mut self.tellers, before[last].clone());
        let refreshed = std::thread::scope(|scope| {
            let refreshes = overlaps.then(|| scope.spawn(|| crew.refreshed(&card)));
            let ended = match way {
                0..60 => crew.logs_out(person, last),
                60..75 => crew.revokes_all(person, last),
                75..88 => crew.sets_active(person, false),
                88..96 => tellers.revokes(person),
                96..98 => tellers.logs_out(person),
                _ => tellers.deactivates(person),
            };
            ended.ok().expect("an answer");
            refreshes.and_then(|refreshes| refreshes.join().unwrap().ok().expect("an answer"))
        });
        let left = |card: &Card| person.cards.iter().all(|left| left.session != card.session);
        let ended: Vec<Card> = before.into_iter().filter(left).collect();
        // whichever came first, what the refresh gave is good for nothing now.
        ended.into_iter().chain(refreshed).collect()
    }

    /// Lets somebody sign in again.
    pub fn lets_in(&mut self, person: &mut Person) {
        if !person.is_active {
            self.crew.sets_active(person, true).ok().expect("an answer");
        }
    }
}

impl<'l> Tellers<'l> {
    /// One with a row of numbers of his own, who may kill each command in its middle.
    pub(super) fn new(load: &'l Load<'l>, (seed, kills): (u64, bool)) -> Self {
        Self { load, dice: Dice::new(seed), kills }
    }

    /// Does one thing for one of these people.
    pub(super) fn step(&mut self, people: &mut [Person]) -> Heard {
        let at = self.dice.below(people.len());
        let person = &mut people[at];
        let (name, card) = (person.email.clone(), person.cards.last());
        match (self.dice.below(20), card) {
            _ if !person.is_active => {
                self.runs("activate", vec![(account(person), Value::Live)], &["users", "activate", &name])?;
                person.is_active = true;
                Ok(())
            }
            (0..7, Some(_)) => self.revokes(person),
            (7, _) => self.logs_out(person),
            (8, _) => self.deactivates(person),
            _ => self.gives_or_takes_a_role(person),
        }
    }

    /// Ends one session.
    pub(super) fn revokes(&mut self, person: &mut Person) -> Heard {
        let card = person.cards.last().expect("a session").clone();
        self.runs("revoke", vec![ended(&card)], &["sessions", "revoke", &card.session])?;
        person.cards.pop();
        Ok(())
    }

    /// Ends all sessions of somebody.
    pub(super) fn logs_out(&mut self, person: &mut Person) -> Heard {
        self.runs("log out", all_ended(person), &["users", "logout", &person.email])?;
        person.cards.clear();
        Ok(())
    }

    /// Keeps somebody out, which ends his sessions.
    pub(super) fn deactivates(&mut self, person: &mut Person) -> Heard {
        let writes = [vec![(account(person), Value::Off)], all_ended(person)].concat();
        self.runs("deactivate", writes, &["users", "deactivate", &person.email])?;
        (person.is_active, person.cards) = (false, vec![]);
        Ok(())
    }

    fn gives_or_takes_a_role(&mut self, person: &mut Person) -> Heard {
        let (word, value) = if person.is_viewer { ("revoke", Value::Gone) } else { ("grant", Value::Live) };
        self.runs("role", vec![(role(person), value)], &["roles", word, &person.email, "viewer"])?;
        person.is_viewer = !person.is_viewer;
        Ok(())
    }

    /// Runs a command; the same as lost if it does not succeed, since nobody knows then what is there.
    fn runs(&mut self, name: &'static str, writes: Vec<(Key, Value)>, words: &[&str]) -> Heard {
        let invoked = self.load.world.ledger.now();
        let mut command = authsrv(&self.load.world.folder);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        if self.kills {
            // A command takes some ten milliseconds.
            std::thread::sleep(Duration::from_micros(self.dice.below(20_000) as u64));
            child.kill().unwrap();
        }
        let status = once(|| child.try_wait().unwrap()).expect("a command comes to its end");
        let outcome = match status.code() {
            Some(0) => Outcome::Done,
            Some(_) => Outcome::Refused,
            None => Outcome::Unknown,
        };
        let event = self.load.event((Door::Cli, name), invoked, (outcome, status.code().unwrap_or(-1)));
        self.load.world.ledger.record(Event { writes, is_settled: true, ..event });
        if outcome == Outcome::Done { Ok(()) } else { Err(Lost) }
    }
}
