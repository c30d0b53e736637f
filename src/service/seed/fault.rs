//! What is wrong with a seed file, and where.

use std::fmt;

use crate::domain::error::{Error, FieldError};

/// Most faults that one report names; what is beyond is counted.
const FAULTS_MAX: usize = 1000;

/// One fault of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedFault {
    /// The file, as it was named.
    pub file: String,
    /// From 1; 0 when it is the file as a whole.
    pub line: usize,
    /// What is wrong, for people.
    pub reason: String,
}

impl SeedFault {
    /// `file:line`, or only the file.
    pub fn place(&self) -> String {
        if self.line == 0 { self.file.clone() } else { format!("{}:{}", self.file, self.line) }
    }
}

impl fmt::Display for SeedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.reason)
    }
}

/// The faults as the program's one error: each is a complaint about the field `file:line`.
impl From<Vec<SeedFault>> for Error {
    fn from(faults: Vec<SeedFault>) -> Self {
        let beyond = faults.len().saturating_sub(FAULTS_MAX);
        let mut fields: Vec<FieldError> = faults
            .into_iter()
            .take(FAULTS_MAX)
            .map(|fault| FieldError::new(fault.place(), "invalid", fault.reason))
            .collect();
        if beyond > 0 {
            fields.push(FieldError::new("", "invalid", format!("and {beyond} more")));
        }
        Error::Invalid(fields)
    }
}
