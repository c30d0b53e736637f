//! The real binary at the shell: what it prints where, and how it exits.

mod api_tokens;
mod audit;
mod backup;
mod check;
mod clock;
mod configuration;
mod doctor;
mod guard;
mod hints;
mod import;
mod keys;
mod mail;
mod master_key;
mod migration;
mod output;
mod restore;
mod roles;
mod rotation;
mod seed;
mod serve;
mod sessions;
mod settings;
mod superuser;
mod terminal;
mod usage;
mod users;
