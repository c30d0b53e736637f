//! The tests, in one binary, since each more would be linked for itself.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

/// What every engine of the store must do.
mod contract;
/// Hashing, signing, sealing.
mod crypto;
/// The rules of values: identifiers, passwords.
mod domain;
