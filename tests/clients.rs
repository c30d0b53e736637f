//! Real clients: what others build on verifies our tokens by the published keys, and refuses those that are not ours.
//!
//! They come from their registries: `.ci/run` fetches them and says where they are. Without that these tests say that they
//! are left out, and pass.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::PASSWORD;
use crate::support::process::{Process, isolated};
use crate::support::shell::Shell;

/// Names a Python that has PyJWT with its cryptography.
const PYTHON: &str = "AUTHSRV_TEST_PYTHON";
/// Names the folder in which `npm install jose` was run.
const NODE: &str = "AUTHSRV_TEST_NODE";

/// Who is signed in.
const EMAIL: &str = "ann@example.com";
const AUDIENCE: &str = "books";

/// Where a client is, if it was fetched.
fn fetched(variable: &str) -> Option<OsString> {
    let place = std::env::var_os(variable).filter(|place| !place.is_empty());
    if place.is_none() {
        println!("left out: {variable} is not set; .ci/run fetches real clients and sets it");
    }
    place
}

/// A server whose tokens name an audience.
fn server() -> (Shell, Process) {
    let shell = Shell::new();
    shell.user(EMAIL);
    shell.run(&format!("settings set tokens.audience {AUDIENCE}")).done();
    let server = shell.serve();
    (shell, server)
}

/// Tokens, and the audience for which each is shown: a good one first, and each other one wrong in one way.
fn checks(shell: &Shell, server: &Process) -> Vec<Value> {
    let pair = server.anonymous().sign_in(EMAIL);
    shell.run("settings set rbac.access_lifetime 1").done();
    let short = server.anonymous().sign_in(EMAIL).access;
    // Another installation, with a key of its own.
    let (_folder, stranger) = self::server();
    let foreign = stranger.anonymous().sign_in(EMAIL).access;
    std::thread::sleep(Duration::from_secs(2));
    let shown = |token: &str, audience: &str| json!({"token": token, "audience": audience});
    vec![
        shown(&pair.access, AUDIENCE),
        shown(&pair.access, "films"),
        shown(&promoted(&pair.access), AUDIENCE),
        shown(&short, AUDIENCE),
        shown(&foreign, AUDIENCE),
        shown(&pair.refresh, AUDIENCE),
    ]
}

