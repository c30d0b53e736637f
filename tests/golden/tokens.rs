//! The tokens that a case has from the start: got by signing in, or made with the key of the old server.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::load::{Case, User};
use super::profiles;
use super::templates::Known;
use super::wire::Ask;
use super::world::World;

/// What the peer takes for the life of an access and of a refresh token that is made for a case.
const LIVES: [i64; 2] = [300, 86_400];

/// Makes all of them; says which cannot be made, and then the case cannot be replayed.
pub fn prepare(case: &Case, world: &mut World) -> Result<Known, String> {
    let mut known = Known::new();
    for (name, token) in &case.tokens {
        let made = match token["kind"].as_str().unwrap_or_default() {
            kind @ ("access" | "refresh") => of_user(case, world, token, kind)?,
            "sliding" => minted(world, user(case, token)?.id, "sliding"),
            "authtoken" => auth_token(world, user(case, token)?)?,
            "crafted" => crafted(world, name, token)?,
            "derived" => derived(name, &known)?,
            other => return Err(format!("no token {name}: a kind {other:?} is not known")),
        };
        known.insert(name.clone(), made);
    }
    Ok(known)
}

fn user<'a>(case: &'a Case, token: &Value) -> Result<&'a User, String> {
    let name = token["user"].as_str();
    let found = case.users.iter().find(|user| user.username.as_deref() == name);
    found.ok_or_else(|| format!("no token of {name:?}, who is no user of the case"))
}

/// Of one who can sign in: what he gets by that. Of others, or where calls are counted: one of the old server.
fn of_user(case: &Case, world: &mut World, token: &Value, kind: &str) -> Result<String, String> {
    let user = user(case, token)?;
    if user.is_active && user.password.is_some() && !profiles::throttles(&case.profile) {
        match signed_in(world, user, "/auth/jwt/create/", kind) {
            Ok(token) => return Ok(token),
            Err(said) => world.remarks.push(format!("{said}; his {kind} token is one of the old server")),
        }
    }
    Ok(minted(world, user.id, kind))
}

fn auth_token(world: &World, user: &User) -> Result<String, String> {
    signed_in(world, user, "/auth/token/login/", "auth_token")
}

/// A field of what a sign-in answers.
fn signed_in(world: &World, user: &User, path: &str, field: &str) -> Result<String, String> {
    let ask = Ask::post(path, &json!({"username": user.username, "password": user.password}));
    let answer = ask.send(world.server.address).map_err(|error| error.to_string())?;
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let name = user.username.as_deref().unwrap_or_default();
    let refused = || format!("{name} cannot sign in at {path}: {}", answer.status);
    body[field].as_str().map(str::to_owned).ok_or_else(refused)
}

fn minted(world: &World, user: i64, kind: &str) -> String {
    let [access, refresh] = LIVES;
    let mut jti = [0; 16];
    world.app.env.random.fill(&mut jti).unwrap();
    let jti: String = jti.iter().map(|byte| format!("{byte:02x}")).collect();
    let now = now(world);
    let life = if kind == "refresh" { refresh } else { access };
    let mut claims = json!({"token_type": kind, "exp": now + life, "iat": now, "jti": jti});
    if kind == "sliding" {
        claims["refresh_exp"] = json!(now + refresh);
    }
    claims["user_id"] = json!(user.to_string());
    sign(&json!({"alg": "HS256", "typ": "JWT"}), &claims, Some((hmac::HMAC_SHA256, &world.old_key)))
}

fn crafted(world: &World, name: &str, token: &Value) -> Result<String, String> {
    let empty = Map::new();
    let claims = token["claims"].as_object().unwrap_or(&empty);
    let claims: Map<String, Value> = claims
        .iter()
        .map(|(claim, value)| (claim.clone(), at(world, value).unwrap_or_else(|| value.clone())))
        .collect();
    let with = token["signed_with"].as_str().ok_or_else(|| format!("no token {name}: not said what signs it"))?;
    let key = match with.split_once(": ") {
        Some((_, key)) if with.starts_with("another key") => key,
        _ => &world.old_key,
    };
    let is_512 = token["header"]["alg"] == "HS512" && !name.contains("mismatch");
    let algorithm = if is_512 { hmac::HMAC_SHA512 } else { hmac::HMAC_SHA256 };
    let signed = (!with.starts_with("alg none")).then_some((algorithm, key));
    Ok(sign(&token["header"], &Value::Object(claims), signed))
}

/// The time that `<now+300>` or `<now-60>` means.
fn at(world: &World, value: &Value) -> Option<Value> {
    let shift = value.as_str()?.strip_prefix("<now")?.strip_suffix('>')?;
    shift.starts_with(['+', '-']).then_some(())?;
    Some(json!(now(world) + shift.parse::<i64>().ok()?))
}

fn now(world: &World) -> i64 {
    world.app.env.clock.now().timestamp()
}

/// One made from `<alice_refresh>` by breaking it.
fn derived(name: &str, known: &Known) -> Result<String, String> {
    let whole = known.get("<alice_refresh>").map_or("..", String::as_str);
    let mut parts = whole.splitn(3, '.');
    let [head, claims, signature] = [(); 3].map(|()| parts.next().unwrap_or_default());
    Ok(match name {
        "<tampered_payload>" => {
            let claims = URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
            let claims = String::from_utf8_lossy(&claims).replace("\"1\"", "\"2\"");
            format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims))
        }
        "<tampered_sig>" => {
            let kept = whole.len().saturating_sub(6);
            let other = if whole.ends_with("AAAAAA") { "BBBBBB" } else { "AAAAAA" };
            format!("{}{other}", &whole[..kept])
        }
        "<nosig>" => format!("{head}.{claims}."),
        "<twopart>" => format!("{head}.{claims}"),
        _ => return Err(format!("no token {name}: not known how to derive it")),
    })
}

fn sign(header: &Value, claims: &Value, with: Option<(hmac::Algorithm, &str)>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = with.map(|(algorithm, key)| {
        URL_SAFE_NO_PAD.encode(hmac::sign(&hmac::Key::new(algorithm, key.as_bytes()), signed.as_bytes()))
    });
    format!("{signed}.{}", signature.unwrap_or_default())
}
