//! Replaying: each case against a server of its own, several at a time.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::compare::{Comparison, Difference, compare, compare_mails};
use super::deviations::{Deviations, Explained, Seen};
use super::load::{Case, Step, is_told};
use super::templates::{Known, fill, fill_text, values_in};
use super::tokens;
use super::wire::{Answer, Ask};
use super::world::{World, sent_mails};

/// Cases that are replayed at a time: they wait more than they work.
const AT_ONCE: usize = 6;

/// What came of a step.
pub enum Verdict {
    /// As recorded.
    Equal,
    /// Otherwise; maybe by a rule.
    Differs(Vec<Difference>, Option<String>),
    /// The peer's fault, which nobody should copy; with ours, if we have one there, too.
    PeerFault(Option<String>),
    /// Not compared, and why.
    Skipped(String),
}

/// What came of a case.
#[derive(Default)]
pub struct Replayed {
    /// One for each step.
    pub verdicts: Vec<Verdict>,
    /// What could not be made, or is worth a look.
    pub remarks: Vec<String>,
}

/// Replays all cases of a file, in their order.
pub fn replay(file: &str, cases: &[Case], old_key: &str, rules: &Deviations) -> Vec<Replayed> {
    let done: Vec<_> = cases.iter().map(|_| Mutex::new(Replayed::default())).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(cases.len()) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let at = cases.iter().position(|other| std::ptr::eq(other, case)).unwrap();
                    let story = || Story { file, case, rules }.replay(old_key);
                    *done[at].lock().unwrap() =
                        catch_unwind(AssertUnwindSafe(story)).unwrap_or_else(|_| skipped(case, "the replay panicked"));
                }
            });
        }
    });
    done.into_iter().map(|one| one.into_inner().unwrap()).collect()
}

fn skipped(case: &Case, why: &str) -> Replayed {
    let verdicts = case.steps.iter().map(|_| Verdict::Skipped(why.to_owned())).collect();
    Replayed { verdicts, remarks: Vec::new() }
}

struct Story<'a> {
    file: &'a str,
    case: &'a Case,
    rules: &'a Deviations,
}

/// What a case has learnt so far.
#[derive(Default)]
struct Memory {
    known: Known,
    /// Placeholders that got no value, and the rule by which they did not.
    lost: HashMap<String, Option<String>>,
    /// The rule that explains the rest of the case.
    carried: Option<String>,
}

impl Story<'_> {
    fn replay(&self, old_key: &str) -> Replayed {
        let mut world = World::of(self.case, old_key);
        let known = match tokens::prepare(self.case, &mut world) {
            Ok(known) => known,
            Err(why) => return Replayed { remarks: world.remarks, ..skipped(self.case, &why) },
        };
        let mut memory = Memory { known, ..Memory::default() };
        let mut replayed = Replayed::default();
        for step in &self.case.steps {
            let verdict = if step.is_cut() {
                Verdict::Skipped("its body was not recorded".to_owned())
            } else {
                self.step(&world, step, &mut memory, &mut replayed.remarks)
            };
            replayed.verdicts.push(verdict);
        }
        replayed.remarks.extend(world.remarks);
        replayed
    }

    fn step(&self, world: &World, step: &Step, memory: &mut Memory, remarks: &mut Vec<String>) -> Verdict {
        world.pass(step.request.wait_before_s);
        let answer = asked(step, &memory.known).send(world.server.address);
        if is_told(&step.peer_bug) || is_told(&self.case.peer_bug) && step.response.status == 500 {
            return Verdict::PeerFault(fault(answer));
        }
        let mut found = match &answer {
            Ok(answer) => compare(answer, &step.response, &mut memory.known),
            Err(error) => Comparison::broken(error, &step.response),
        };
        let want = &step.response.mails;
        if !want.is_empty() {
            compare_mails(&mut found, &sent_mails(&world.app), want, &mut memory.known);
        }
        remarks.append(&mut found.remarks);
        if found.differences.is_empty() {
            return Verdict::Equal;
        }
        let explained = self.explained(step, &answer.unwrap_or_default(), &found.differences, memory);
        let by = explained.map(|explained| {
            if explained.carries {
                memory.carried = Some(explained.by.clone());
            }
            explained.by
        });
        memory.lost.extend(found.lost.into_iter().map(|name| (name, by.clone())));
        Verdict::Differs(found.differences, by)
    }

    /// By the rules; else by an earlier step that a rule explains and that did not give what this one uses.
    fn explained(
        &self,
        step: &Step,
        answer: &Answer,
        differences: &[Difference],
        memory: &Memory,
    ) -> Option<Explained> {
        let seen = Seen { file: self.file, case: &self.case.name, profile: &self.case.profile, step, answer };
        let follows = |by: &str| Explained { by: format!("follows from {by}"), carries: false };
        let by_rule = || self.rules.explain(&seen, differences);
        let by_loss = || used(step).iter().find_map(|name| memory.lost.get(name)?.as_deref().map(follows));
        by_rule().or_else(by_loss).or_else(|| memory.carried.as_deref().map(follows))
    }
}

/// What is wrong with an answer, whatever was asked.
fn fault(answer: std::io::Result<Answer>) -> Option<String> {
    match answer {
        Ok(answer) => (answer.status >= 500).then(|| format!("answered by {}", answer.status)),
        Err(error) => Some(format!("not answered: {error}")),
    }
}

/// What a step asks, with what is known filled in.
fn asked(step: &Step, known: &Known) -> Ask {
    let request = &step.request;
    let base64 = request.body_base64.as_ref().map(|text| STANDARD.decode(text).unwrap_or_default());
    let headers = request.headers.iter().map(|(name, value)| (name.clone(), fill_text(text(value), known)));
    Ask {
        method: request.method.clone(),
        path: fill_text(&request.path, known),
        headers: headers.collect(),
        body: base64.or_else(|| request.body.as_ref().map(|raw| fill(&raw.0, known))),
    }
}

/// Placeholders in what a step asks.
fn used(step: &Step) -> Vec<String> {
    let request = &step.request;
    let body = request.body.as_ref().map(|raw| String::from_utf8_lossy(&raw.0).into_owned()).unwrap_or_default();
    let headers = request.headers.values().flat_map(|value| values_in(text(value)));
    values_in(&request.path).into_iter().chain(headers).chain(values_in(&body)).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
