//! What the pages show: titles, sentences and forms, made of [`Words`].

use serde::Serialize;

use super::words::Words;
use crate::domain::error::{Conflict, FieldError};
use crate::domain::users::Pending;
use crate::service::activation::Waiting;

/// What somebody is to see.
pub enum View {
    /// The form of an activation link.
    Activation { waiting: Waiting, faults: Vec<Complaint> },
    /// The account is active.
    Activated { label: String },
    /// The account is gone, or its link is.
    Disowned { pending: Pending },
    /// The form of a password reset link.
    NewPassword { label: String, faults: Vec<Complaint> },
    /// The password is set.
    PasswordSet,
    /// The form of a username reset link.
    NewUsername { label: String, typed: String, faults: Vec<Complaint> },
    /// The username is set.
    UsernameSet,
}

/// One complaint about one field of a form.
pub struct Complaint {
    pub field: String,
    pub code: &'static str,
    pub message: String,
}

impl Complaint {
    /// As a service makes it.
    pub fn of(fault: FieldError) -> Self {
        Self { field: fault.field, code: fault.code, message: fault.message }
    }

    /// Of a name that is another's.
    pub fn taken(conflict: &Conflict) -> Self {
        let message = "This username is taken.".to_owned();
        match conflict {
            Conflict::Taken(..) => Self { field: "username".to_owned(), code: "unique", message },
            other => Self { field: String::new(), code: "conflict", message: format!("Not possible: {other}.") },
        }
    }
}

/// A page as its template has it.
#[derive(Serialize)]
pub struct Shown {
    pub title: &'static str,
    pub lines: Vec<String>,
    pub forms: Vec<FormShown>,
}

/// A form; it goes to the address of its page.
#[derive(Default, Serialize)]
pub struct FormShown {
    fields: Vec<FieldShown>,
    /// About the whole.
    faults: Vec<String>,
    /// What the button stands for.
    act: &'static str,
    button: &'static str,
    /// What to know before it is pressed.
    hint: &'static str,
}

#[derive(Serialize)]
struct FieldShown {
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    autocomplete: &'static str,
    value: String,
    read_only: bool,
    hint: &'static str,
    faults: Vec<String>,
}

impl View {
    /// Whether a form is shown again with complaints.
    pub fn is_refusal(&self) -> bool {
        match self {
            View::Activation { faults, .. } | View::NewPassword { faults, .. } | View::NewUsername { faults, .. } => {
                !faults.is_empty()
            }
            View::Activated { .. } | View::Disowned { .. } | View::PasswordSet | View::UsernameSet => false,
        }
    }

    /// The page in these words.
    pub fn shown(&self, words: &Words) -> Shown {
        let said = |title, text: &str| Shown { title, lines: vec![text.to_owned()], forms: Vec::new() };
        match self {
            View::Activation { waiting, faults } => activation(words, waiting, faults),
            View::Activated { label } => said(words.activated, &words.activated_next.replace("{}", label)),
            View::Disowned { pending: Pending::Registration } => said(words.disowned, words.disowned_next),
            View::Disowned { pending: Pending::Address } => said(words.withdrawn, words.withdrawn_next),
            View::NewPassword { label, faults } => new_password(words, label, faults),
            View::PasswordSet => said(words.password_set, words.password_set_next),
            View::NewUsername { label, typed, faults } => new_username(words, (label, typed), faults),
            View::UsernameSet => said(words.username_set, words.username_set_next),
        }
    }
}

fn about(words: &Words, faults: &[Complaint], names: &[&str]) -> Vec<String> {
    let of_field = faults.iter().filter(|fault| names.contains(&fault.field.as_str()));
    of_field.map(|fault| words.complaint(fault.code, &fault.message)).collect()
}

/// Whose account it is: also told to programs that keep passwords.
fn account(words: &Words, label: &str) -> FieldShown {
    FieldShown {
        name: "username",
        label: words.account,
        kind: "text",
        autocomplete: "username",
        value: label.to_owned(),
        read_only: true,
        hint: "",
        faults: Vec::new(),
    }
}

/// A password to type; never shown again.
fn secret(name: &'static str, label: &'static str, faults: Vec<String>) -> FieldShown {
    FieldShown {
        name,
        label,
        kind: "password",
        autocomplete: "new-password",
        value: String::new(),
        read_only: false,
        hint: "",
        faults,
    }
}

fn activation(words: &Words, waiting: &Waiting, faults: &[Complaint]) -> Shown {
    let (line, hint, button) = match waiting.pending {
        Pending::Registration => (words.activation_line, words.disown_hint, words.disown),
        Pending::Address => (words.address_line, words.withdraw_hint, words.withdraw),
    };
    let password = FieldShown {
        autocomplete: "current-password",
        ..secret("password", words.password, about(words, faults, &["password"]))
    };
    let activate = FormShown {
        fields: vec![account(words, &waiting.label), password],
        faults: about(words, faults, &[""]),
        act: "activate",
        button: words.activate,
        hint: "",
    };
    let disown = FormShown { act: "disown", button, hint, ..FormShown::default() };
    Shown { title: words.activation, lines: vec![line.to_owned()], forms: vec![activate, disown] }
}

fn new_password(words: &Words, label: &str, faults: &[Complaint]) -> Shown {
    let new = FieldShown {
        hint: words.password_hint,
        ..secret("new_password", words.new_password, about(words, faults, &["new_password"]))
    };
    let again = secret("new_password2", words.new_password_again, about(words, faults, &["new_password2"]));
    let form = FormShown {
        fields: vec![account(words, label), new, again],
        faults: about(words, faults, &[""]),
        act: "reset",
        button: words.set_password,
        hint: "",
    };
    Shown { title: words.password_title, lines: vec![words.password_line.to_owned()], forms: vec![form] }
}

fn new_username(words: &Words, (label, typed): (&str, &str), faults: &[Complaint]) -> Shown {
    let new = FieldShown {
        name: "new_username",
        label: words.new_username,
        kind: "text",
        autocomplete: "off",
        value: typed.to_owned(),
        read_only: false,
        hint: "",
        faults: about(words, faults, &["username"]),
    };
    let form = FormShown {
        fields: vec![account(words, label), new],
        faults: about(words, faults, &[""]),
        act: "reset",
        button: words.set_username,
        hint: "",
    };
    Shown { title: words.username_title, lines: vec![words.username_line.to_owned()], forms: vec![form] }
}
