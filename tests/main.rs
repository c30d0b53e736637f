//! The tests, in one binary, since each more would be linked for itself.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

/// Every route for every kind of caller.
mod access;
/// Attacks, one file a family.
mod attacks;
/// What every engine of the store must do.
mod contract;
/// Hashing, signing, sealing.
mod crypto;
/// The rules of values: identifiers, passwords.
mod domain;
/// The door of the network: bodies, routes, lists, document, sockets.
mod http;
/// The OpenAPI document against its standard, and the answers against the document.
mod openapi;
/// Rules: time, rotation, reuse, bounds.
mod service;
/// What the tests share: the program on a file of its own, with a clock that they hold.
mod support;
