//! Secrets in every place of every request of every dialect, also where they do not belong, and at the shell: whatever is
//! printed meanwhile, by the server at its loudest, to clients in refusals or to Prometheus, holds none of them, in no
//! spelling. Left out is the mail transport `log`, which writes mails whole and says so.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::wire::{exchange, request};
use crate::support::http::{Answer, Client};
use crate::support::process::Process;
use crate::support::shell::{Ran, Shell};

/// Passwords in use; the characters have another spelling in most notations.
const PASSWORDS: [&str; 6] = [
    "Grün\"Pferd\\Batterie 77%1",
    "Zweites&Geheimnis<Klammer>8862",
    "Drittes'Kennwort+Wolke=2295",
    "Viertes/Wort?Regen#3306",
    "Fünftes;Schloss|Fenster 4417",
    "Sechstes{Tor}$(Mauer)5528",
];
/// A secret that is sent where it is wrong.
const STRAY: &str = "Verirrtes\"Wort\\Laterne 9973%2";
/// The same for places that take few characters: paths, headers.
const BARE: &str = "Verirrt7Laterne9973Kennwort";
/// The secret of a former system.
const SHARED: &str = "former-system-secret-0123456789-abcdefghijklmnop-qrstuvwxyz";

/// Fields that hold secrets, in any dialect.
const FIELDS: [&str; 13] = [
    "password",
    "password2",
    "re_password",
    "current_password",
    "new_password",
    "new_password2",
    "re_new_password",
    "token",
    "refresh",
    "refresh_token",
    "access",
    "device",
    "key",
];

/// All that was sent and given, and all that came back with a refusal.
#[derive(Default)]
struct Seen {
    secrets: BTreeSet<String>,
    refusals: Vec<String>,
}

impl Seen {
    fn take(&mut self, answer: &Answer) {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status >= 400 {
            self.refusals.push(format!("{} {:?}", text, answer.headers));
        } else if let Ok(body) = serde_json::from_str::<Value>(&text) {
            for key in ["access", "refresh", "access_token", "refresh_token", "auth_token", "token", "key"] {
                self.secrets.extend(body[key].as_str().filter(|text| text.len() > 20).map(str::to_owned));
            }
        }
    }

    fn post(&mut self, client: &Client, path: &str, body: Value) -> Value {
        let answer = client.post(path, body);
        self.take(&answer);
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }
}

