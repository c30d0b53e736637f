//! The tests, in one binary, since each more would be linked for itself.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

/// What every engine of the store must do.
mod contract;
/// Hashing, signing, sealing.
mod crypto;
/// The rules of values: identifiers, passwords.
mod domain;
/// Rules: time, rotation, reuse, bounds.
mod service;
/// What the tests share: the program on a file of its own, with a clock that they hold.
mod support;
