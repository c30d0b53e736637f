//! The manners of Django REST framework, for the dialects whose clients expect them: which renderer and parser is taken,
//! in what order a request is judged, the headers of every answer, the words of errors, lists, and what OPTIONS tells.
//!
//! No dialect itself: it serves no path and knows none. Start at [`view`].

pub mod failure;
pub mod form;
pub mod lists;
pub mod metadata;
pub mod negotiation;
mod python;
pub mod view;

pub use failure::Words;
pub use form::Form;
pub use python::surrogate;
pub use view::View;
