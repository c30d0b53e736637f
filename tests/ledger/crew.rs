//! Those who change things over HTTP.

use serde_json::json;

use super::clients::{Heard, Lost, account, all_ended, ended, role};
use super::{Card, Dice, Door, Event, Key, Load, Outcome, Person, Value};
use crate::support::PASSWORD;
use crate::support::http::{Answer, Client};

/// One who changes things over HTTP, for people whom nobody else changes.
pub(super) struct Crew<'l> {
    load: &'l Load<'l>,
    client: Client,
    dice: Dice,
}

impl<'l> Crew<'l> {
    /// One with a row of numbers of his own.
    pub(super) fn new(load: &'l Load<'l>, seed: u64) -> Self {
        Self { load, client: Client::of(load.address), dice: Dice::new(seed) }
    }

    /// A number for a choice.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.dice.below(end)
    }

    /// Does one thing for one of these people.
    pub(super) fn step(&mut self, people: &mut Vec<Person>) -> Heard {
        if people.is_empty() {
            return self.registers(people);
        }
        let (at, many) = (self.dice.below(people.len()), people.len() > 1);
        let person = &mut people[at];
        if !person.is_active {
            return self.sets_active(person, true);
        }
        let card = (!person.cards.is_empty()).then(|| self.dice.below(person.cards.len()));
        match (self.dice.below(200), card) {
            (0..70, Some(card)) => self.refreshes(person, card),
            (70..100, Some(card)) => self.logs_out(person, card),
            (100..106, Some(card)) => self.revokes_all(person, card),
            (106..118, _) => self.sets_active(person, false),
            (118..120, _) if many => {
                self.deletes(&people[at])?;
                people.remove(at);
                Ok(())
            }
            (120..123, _) => self.logs_in(person),
            (123..125, Some(card)) => self.changes_password(person, card),
            (125, _) => self.registers(people),
            (126..150, Some(card)) => self.load.look(&self.client, &person.cards[card], 0).map(drop).ok_or(Lost),
            _ => self.gives_or_takes_a_role(person),
        }
    }

    /// Sends a request that writes these registers if it succeeds, which `more` it tells of included.
    fn sends(
        &self,
        name: &'static str,
        writes: Vec<(Key, Value)>,
        ask: impl FnOnce() -> Option<Answer>,
        more: impl FnOnce(&Answer) -> Vec<(Key, Value)>,
    ) -> Heard<Option<Answer>> {
        let invoked = self.load.world.ledger.now();
        let answer = ask();
        let outcome = match answer.as_ref().map(|answer| answer.status) {
            Some(200..300) => Outcome::Done,
            Some(_) => Outcome::Refused,
            None => Outcome::Unknown,
        };
        let said = answer.as_ref().map_or(0, |answer| answer.status.into());
        let event = self.load.event((Door::Http, name), invoked, (outcome, said));
        let mut writes = writes;
        if let Some(answer) = answer.as_ref().filter(|_| outcome == Outcome::Done) {
            writes.retain(|(key, value)| *value != Value::Unnamed && !matches!(key, Key::SomeSession(_)));
            writes.extend(more(answer));
        }
        self.load.world.ledger.record(Event { writes, ..event });
        let done = outcome == Outcome::Done;
        if answer.is_some() { Ok(answer.filter(|_| done)) } else { Err(Lost) }
    }

    fn bearer(&self, card: &Card) -> Client {
        self.client.clone().bearer(&card.access)
    }

    fn root(&self) -> Client {
        self.bearer(&self.load.world.root)
    }

    fn refreshes(&self, person: &mut Person, at: usize) -> Heard {
        if let Some(card) = self.refreshed(&person.cards[at])? {
            self.load.knows(&card);
            person.cards[at] = card;
        }
        Ok(())
    }

    /// The pair that a refresh gives, unless it is refused.
    pub(super) fn refreshed(&self, card: &Card) -> Heard<Option<Card>> {
        let writes = vec![(Key::Leaf(card.session.clone()), Value::Unnamed)];
        let ask = || self.client.ask("POST", "/token/refresh/", Some(&json!({"refresh": card.refresh})));
        let answer = self.sends("refresh", writes, ask, |answer| vec![pair(answer).begins().remove(1)])?;
        Ok(answer.as_ref().map(pair))
    }

    /// Ends one session.
    pub(super) fn logs_out(&self, person: &mut Person, at: usize) -> Heard {
        let card = person.cards[at].clone();
        let ask = || self.client.ask("POST", "/logout/", Some(&json!({"refresh": card.refresh})));
        if self.sends("logout", vec![ended(&card)], ask, |_| vec![])?.is_some() {
            person.cards.remove(at);
        }
        Ok(())
    }

    /// Ends all sessions of somebody, by himself.
    pub(super) fn revokes_all(&self, person: &mut Person, at: usize) -> Heard {
        let by = self.bearer(&person.cards[at]);
        let ask = || by.ask("POST", "/token/revoke_all/", Some(&json!({})));
        if self.sends("revoke all", all_ended(person), ask, |_| vec![])?.is_some() {
            person.cards.clear();
        }
        Ok(())
    }

    /// Keeps somebody out, which ends his sessions, or lets him in again.
    pub(super) fn sets_active(&self, person: &mut Person, active: bool) -> Heard {
        let mut writes = vec![(account(person), if active { Value::Live } else { Value::Off })];
        if !active {
            writes.extend(all_ended(person));
        }
        let path = format!("/users/{}/", person.id);
        let ask = || self.root().ask("PATCH", &path, Some(&json!({"is_active": active})));
        if self.sends("set active", writes, ask, |_| vec![])?.is_some() {
            person.is_active = active;
            if !active {
                person.cards.clear();
            }
        }
        Ok(())
    }

    fn deletes(&self, person: &Person) -> Heard {
        let gone = [account(person), role(person)].map(|key| (key, Value::Gone));
        let writes = gone.into_iter().chain(all_ended(person)).collect();
        let ask = || self.root().ask("DELETE", &format!("/users/{}/", person.id), None);
        self.sends("delete", writes, ask, |_| vec![]).map(drop)
    }

    fn gives_or_takes_a_role(&self, person: &mut Person) -> Heard {
        let (path, id) = (format!("/users/{}/roles/", person.id), self.load.world.viewer);
        let is_viewer = !person.is_viewer;
        let writes = vec![(role(person), if is_viewer { Value::Live } else { Value::Gone })];
        let ask = || match is_viewer {
            true => self.root().ask("POST", &path, Some(&json!({"role": "viewer"}))),
            false => self.root().ask("DELETE", &format!("{path}{id}/"), None),
        };
        if self.sends("role", writes, ask, |_| vec![])?.is_some() {
            person.is_viewer = is_viewer;
        }
        Ok(())
    }

    fn logs_in(&self, person: &mut Person) -> Heard {
        let writes = vec![(Key::SomeSession(person.email.clone()), Value::Live)];
        let body = json!({"email": person.email, "password": person.password});
        let ask = || self.client.ask("POST", "/login/", Some(&body));
        if let Some(answer) = self.sends("login", writes, ask, |answer| pair(answer).begins())? {
            person.cards.push(pair(&answer));
            self.load.knows(&pair(&answer));
        }
        Ok(())
    }

    /// Ends all other sessions.
    fn changes_password(&self, person: &mut Person, at: usize) -> Heard {
        let (old, card) = (person.password.clone(), person.cards[at].clone());
        let new = if old == PASSWORD { format!("{PASSWORD}!") } else { PASSWORD.to_owned() };
        let this = ended(&card);
        let mut writes: Vec<_> = all_ended(person).into_iter().filter(|end| *end != this).collect();
        writes.push((Key::Password(person.email.clone()), Value::Is(new.clone())));
        let body = json!({"current_password": old, "new_password": new});
        let ask = || self.bearer(&card).ask("POST", "/me/password/", Some(&body));
        person.or = Some(new.clone());
        let answer = self.sends("password", writes, ask, |_| vec![])?;
        person.or = None;
        if answer.is_some() {
            (person.password, person.cards) = (new, vec![card]);
        }
        Ok(())
    }

    fn registers(&mut self, people: &mut Vec<Person>) -> Heard {
        let email = format!("r{}-{}@example.com", self.load.world.ledger.now(), self.dice.below(1_000_000));
        let body = json!({"email": email, "password": PASSWORD, "password2": PASSWORD});
        let is = |value: Value| (Key::Account(email.clone()), value);
        let password = (Key::Password(email.clone()), Value::Is(PASSWORD.to_owned()));
        let writes = vec![is(Value::Live), password, (Key::SomeSession(email.clone()), Value::Live)];
        let ask = || self.client.ask("POST", "/register/", Some(&body));
        if let Some(answer) = self.sends("register", writes, ask, |answer| pair(answer).begins())? {
            let (id, cards) = (answer.json()["user"]["id"].as_i64().unwrap(), vec![pair(&answer)]);
            let password = PASSWORD.to_owned();
            people.push(Person {
                email,
                id,
                is_active: true,
                is_viewer: false,
                password,
                or: None,
                cards,
                astray: vec![],
            });
        }
        Ok(())
    }
}

fn pair(answer: &Answer) -> Card {
    Card::of(&answer.text("access"), &answer.text("refresh"))
}
