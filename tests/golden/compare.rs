//! What of an answer must be as it was recorded: status, body and these headers, and the mails that it sent.

use super::load::{self, Mail, Response};
use super::templates::{Known, Template, values_in};
use super::wire::Answer;

/// Headers of the contract.
const HEADERS: [&str; 7] = ["Content-Type", "Allow", "WWW-Authenticate", "Vary", "Retry-After", "Location", "Link"];

/// Parts of a difference that are no headers.
const STATUS: &str = "status";
const BODY: &str = "body";
const MAILS: &str = "mails";
const CONNECTION: &str = "connection";

/// One thing in which an answer differs.
#[derive(Debug, Clone)]
pub struct Difference {
    /// `status`, `body`, `mails`, `connection`, or the name of a header.
    pub part: &'static str,
    /// As the server has it.
    pub ours: String,
    /// As it was recorded.
    pub theirs: String,
}

/// What a comparison found.
#[derive(Default)]
pub struct Comparison {
    /// In what the answer differs.
    pub differences: Vec<Difference>,
    /// Placeholders that should have got their value here and did not.
    pub lost: Vec<String>,
    /// What is not compared, but worth a look.
    pub remarks: Vec<String>,
}

impl Comparison {
    /// No answer came.
    pub fn broken(error: &std::io::Error, want: &Response) -> Self {
        let mut broken = Self::default();
        broken.note(CONNECTION, error.to_string(), want.status.to_string());
        broken.lost = Template::of(&want.body, &Known::new()).gives().to_vec();
        broken
    }

    fn note(&mut self, part: &'static str, ours: impl Into<String>, theirs: impl Into<String>) {
        self.differences.push(Difference { part, ours: ours.into(), theirs: theirs.into() });
    }

    /// Reads a text by what was recorded, and learns the values in it; false if it is not of that form.
    fn learn(&mut self, recorded: &str, text: &str, known: &mut Known) -> bool {
        let template = Template::of(recorded, known);
        match template.read(text) {
            Some(values) => known.extend(values),
            None => {
                self.lost.extend_from_slice(template.gives());
                return false;
            }
        }
        true
    }
}

/// Compares an answer, and learns the values that placeholders have in it.
pub fn compare(answer: &Answer, want: &Response, known: &mut Known) -> Comparison {
    let mut found = Comparison::default();
    if answer.status != want.status {
        found.note(STATUS, answer.status.to_string(), want.status.to_string());
    }
    if !want.is_page() && !found.learn(&want.body, &answer.text(), known) {
        found.note(BODY, answer.text(), want.body.as_str());
    }
    for name in HEADERS {
        let (ours, theirs) = (answer.header(name), want.header(name));
        if !is_same(name, ours, theirs) {
            found.note(name, ours.unwrap_or("(none)"), theirs.unwrap_or("(none)"));
        }
    }
    found
}

fn is_same(name: &str, ours: Option<&str>, theirs: Option<&str>) -> bool {
    let methods = |text: &str| {
        let mut methods: Vec<_> = text.split(", ").map(str::to_owned).collect();
        methods.sort();
        methods
    };
    match (ours, theirs) {
        (Some(ours), Some("<wait>")) => !ours.is_empty() && ours.bytes().all(|byte| byte.is_ascii_digit()),
        (Some(ours), Some(theirs)) if name == "Allow" => methods(ours) == methods(theirs),
        _ => ours == theirs,
    }
}

/// Compares the mails that were sent, and learns the values that placeholders have in them.
pub fn compare_mails(found: &mut Comparison, sent: &[Mail], want: &[Mail], known: &mut Known) {
    if sent.len() != want.len() {
        found.note(MAILS, format!("{} mails", sent.len()), want.len().to_string());
        found.lost.extend(want.iter().skip(sent.len()).flat_map(|mail| gives(mail, known)));
    }
    for (ours, theirs) in sent.iter().zip(want) {
        let is_read = found.learn(theirs.text.trim(), ours.text.replace("\r\n", "\n").trim(), known);
        if !is_read || ours.to != theirs.to || ours.subject != theirs.subject {
            found.note(MAILS, shown(ours), shown(theirs));
        }
        let pages = [ours, theirs].map(|mail| mail.html.as_deref().unwrap_or_default().replace("\r\n", "\n"));
        if Template::of(pages[1].trim(), known).read(pages[0].trim()).is_none() {
            found.remarks.push(format!("the HTML of the mail {:?} differs, which is not counted", theirs.subject));
        }
    }
}

fn gives(mail: &Mail, known: &Known) -> Vec<String> {
    Template::of(mail.text.trim(), known).gives().to_vec()
}

fn shown(mail: &Mail) -> String {
    format!("to {}, {}: {}", mail.to, mail.subject, mail.text)
}

/// Whatever was recorded is equal to itself, and no longer once its status or body changes: what differs is the server's.
#[test]
fn recorded_answers_are_equal_to_themselves_and_to_nothing_else() {
    for file in load::files(&load::folder()).unwrap() {
        for case in load::cases(&file).unwrap_or_default().0 {
            let mut known = Known::new();
            for (at, step) in case.steps.iter().enumerate() {
                let place = format!("{}[{at}]", case.name);
                let want = &step.response;
                let mut answer = recorded(want);
                answer.status += 1;
                answer.body.push(b' ');
                let found = compare(&answer, want, &mut known.clone()).differences;
                let parts: Vec<_> = found.iter().map(|difference| difference.part).collect();
                let is_page = want.is_page();
                assert_eq!(parts, if is_page { vec![STATUS] } else { vec![STATUS, BODY] }, "{place}");
                let mut found = compare(&recorded(want), want, &mut known);
                let sent = want.mails.iter().map(|mail| Mail { text: spoken(&mail.text), ..mail.clone() });
                compare_mails(&mut found, &sent.collect::<Vec<_>>(), &want.mails, &mut known);
                assert!(found.differences.is_empty() && found.lost.is_empty(), "{place}: {:?}", found.differences);
            }
        }
    }
}

/// An answer as recorded, with something in place of what was not.
fn recorded(want: &Response) -> Answer {
    let headers = want.headers.iter().filter_map(|(name, value)| Some((name.clone(), spoken(value.as_str()?))));
    Answer { status: want.status, headers: headers.collect(), body: spoken(&want.body).into_bytes() }
}

/// A text with placeholders in which each has a value of its kind.
fn spoken(text: &str) -> String {
    let mut spoken = text.replace("<datetime>", "2024-07-13T17:24:33.855512Z").replace("<wait>", "57");
    for name in values_in(text) {
        if name.bytes().any(|byte| byte.is_ascii_digit()) {
            spoken = spoken.replace(&name, &format!("v.{}=", name.trim_matches(['<', '>'])));
        }
    }
    spoken
}
