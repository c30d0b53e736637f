//! A former system: SimpleJWT with its SECRET_KEY, as it signed tokens.

use authsrv::domain::ids::Timestamp;
use authsrv::service::{Ensured, keys};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::TestApp;

/// Its secret.
pub const SECRET: &str = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz!@#$";

/// The header that it writes.
pub fn header() -> Value {
    json!({"alg": "HS256", "typ": "JWT"})
}

/// Signs with HS256, whatever the header says.
pub fn signed(secret: &[u8], header: &Value, claims: &Value) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let key = EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{text}.{signature}")
}

/// The claims of a token that was issued at `now`, with another name each time that `n` is another.
pub fn claims(token_type: &str, user: i64, now: Timestamp, n: u32) -> Value {
    let life = if token_type == "refresh" { 86_400 } else { 300 };
    json!({
        "token_type": token_type, "exp": now.timestamp() + life, "iat": now.timestamp(), "jti": format!("{n:032x}"),
        "user_id": user.to_string(),
    })
}

/// A token that was issued at `now`.
pub fn token(token_type: &str, user: i64, now: Timestamp, n: u32) -> String {
    signed(SECRET.as_bytes(), &header(), &claims(token_type, user, now, n))
}

/// Imports the secret for 42 days; gives the name of the key.
pub fn import(app: &TestApp) -> String {
    let until = authsrv::service::Clock::now(&app.clock) + chrono::Duration::days(42);
    let imported = app.operate(|ctx| keys::import_hs256(ctx, SECRET, until)).unwrap();
    match imported {
        Ensured::Created(key) | Ensured::Unchanged(key) | Ensured::Differs(key, _) => key.kid,
    }
}
