//! `keys`: taking the secret of a former system without showing it to anybody.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::former::SECRET;
use crate::support::shell::Shell;

fn secret_file(shell: &Shell, text: &str, mode: u32) {
    let path = shell.file("secret.txt");
    drop(fs::remove_file(&path));
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_secret_is_taken_from_a_file_listed_and_revoked() {
    let shell = Shell::new();
    secret_file(&shell, &format!("{SECRET}\n"), 0o600);
    let import = "keys import --hs256 --file secret.txt";
    shell.run(import).done().says("Imported key").says("good until");
    shell.run("keys list").done().prints("HS256").prints("ES256");
    let keys = shell.json("keys list");
    let [own, imported] = &keys.as_array().unwrap()[..] else { panic!("{keys}") };
    assert!(own["signs"] == true && own["is_imported"] == false && own["expires_at"].is_null(), "{own}");
    assert!(imported["signs"] == false && imported["is_imported"] == true && imported["is_active"] == true);
    // Again changes the end and nothing else.
    let until = format!("{import} --until 2999-12-31");
    shell.run(&until).done().says("has a new end").says("good until 3000-01-01T00:00:00Z");
    shell.run(&until).done().says("Had been imported already: key");
    assert_eq!(shell.json("keys list").as_array().unwrap().len(), 2);
    let kid = imported["kid"].as_str().unwrap();
    shell.run(&format!("keys revoke {kid}")).done().says("Revoked key");
    shell.run(&format!("keys revoke {kid}")).done().says("Had been revoked already");
    shell.run(import).exits(2).says("revoked");
    let own = own["kid"].as_str().unwrap();
    shell.run(&format!("keys revoke {own}")).exits(2).says("sign in again").says("--yes");
    shell.run("keys revoke nothing").exits(1).says("no key").says("keys list");
}

#[test]
fn a_secret_is_taken_from_standard_input_and_shown_nowhere() {
    let shell = Shell::new();
    let ran = shell.pipe("keys import --hs256 --secret-stdin --for 90m", &format!("{SECRET}\n")).done();
    let listed = ["table", "json", "plain"].map(|form| shell.run(&format!("keys list -o {form}")).done());
    let said = [ran.out, ran.err].into_iter().chain(listed.into_iter().flat_map(|ran| [ran.out, ran.err]));
    assert!(said.collect::<String>().find("django-insecure").is_none());
    // sealed in the database; its key lies in another file.
    for file in fs::read_dir(shell.folder()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
    }
}

#[test]
fn what_cannot_be_a_secret_is_refused_without_repeating_it() {
    let shell = Shell::new();
    let import = "keys import --hs256 --file secret.txt";
    shell.run(import).exits(2).says("cannot be read");
    secret_file(&shell, SECRET, 0o640);
    shell.run(import).exits(2).says("chmod 600 secret.txt");
    for text in ["", "\n", "two lines\nof it, and both are long enough\n", &SECRET[..31]] {
        secret_file(&shell, text, 0o600);
        let ran = shell.run(import).exits(2);
        assert!(!ran.err.contains("long enough") && !ran.err.contains(&SECRET[..31]), "{ran:?}");
    }
    for text in [format!("SECRET_KEY = '{SECRET}'"), format!("\"{SECRET}\""), format!("DJANGO_SECRET_KEY={SECRET}")] {
        secret_file(&shell, &text, 0o600);
        let ran = shell.run(import).exits(2).says("settings");
        assert!(!ran.err.contains(SECRET), "{ran:?}");
    }
    let typed = shell.run_all(&["keys", "import", "--hs256", SECRET]).exits(2).says("never given as an argument");
    assert!(!typed.err.contains(SECRET), "{typed:?}");
    shell.run("keys import --hs256").exits(2).says("--secret-stdin");
    shell.run("keys import").exits(2).says("--hs256");
    secret_file(&shell, SECRET, 0o600);
    for wrong in ["--for 0", "--for x", "--for 99999999999d", "--until 2020-01-01", "--until soon"] {
        shell.run(&format!("{import} {wrong}")).exits(2).says(wrong.split(' ').next().unwrap());
    }
    shell.run(&format!("{import} --for 1d --until 2999-01-01")).exits(2);
    assert_eq!(shell.json("keys list").as_array().unwrap().len(), 1);
}
