//! The ledger: clients that write down what they asked and what they were told, and a checker that holds what is there
//! afterwards against it.
//!
//! The method is Jepsen's: each account, role, session and token is a register; each request says which registers it
//! writes, when it was sent and when it was answered; each look at the program or at its file reads some. A history is
//! good if the registers could have had these values in some order that agrees with the times. [`rules`] has the rules,
//! [`history`] the words; [`world`] is the installation, [`clients`] the load.

mod census;
mod clients;
mod crew;
mod dice;
mod history;
mod rules;
mod rules_tested;
mod teams;
mod tellers;
mod world;

pub use census::Census;
pub use clients::Load;
pub use dice::Dice;
pub use history::{Door, Event, History, Key, Ledger, Outcome, Value};
pub use rules::broken;
pub use teams::{Commands, Teams};
pub use tellers::Ender;
pub use world::{Card, Person, World};
