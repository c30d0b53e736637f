//! Rules, through `service`.

mod access;
mod activation;
mod api_tokens;
mod audit;
mod audit_trail;
pub mod common;
mod doctor;
mod guard;
mod import;
mod imported_keys;
mod login;
mod mail_texts;
mod mail_transports;
mod mails;
mod me;
mod one_time_tokens;
mod place;
mod pyjwt_tokens;
mod recovery;
mod registration;
mod roles;
mod seed;
mod seed_files;
mod settings;
mod smoke;
mod tokens;
mod users;
