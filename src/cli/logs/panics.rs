//! What is said of a panic: where it happened, and what the source says of it, but nothing of the values that it met,
//! which may be secret.

use std::any::Any;
use std::panic;

use crate::cli::output::note;

const TARGET: &str = "authsrv::panic";

/// From now on panics are told here, with the id of the request where there is one, and nowhere else.
pub fn watch() {
    panic::set_hook(Box::new(|met| {
        let place = met.location().map(ToString::to_string).unwrap_or_default();
        let message = told(met.payload());
        if tracing::enabled!(target: TARGET, tracing::Level::ERROR) {
            tracing::error!(target: TARGET, place, "a fault of the program: {message}");
        } else {
            note(&format!("a fault of the program at {place}: {message}"));
        }
    }));
}

/// The message, if it stands in the source as it is; one that was put together may quote anything.
fn told(payload: &(dyn Any + Send)) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("what it says is not told, since it may hold a secret")
}

#[cfg(test)]
mod tests {
    use super::*;

    ///
    #[test]
    fn a_panic_that_quotes_a_value_is_not_repeated() {
        let caught = |panics: fn()| panic::catch_unwind(panics).map_or_else(|payload| told(&*payload), |()| "");
        assert_eq!(caught(|| panic!("no such thing")), "no such thing");
        let quoted = caught(|| panic!("the password {} is wrong", std::hint::black_box("Korrekt-Pferd")));
        assert!(!quoted.is_empty() && !quoted.contains("Pferd"), "{quoted}");
        let refused = caught(|| assert_eq!(std::hint::black_box("Korrekt-Pferd"), "another"));
        assert!(!refused.is_empty() && !refused.contains("Pferd"), "{refused}");
    }
}
