//! Password hashing, tokens, sealing, certificates and randomness; argon2, jsonwebtoken and aws-lc-rs are named nowhere
//! else, certificates read nowhere else.
//!
//! It knows no users, no sessions and no database: it is handed keys and texts, and says whether they fit. Which key is
//! good now, who the issuer may be, and whether a session lives, is for the services to judge.
//!
//! Start at [`jwt::verify`], the one function that believes a token, and at [`hash::Hasher`].

pub mod device;
pub mod hash;
pub mod imported;
pub mod jwt;
pub mod mac;
pub mod opaque;
pub mod random;
pub mod seal;
pub mod status_lists;
pub mod tls;

mod key_file;
mod keys;
mod lane;