/// The secret in every spelling that a log or an answer might give it.
fn spellings(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut all = vec![secret.to_owned()];
    let json = serde_json::to_string(secret).unwrap();
    let ascii: String =
        json.chars().map(|c| if c.is_ascii() { c.to_string() } else { format!("\\u{:04x}", c as u32) }).collect();
    all.extend([json, ascii].map(|text| text.trim_matches('"').to_owned()));
    all.extend(
        [format!("{secret:?}"), format!("{:?}", format!("{secret:?}"))]
            .map(|text| text.trim_matches(['"', '\\']).to_owned()),
    );
    all.push(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
    all.push(bytes.iter().map(|byte| format!("{byte:02X}")).collect());
    all.push(format!("{bytes:?}").trim_matches(['[', ']']).to_owned());
    let percent = |plain: &dyn Fn(u8) -> bool, upper: bool| -> String {
        let one = |byte: &u8| match (plain(*byte), upper) {
            (true, _) => char::from(*byte).to_string(),
            (false, true) => format!("%{byte:02X}"),
            (false, false) => format!("%{byte:02x}"),
        };
        bytes.iter().map(one).collect()
    };
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    all.extend([percent(&unreserved, true), percent(&unreserved, false)]);
    all.push(percent(&|byte| unreserved(byte) || byte == b' ', true).replace(' ', "+"));
    // Within a longer text it may begin at each of three places.
    for before in 0..3 {
        let shifted = [&vec![0; before][..], bytes].concat();
        for engine in [&STANDARD, &URL_SAFE] {
            let text = engine.encode(&shifted);
            all.push(text[before + usize::from(before > 0)..text.len() - 4].to_owned());
        }
    }
    all.retain(|text| text.len() >= 12);
    all
}

/// Each secret with each of its spellings.
fn spelled(secrets: &BTreeSet<String>) -> Vec<(&str, String)> {
    secrets
        .iter()
        .flat_map(|secret| spellings(secret).into_iter().map(|spelling| (secret.as_str(), spelling)))
        .collect()
}

#[track_caller]
fn absent(text: &str, spelled: &[(&str, String)], place: &str) {
    if let Some((secret, spelling)) = spelled.iter().find(|(_, spelling)| text.contains(spelling.as_str())) {
        let before = text.split(spelling.as_str()).next().unwrap();
        let near: String = before.chars().skip(before.chars().count().saturating_sub(300)).collect();
        panic!("R-53: {secret} is in {place} as {spelling}, after: {near}");
    }
}

/// A life in each dialect.
fn lives(server: &Process, seen: &mut Seen) {
    let nobody = server.anonymous();
    let [one, two, three, four, five, next] = PASSWORDS;
    for (path, body) in [
        ("/register/", json!({"email": "one@example.com", "password": one, "password2": one})),
        ("/api/register/", json!({"email": "two@example.com", "password": two})),
        ("/auth/users/", json!({"username": "three", "email": "three@example.com", "password": three})),
        ("/api/auth/users/", json!({"email": "four@example.com", "password": four})),
        ("/api/v1/account/", json!({"username": "five", "email": "five@example.com", "password": five})),
    ] {
        let answer = nobody.post(path, body);
        assert!((200..300).contains(&answer.status), "{path}: {answer:?}");
        seen.take(&answer);
    }
    let rbac = seen.post(&nobody, "/login/", json!({"email": "one@example.com", "password": one}));
    let again = seen.post(&nobody, "/token/refresh/", json!({"refresh": rbac["refresh"]}));
    seen.post(&nobody, "/token/refresh/", json!({"refresh": rbac["refresh"]}));
    let me = server.bearer(again["access"].as_str().unwrap());
    seen.post(&me, "/api-tokens/", json!({"name": "mine"}));
    let change = json!({"current_password": one, "new_password": next, "new_password2": next});
    seen.post(&me, "/me/password/", change);
    let pyjwt = seen.post(&nobody, "/api/login/", json!({"email": "two@example.com", "password": two}));
    let pyjwt = seen.post(&nobody, "/api/refresh/", json!({"refresh_token": pyjwt["refresh_token"]}));
    seen.post(&nobody, "/api/logout/", json!({"refresh_token": pyjwt["refresh_token"]}));
    for (path, name, word) in [
        ("/auth/jwt/create/", "three", three),
        ("/api/token/", "four@example.com", four),
        ("/auth/token/login/", "three", three),
        ("/api-token-auth/", "five", five),
    ] {
        let pair = seen.post(&nobody, path, json!({"username": name, "password": word}));
        seen.post(&nobody, path, json!({"username": name, "password": STRAY}));
        if let Some(refresh) = pair["refresh"].as_str() {
            let verify = if path.starts_with("/auth") { "/auth/jwt/verify/" } else { "/api/token/verify/" };
            seen.post(&nobody, verify, json!({"token": refresh}));
            seen.post(&nobody, "/api/token/blacklist/", json!({"refresh": refresh}));
        }
        if let Some(key) = pair["auth_token"].as_str().or(pair["token"].as_str()) {
            seen.take(&server.anonymous().token(key).get("/auth/users/me/"));
        }
    }
    for email in ["three@example.com", "nobody@example.com"] {
        seen.post(&nobody, "/auth/users/reset_password/", json!({"email": email}));
        seen.post(&nobody, "/auth/users/reset_username/", json!({"email": email}));
    }
}

/// The secrets of the links in the mails that were put into the folder.
fn mailed(shell: &Shell) -> Vec<String> {
    let Ok(folder) = std::fs::read_dir(shell.file("mails")) else { return Vec::new() };
    let texts = folder.flatten().filter(|file| file.file_name().to_string_lossy().ends_with(".eml"));
    let mails = texts.map(|file| std::fs::read_to_string(file.path()).unwrap());
    let links = mails.flat_map(|mail| {
        let whole = mail.replace("=\r\n", "").replace("=3D", "=");
        let words = whole.split_whitespace().filter(|word| word.contains("://")).map(str::to_owned);
        words.collect::<Vec<_>>()
    });
    links
        .filter_map(|link| link.trim_end_matches('/').rsplit('/').next().map(str::to_owned))
        .filter(|t| t.len() > 20)
        .collect()
}

/// Every route of every dialect, with secrets wherever a request has room for one.
fn strays(server: &Process, seen: &mut Seen, link: &str) {
    let client = server.anonymous();
    let mut paths: BTreeSet<(String, String)> = BTreeSet::new();
    for route in authsrv::http::route_table() {
        let path: String = route
            .path
            .split('/')
            .map(|part| if part.starts_with('{') { BARE } else { part })
            .collect::<Vec<_>>()
            .join("/");
        paths.insert((route.method.to_string(), path));
    }
    let fields: serde_json::Map<String, Value> = FIELDS.iter().map(|name| ((*name).to_owned(), json!(STRAY))).collect();
    let wrong: serde_json::Map<String, Value> =
        FIELDS.iter().map(|name| ((*name).to_owned(), json!([{"x": STRAY}]))).collect();
    let form: String = form_urlencoded(&FIELDS);
    let broken = format!("{{\"password\": {}, \"refresh\" {STRAY}", json!(STRAY));
    let multipart =
        format!("--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n{STRAY}\r\n--b\r\nbroken {STRAY}");
    let long = format!("{{\"password\": \"{}\"}}", BARE.repeat(2000));
    let bodies = [
        ("application/json", Value::Object(fields).to_string()),
        ("application/json", Value::Object(wrong).to_string()),
        ("application/json", broken),
        ("application/json", json!(STRAY).to_string()),
        ("application/x-www-form-urlencoded", form),
        ("multipart/form-data; boundary=b", multipart),
        ("application/json", long),
    ];
    for (at, (method, path)) in paths.iter().enumerate() {
        let has_body = ["POST", "PUT", "PATCH"].contains(&method.as_str());
        if has_body {
            // Each of them at some route, and three at each: requests are many.
            for (kind, body) in (0..3).map(|nth| &bodies[(at + nth * 2) % bodies.len()]) {
                seen.take(&client.send(method, path, Some((kind, body.clone().into_bytes()))));
            }
        }
        let headers = format!(
            "Authorization: {} {BARE}.{BARE}.{BARE}\r\nCookie: session={BARE}; csrftoken={BARE}\r\nX-Api-Key: {BARE}\r\n\
             Connection: close\r\nAccept: application/json\r\n",
            ["Bearer", "Token", "Basic", "bearer"][at % 4]
        );
        let target = format!("{path}?password={BARE}&token={BARE}&next=/{BARE}");
        if let Some(answer) = exchange(server.address, request(method, &target, &headers)) {
            seen.take(&answer);
        }
    }
    for target in [format!("/{BARE}/"), format!("/login/{BARE}"), format!("/activate/MQ/{link}/"), format!("/x?{BARE}")]
    {
        seen.take(&client.get(&target));
    }
    exchange(server.address, request(BARE, "/login/", "Connection: close\r\n"));
    exchange(server.address, format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization {BARE}\r\n\r\n"));
}

fn form_urlencoded(names: &[&str]) -> String {
    let value: String = STRAY.bytes().map(|byte| format!("%{byte:02X}")).collect();
    names.iter().map(|name| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Commands that take secrets or are mistyped around one; what they print.
fn commands(shell: &Shell, tokens: &[String]) -> Vec<Ran> {
    let last = PASSWORDS[5];
    let mut ran = vec![
        shell.pipe("users create --email six@example.com --password-stdin", &format!("{last}\n")),
        shell.pipe("users set-password six@example.com --password-stdin", &format!("{STRAY}\n")),
        shell.pipe("users create --email seven@example.com --password-stdin", "short"),
        shell.pipe("createsuperuser --email root@example.com --password-stdin", &format!("{last}\n")),
        shell.pipe("keys import --hs256 --secret-stdin --for 90m", &format!("{SHARED}\n")),
        shell.run("keys list -o json"),
        shell.run("users list -o json --fields all"),
        shell.run("sessions list -o json"),
        shell.run("tokens list -o json"),
        shell.run("mail list -o json"),
        shell.run("settings list -o json"),
        shell.run("doctor -o json"),
    ];
    for token in tokens.iter().take(3) {
        ran.push(shell.pipe("tokens inspect", token));
    }
    ran
}

#[test]
fn nothing_secret_is_printed_in_any_spelling() {
    for format in ["text", "json"] {
        let shell = Shell::new();
        shell.run(&format!("settings set mail.folder {}", shell.file("mails").display())).done();
        shell.run("settings set mail.transport folder").done();
        let mut command = shell.server();
        command.args(["--log", "trace", "--log-format", format, "--metrics-listen", "127.0.0.1:0"]);
        let mut server = Process::of(command);
        let said = server.log_with("/metrics");
        let metrics = said.split("http://").find_map(|part| part.split_once("/metrics")).unwrap().0.parse().unwrap();
        let mut seen = Seen::default();
        lives(&server, &mut seen);
        let links = crate::support::once(|| Some(mailed(&shell)).filter(|links| links.len() >= 2)).unwrap_or_default();
        assert!(links.len() >= 2, "mails have links: {links:?}");
        strays(&server, &mut seen, &links[0]);
        let tokens: Vec<String> = seen.secrets.iter().cloned().collect();
        assert!(tokens.len() >= 12, "{}", tokens.len());
        let ran = commands(&shell, &tokens);
        let mut secrets: BTreeSet<String> = seen.secrets;
        secrets.extend(
            tokens.iter().filter_map(|token| token.rsplit_once('.').map(|(_, signature)| signature.to_owned())),
        );
        secrets.extend(links);
        secrets.extend(PASSWORDS.iter().chain([&STRAY, &BARE, &SHARED]).map(|text| (*text).to_owned()));
        let key = std::fs::read_to_string(shell.file("authsrv.key")).unwrap();
        secrets.insert(key.trim().rsplit(':').next().unwrap().to_owned());

        let secrets = spelled(&secrets);
        let told = Client::of(metrics).get("/metrics");
        absent(&String::from_utf8_lossy(&told.body), &secrets, "the metrics");
        let words = std::fs::read(format!("/proc/{}/cmdline", server.id())).unwrap();
        absent(&String::from_utf8_lossy(&words), &secrets, "the arguments");
        for ran in &ran {
            absent(&format!("{} {}", ran.out, ran.err), &secrets, "what a command printed");
            assert!(!ran.out.contains("$argon2") && !ran.out.contains("pbkdf2"), "R-53: a hash: {}", ran.out);
        }
        for refusal in &seen.refusals {
            absent(refusal, &secrets, "a refusal");
        }
        let log = server.stop(Signal::TERM);
        assert!(log.len() > 100_000, "the log is at its loudest");
        assert!(!log.contains("$argon2"), "R-53: a hash is logged");
        absent(&log, &secrets, "the log");
    }
}

/// No type that holds a secret can be printed whole by a `{:?}` that somebody adds one day: `Debug` is not derived for it.
#[test]
fn what_holds_a_secret_is_not_printed_by_debug() {
    const WORDS: [&str; 12] = [
        "password",
        "secret",
        "token",
        "key",
        "hash",
        "access",
        "refresh",
        "sealed",
        "nonce",
        "link",
        "fingerprint",
        "pepper",
    ];
    const BARE_TYPES: [&str; 8] =
        ["String", "Vec<u8>", "[u8", "SecretHash", "OsString", "Zeroizing", "Box<str>", "Value"];
    // Names of things, no secrets.
    const NAMES: [&str; 7] = ["key", "keys", "key_id", "token_type", "access_type", "hash_name", "kid"];
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    crate::layers::sources(&root, &mut files, &root);
    let mut found = Vec::new();
    for file in files {
        let source = std::fs::read_to_string(root.join(&file)).unwrap();
        for (at, _) in source.match_indices("#[derive(") {
            let rest = &source[at..];
            let derives = &rest[..rest.find(")]").unwrap()];
            let body = rest.find("struct ").map(|from| &rest[from..]).unwrap_or_default();
            let is_next = rest.find("struct ").is_some_and(|from| {
                rest[derives.len() + 2..from].lines().all(|line| {
                    let line = line.trim();
                    line.is_empty() || line.starts_with("#[") || line.starts_with("///") || line.starts_with("pub")
                })
            });
            if !derives.contains("Debug") || !is_next {
                continue;
            }
            let body = &body[..body.find("\n}").unwrap_or(body.len()).min(body.find(";\n").unwrap_or(body.len()))];
            for line in body.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
                let Some((name, kind)) = line.trim_end_matches(',').split_once(": ") else { continue };
                let name = name.rsplit(' ').next().unwrap();
                let is_secret = WORDS.iter().any(|word| name.contains(word)) && !NAMES.contains(&name);
                if is_secret && BARE_TYPES.iter().any(|bare| kind.contains(bare)) {
                    found.push(format!("{file}: {} has {name}: {kind}", body.lines().next().unwrap()));
                }
            }
        }
    }
    // Paths and a switch; a hash that is shown to whoever may read the trail; a list that is public.
    let allowed = [
        "_file",
        "token_type",
        " tls_key: Option<OsString>",
        " allow_open_tls_key: Option<OsString>",
        "struct EventOut { has hash: ",
        "struct SignedList { has token: ",
    ];
    found.retain(|line| !allowed.iter().any(|word| line.contains(word)));
    assert!(found.is_empty(), "R-53: write Debug by hand for these:\n{}", found.join("\n"));
}
