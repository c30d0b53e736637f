//! Rules, through `service`.

mod access;
mod api_tokens;
mod audit;
mod common;
mod doctor;
mod login;
mod me;
mod place;
mod registration;
mod roles;
mod seed;
mod seed_files;
mod settings;
mod smoke;
mod tokens;
mod users;
