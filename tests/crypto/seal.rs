//! The master key's file, and sealing.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use authsrv::crypto::random::OsRandom;
use authsrv::crypto::seal::{
    DoesNotOpen, MasterKey, MasterKeyError, open_for_holder, open_with, seal_for_holder, seal_with,
};
use authsrv::domain::error::{Error, Result};

use super::Counting;

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("master.key");
    (directory, path)
}

fn write(path: &PathBuf, content: &[u8]) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The text of the error that the master key gives, which must be a [`MasterKeyError`].
fn complaint<T: std::fmt::Debug>(result: Result<T>) -> String {
    let Error::Internal(cause) = result.unwrap_err() else { panic!("not Internal") };
    cause.downcast_ref::<MasterKeyError>().expect("a MasterKeyError").to_string()
}

#[test]
fn r54_the_key_is_made_once_for_its_owner_only() {
    let (directory, path) = place();
    let master = MasterKey::at(path.clone());
    assert!(master.create_if_missing(&Counting::default()).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let line = fs::read_to_string(&path).unwrap();
    assert_eq!(line, "authsrv-master-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n");
    assert!(!MasterKey::at(path.clone()).create_if_missing(&OsRandom).unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), line);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left behind");
    master.check().unwrap();
}

#[test]
fn r54_of_many_who_make_the_key_at_once_one_does() {
    let (directory, path) = place();
    let made: usize = std::thread::scope(|scope| {
        let path = &path;
        let threads: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(move || {
                    let master = MasterKey::at(path.clone());
                    let made = master.create_if_missing(&OsRandom).unwrap();
                    master.check().unwrap();
                    usize::from(made)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(made, 1);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_key_that_cannot_be_made_is_explained() {
    let (_directory, path) = place();
    let text = complaint(MasterKey::at(path.join("deeper")).create_if_missing(&OsRandom));
    assert!(text.contains("cannot be made") && text.contains("master.key/deeper"), "{text}");
}

#[test]
fn a_missing_key_is_explained() {
    let (_directory, path) = place();
    let text = complaint(MasterKey::at(path.clone()).seal("signing key", b"x", &OsRandom));
    let missing =
        format!("the master key {} is missing; restore this file from the backup, or name it", path.display());
    assert!(text.starts_with(&missing), "{text}");
}

#[test]
fn r54_a_key_that_others_may_use_is_refused() {
    let (_directory, path) = place();
    MasterKey::at(path.clone()).create_if_missing(&OsRandom).unwrap();
    for mode in [0o640, 0o604, 0o610, 0o601, 0o620, 0o602, 0o777] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let text = complaint(MasterKey::at(path.clone()).check());
        assert!(text.contains(&format!("mode {mode:04o}")), "{text}");
        assert!(text.ends_with(&format!("run: chmod 600 {}", path.display())), "{text}");
    }
    for mode in [0o600, 0o400] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        MasterKey::at(path.clone()).check().unwrap();
    }
}

#[test]
fn r54_links_directories_and_pipes_are_refused() {
    let (directory, path) = place();
    MasterKey::at(path.clone()).create_if_missing(&OsRandom).unwrap();
    let link = directory.path().join("link");
    symlink(&path, &link).unwrap();
    assert!(complaint(MasterKey::at(link.clone()).check()).contains("link is a symbolic link"));

    let dangling = directory.path().join("dangling");
    symlink(directory.path().join("nowhere"), &dangling).unwrap();
    assert!(!MasterKey::at(dangling.clone()).create_if_missing(&OsRandom).unwrap(), "never written through a link");
    assert!(complaint(MasterKey::at(dangling).check()).contains("symbolic link"));

    assert!(complaint(MasterKey::at(directory.path().to_path_buf()).check()).contains("not a regular file"));
    let pipe = directory.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    assert!(complaint(MasterKey::at(pipe).check()).contains("not a regular file"));
}

#[test]
fn a_damaged_key_is_explained() {
    let (_directory, path) = place();
    let good = "authsrv-master-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    for content in [good.to_owned(), format!("{good}\n"), format!("{good}\r\n")] {
        write(&path, content.as_bytes());
        MasterKey::at(path.clone()).check().unwrap();
    }
    let long = "A".repeat(300);
    let bad: [&[u8]; 9] = [
        b"",
        b"\n",
        b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n",
        b"authsrv-master-key-2:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n",
        b"authsrv-master-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg\n",
        b"authsrv-master-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9\n",
        b"authsrv-master-key-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        b"\xff\xfe",
        long.as_bytes(),
    ];
    for content in bad {
        write(&path, content);
        let text = complaint(MasterKey::at(path.clone()).check());
        assert!(text.contains("is damaged") && text.contains("backup"), "{text}");
    }
}

#[test]
fn r55_what_is_sealed_opens_again_and_only_whole_and_for_its_purpose() {
    let (_directory, path) = place();
    let master = MasterKey::at(path);
    master.create_if_missing(&OsRandom).unwrap();
    let sealed = master.seal("signing key", b"private", &OsRandom).unwrap();
    assert_eq!(master.open("signing key", &sealed).unwrap().as_slice(), b"private");
    assert_ne!(master.seal("signing key", b"private", &OsRandom).unwrap(), sealed);
    assert!(!sealed.windows(7).any(|window| window == b"private"));

    let text = complaint(master.open("mail password", &sealed));
    assert!(text.contains("stored mail password does not open") && text.contains("same backup"), "{text}");
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(master.open("signing key", &changed).is_err(), "byte {at}");
        assert!(master.open("signing key", &sealed[..at]).is_err(), "cut at {at}");
    }
    assert!(master.open("signing key", &[sealed.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn r55_another_key_opens_nothing() {
    let sealed = seal_with(&[1; 32], "p", b"", &OsRandom).unwrap();
    assert_eq!(open_with(&[1; 32], "p", &sealed).unwrap().as_slice(), b"");
    assert_eq!(open_with(&[2; 32], "p", &sealed), Err(DoesNotOpen));
}

#[test]
fn only_the_holder_of_a_token_opens_what_was_sealed_for_him() {
    let sealed = seal_for_holder("a.b.c", "successor", b"pair", &OsRandom).unwrap();
    assert_eq!(open_for_holder("a.b.c", "successor", &sealed).unwrap().as_slice(), b"pair");
    for (token, purpose) in [("a.b.d", "successor"), ("a.b.c ", "successor"), ("", "successor"), ("a.b.c", "other")] {
        assert_eq!(open_for_holder(token, purpose, &sealed), Err(DoesNotOpen));
    }
}

#[test]
fn r53_debug_shows_no_key() {
    let (_directory, path) = place();
    let master = MasterKey::at(path.clone());
    master.create_if_missing(&Counting::default()).unwrap();
    master.seal("p", b"x", &OsRandom).unwrap();
    assert_eq!(format!("{master:?}"), format!("MasterKey {{ path: {path:?}, .. }}"));
}
