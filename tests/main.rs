//! The tests, in one binary, since each more would be linked for itself.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

/// Every route for every kind of caller.
mod access;
/// Attacks, one file a family.
mod attacks;
/// The real binary at the shell: output, exit codes, terminal.
mod cli;
/// Clients of others, who verify our tokens.
mod clients;
/// What every engine of the store must do.
mod contract;
/// Hashing, signing, sealing.
mod crypto;
/// The rules of values: identifiers, passwords.
mod domain;
/// What machines do to programs, one file a fault.
mod faults;
/// The recorded cases of the Django stack.
mod golden;
/// The door of the network: bodies, routes, lists, document, sockets.
mod http;
/// Nothing of the caller's environment reaches the program.
mod isolation;
/// The dependency rule.
mod layers;
/// What was asked and answered, and whether what is there afterwards agrees with it.
mod ledger;
/// The process: load, stopping, being killed, starting again.
mod lifecycle;
/// The command line beside a running server: each sees at once what the other did.
mod live;
/// The OpenAPI document against its standard, and the answers against the document.
mod openapi;
/// What runs it elsewhere: the container image, the compose file, the unit, the example of `.env`.
mod packaging;
/// What routes and commands both do: they write alike, audit events included.
mod parity;
/// Real proxies in front of an API without code for sign-in.
mod proxies;
/// The README does what it says.
mod readme;
/// The OpenAPI document against what schemathesis makes up by it.
mod schemathesis;
/// Rules: time, rotation, reuse, bounds.
mod service;
/// What the tests share: the program on a file of its own, with a clock that they hold.
mod support;
