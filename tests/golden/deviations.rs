//! Deviations that are meant: rules in `deviations.toml`, each with its reason. A difference that a rule covers is not
//! equal all the same, but explained.

use serde::Deserialize;

use super::compare::Difference;
use super::load::Step;
use super::wire::Answer;

const RULES: &str = include_str!("deviations.toml");

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviations {
    /// Least part of the steps that must be equal.
    pub minimum_percent: f64,
    /// Whether a difference that no rule covers fails the test.
    pub all_explained: bool,
    /// The rules.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
}

/// A rule. It covers a difference if everything that it names is so; a list names alternatives, an empty one anything.
/// In texts `*` stands for any text.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Decision that it follows from.
    pub id: String,
    /// Why ours is better.
    pub reason: String,
    /// Parts that it explains: `status`, `body`, `mails`, names of headers.
    parts: Vec<String>,
    /// Names of files.
    files: Vec<String>,
    /// Profiles.
    profiles: Vec<String>,
    /// Methods.
    methods: Vec<String>,
    /// Paths with query, as recorded.
    paths: Vec<String>,
    /// Bodies of requests, as recorded.
    requests: Vec<String>,
    /// `Authorization` of requests, as recorded.
    authorizations: Vec<String>,
    /// Statuses as recorded.
    expected_status: Vec<u16>,
    /// Statuses that we answer.
    our_status: Vec<u16>,
    /// `Content-Type` as recorded.
    expected_types: Vec<String>,
    /// Bodies as recorded.
    expected_bodies: Vec<String>,
    /// Bodies that we answer.
    our_bodies: Vec<String>,
    /// Names of cases: the last resort.
    cases: Vec<String>,
    /// Whether it explains whatever differs later in the same case, too.
    carries: bool,
}

/// A step, as rules look at it.
pub struct Seen<'a> {
    /// Name of the file.
    pub file: &'a str,
    /// Name of the case.
    pub case: &'a str,
    /// Its profile.
    pub profile: &'a str,
    /// What was recorded.
    pub step: &'a Step,
    /// What came; the default where nothing did.
    pub answer: &'a Answer,
}

/// What explains a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// Ids of the rules.
    pub by: String,
    /// Whether that goes for the rest of the case.
    pub carries: bool,
}

impl Deviations {
    /// Reads our file.
    pub fn ours() -> Self {
        toml::from_str(RULES).unwrap()
    }

    /// The rules that together cover all differences of a step, if they do.
    pub fn explain(&self, seen: &Seen, differences: &[Difference]) -> Option<Explained> {
        let mut by: Vec<&Rule> = Vec::new();
        for difference in differences {
            let rule = self.rules.iter().find(|rule| rule.explains(difference.part) && rule.covers(seen))?;
            if !by.iter().any(|other| other.id == rule.id) {
                by.push(rule);
            }
        }
        let ids: Vec<_> = by.iter().map(|rule| rule.id.as_str()).collect();
        Some(Explained { by: ids.join(" + "), carries: by.iter().any(|rule| rule.carries) })
    }
}

impl Rule {
    fn explains(&self, part: &str) -> bool {
        any(&self.parts, part)
    }

    fn covers(&self, seen: &Seen) -> bool {
        let (asked, want) = (&seen.step.request, &seen.step.response);
        let body = asked.body.as_ref().map(|raw| String::from_utf8_lossy(&raw.0)).unwrap_or_default();
        let authorization = asked.headers.get("Authorization").and_then(|value| value.as_str()).unwrap_or_default();
        let is = |list: &[u16], status| list.is_empty() || list.contains(&status);
        is(&self.expected_status, want.status)
            && is(&self.our_status, seen.answer.status)
            && [
                (&self.files, seen.file),
                (&self.profiles, seen.profile),
                (&self.methods, &asked.method),
                (&self.paths, &asked.path),
                (&self.requests, &body),
                (&self.authorizations, authorization),
                (&self.expected_types, want.header("Content-Type").unwrap_or_default()),
                (&self.expected_bodies, &want.body),
                (&self.our_bodies, &seen.answer.text()),
                (&self.cases, seen.case),
            ]
            .into_iter()
            .all(|(patterns, text)| any(patterns, text))
    }
}

fn any(patterns: &[String], text: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| is_like(pattern, text))
}

/// Whether a text is of a form in which `*` stands for any text.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let pieces: Vec<_> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn every_rule_has_a_reason_and_names_what_it_covers() {
    for rule in Deviations::ours().rules {
        assert!(!rule.id.is_empty() && rule.reason.len() > 20, "{:?}: say why", rule.id);
        let names = [&rule.paths, &rule.requests, &rule.expected_types, &rule.expected_bodies, &rule.our_bodies];
        let is_bounded = !rule.expected_status.is_empty() || names.iter().any(|list| !list.is_empty());
        assert!(is_bounded, "{}: would cover anything", rule.id);
    }
    assert!(is_like("/auth/*/x*", "/auth/users/x") && is_like("*", "") && is_like("a", "a"));
    assert!(!is_like("/auth/*/x", "/auth/x") && !is_like("a", "ab") && !is_like("a*b", "ac"));
}
