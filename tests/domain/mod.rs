//! The rules of values, without a database.

mod identifiers;
mod passwords;
mod status_lists;
mod times;

use authsrv::domain::error::{Error, FieldError};

/// The complaints of a refusal; of anything else, none.
fn complaints<T>(outcome: Result<T, Error>) -> Vec<FieldError> {
    match outcome {
        Err(Error::Invalid(complaints)) => complaints,
        _ => Vec::new(),
    }
}

/// The codes of the complaints.
fn codes<T>(outcome: Result<T, Error>) -> Vec<&'static str> {
    complaints(outcome).iter().map(|complaint| complaint.code).collect()
}

/// The sentences of the complaints.
fn messages<T>(outcome: Result<T, Error>) -> Vec<String> {
    complaints(outcome).into_iter().map(|complaint| complaint.message).collect()
}