/// The token with another user in it, under the same signature.
fn promoted(token: &str) -> String {
    let [head, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    claims["sub"] = json!("2");
    format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// What a client found of our tokens.
fn verdicts(client: &mut Command) -> Value {
    let (shell, server) = server();
    let base = format!("http://{}", server.address);
    let asked = json!({
        "jwks": format!("{base}/.well-known/jwks.json"), "issuer": base, "checks": checks(&shell, &server),
    });
    // A proxy of the caller's would keep the client from a server on this machine.
    let client =
        client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).env("no_proxy", "127.0.0.1");
    let mut child = client.spawn().unwrap();
    child.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Folder of what the clients run.
fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// S2, R-18, R-20: the good token is Ann's; another audience, another user, an old token, a stranger's and a refresh
/// token are refused, each for its own reason.
#[test]
fn pyjwt_verifies_our_tokens_by_the_published_keys() {
    let Some(python) = fetched(PYTHON) else { return };
    let refusals = ["InvalidAudienceError", "InvalidSignatureError", "ExpiredSignatureError", "PyJWKClientError"];
    let found = verdicts(isolated(python, &scripts()).arg("verify.py"));
    assert_eq!(found, json!(["1", refusals[0], refusals[1], refusals[2], refusals[3], "typ rt+jwt"]));
}

/// The same for JavaScript.
#[test]
fn jose_verifies_our_tokens_by_the_published_keys() {
    let Some(folder) = fetched(NODE) else { return };
    // Read from standard text, a module finds packages in the folder that it runs in.
    let module = std::fs::read_to_string(scripts().join("verify.mjs")).unwrap();
    let mut node = isolated("node", Path::new(&folder));
    let found = verdicts(node.args(["--input-type=module", "--eval", &module]));
    let claims = ["ERR_JWT_CLAIM_VALIDATION_FAILED aud", "ERR_JWT_CLAIM_VALIDATION_FAILED typ"];
    let keys = ["ERR_JWS_SIGNATURE_VERIFICATION_FAILED", "ERR_JWKS_NO_MATCHING_KEY"];
    assert_eq!(found, json!(["1", claims[0], keys[0], "ERR_JWT_EXPIRED exp", keys[1], claims[1]]));
}

/// What the README shows, as it stands there: asked line by line, it says of each token whose it is or why it is not good.
const OFFLINE: &str = "
import sys, jwt
from offline import Verifier
verifier = Verifier(sys.argv[1], sys.argv[2])
for line in sys.stdin:
    try:
        print(verifier.user(line.strip()), flush=True)
    except jwt.PyJWTError as refusal:
        print(type(refusal).__name__, refusal, flush=True)
";

/// R-26, R-27: by keys and status list alone, the README's verifier honours a logout within the list's life; of another
/// session of the same user it thinks as before.
#[test]
fn the_verifier_of_the_readme_honours_a_logout() {
    let Some(python) = fetched(PYTHON) else { return };
    let (shell, server) = server();
    shell.run("settings set status_list.lifetime 2").done();
    let base = format!("http://{}", server.address);
    let mut verifier = isolated(python, &scripts());
    verifier.args(["-c", OFFLINE, &base, AUDIENCE]).env("no_proxy", "127.0.0.1").env("PYTHONDONTWRITEBYTECODE", "1");
    let mut child = verifier.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut questions, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut answers = BufReader::new(answers).lines();
    let mut ask = |token: &str| {
        writeln!(questions, "{token}").unwrap();
        answers.next().unwrap().unwrap()
    };
    let (pair, other) = (server.anonymous().sign_in(EMAIL), server.anonymous().sign_in(EMAIL));
    assert_eq!(ask(&pair.access), "1");
    // Its list was kept since before this session began.
    assert_eq!(ask(&server.anonymous().sign_in(EMAIL).access), "1");
    let logout = server.anonymous().bearer(&pair.access).post("/logout/", json!({}));
    assert_eq!(logout.status, 200, "{logout:?}");
    let ended = Instant::now();
    while ask(&pair.access) == "1" {
        assert!(ended.elapsed() < Duration::from_secs(10), "it was never seen");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(ask(&pair.access), "InvalidTokenError the session is over");
    assert_eq!(ask(&other.access), "1");
    // Each other token is refused for its own reason.
    assert_eq!(ask(&pair.refresh), "InvalidTokenError not at+jwt");
    assert!(ask(&promoted(&other.access)).starts_with("InvalidSignatureError"));
    let list = server.anonymous().get("/api/auth/status-lists/1/").body;
    assert_eq!(ask(&String::from_utf8(list).unwrap()), "InvalidTokenError not at+jwt");
    drop(questions);
    assert!(child.wait().unwrap().success());
}

/// R-56: the program that the README shows verifies an export, and finds what was changed in it.
#[test]
fn the_program_of_the_readme_verifies_an_export() {
    let Some(python) = fetched(PYTHON) else { return };
    let readme = include_str!("../README.md");
    let mut programs = readme.split("```python\n").filter_map(|rest| rest.split("\n```").next());
    let program = programs.find(|program| program.contains("hashlib")).unwrap();
    let shell = Shell::new();
    shell.pipe("users create --username zo\u{eb} --password-stdin", PASSWORD).done();
    let export = shell.run("audit export").done().out;
    let run = |input: &str| {
        let mut child = isolated(&python, shell.folder())
            .args(["-c", program])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (good, said) = run(&export);
    assert!(good && said.starts_with("whole up to "), "{said}");
    let (good, said) = run(&export.replacen("authsrv", "mallory", 1));
    assert!(!good && said.contains("was changed"), "{said}");
    let fewer: Vec<&str> = export.lines().filter(|line| !line.starts_with("{\"id\":2,")).collect();
    let (good, _) = run(&fewer.join("\n"));
    assert!(good, "what a filter leaves out is not missing in the lines themselves");
}
