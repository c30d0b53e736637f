//! The hashes of Django: those that Django 5.2 itself made with its own work factors are understood, and no stored text
//! costs more than the bounds allow.

use std::time::{Duration, Instant};

use authsrv::crypto::hash::{Hasher, Imported, Params, Verdict, decoy};
use authsrv::domain::passwords::Password;

/// Of "correct hörse", by Django 5.2.
const DJANGO: [&str; 9] = [
    "pbkdf2_sha256$1000000$glN70bzEL3GVaSmbgN6P7d$zUk3SiwDBeHtaDTjzyzBlYIkHw8pU6yGSRi0FloD+xc=",
    "pbkdf2_sha1$1000000$qj13r6cvUHhgjOp92rprzy$qQ0MHxEUyJMOyRtGfWdj5vTST74=",
    "argon2$argon2id$v=19$m=102400,t=2,p=8$VGVZY2p6cUlMZ1NQTkQyZE53bnp5dA$a/vvMGo12k1HEny99/ZQ2JDOabuFAdYdwuEoJNIX2h4",
    "bcrypt_sha256$$2b$12$.i5jyrY4bZ/5IcK8zbsIkO1GJ4YpL3.oM089QRF31fHZjAg3ORw/W",
    "bcrypt$$2b$12$ULlD.BZf3EkOCO.pQrH7SeZ5vJGNFXhV4DJrP3UWZmVkGBOUkDd8y",
    "scrypt$16384$PP3XLueL5ww9sMCk9XXPhE$8$5$Oz+2dE1L3CFUWeAC89Q/Q1C8MEnRE0dVCgCSjKjbzK9gfNGtGq+2symGMQ2s5Afh06yV88KGnb1QQXqjh2SRYg==",
    "argon2$argon2i$v=19$m=512,t=2,p=2$c2FsdHNhbHRzYWx0$DFYixdF8/GMkVgU1B2GJ0uilUveOIDvm89b9aQJA3Uc",
    "argon2$argon2d$v=19$m=512,t=2,p=2$c2FsdHNhbHRzYWx0$/ESpQ3Iijj/pN/Nr9lo9fKNM1CvPOJ7pr5mMdJT9a2g",
    "argon2$argon2i$v=16$m=512,t=2,p=2$c2FsdHNhbHRzYWx0$a76JEakoRtLuMuedSxlFEfk+IUC5QFVpXauD7d1yL/k",
];
const MD5: &str = "md5$mE2HZwBjWsiDqLeEgMrp2F$126be18c98d861374ff31c024c5526a3";

fn password(text: &str) -> Password {
    Password::parse("password", text).unwrap()
}

/// each is right, and to be replaced by one of ours.
#[test]
fn r1_the_hashes_of_django_are_understood_and_replaced() {
    let hasher = Hasher::for_tests();
    for stored in DJANGO {
        assert_eq!(hasher.check(&password("correct hörse"), stored).unwrap(), Verdict::RightButWeak, "{stored}");
        assert_eq!(hasher.check(&password("correct horse"), stored).unwrap(), Verdict::Wrong, "{stored}");
        assert!(matches!(Imported::judge(stored), Imported::Usable(1..)), "{stored}");
    }
}

/// made of what was typed, if that is not in NFC, or of its normal form.
#[test]
fn r2_an_old_hash_is_tried_with_the_password_as_typed_first() {
    let hasher = Hasher::for_tests();
    // "cafe" with the accent as a character of its own, salt "salt", one iteration.
    let of_typed = "pbkdf2_sha256$1$salt$BrTbYuZxiGUak1FfCTge6AVOPVYgLOiDyghTT2zrKdg=";
    let of_normal = "pbkdf2_sha256$1$salt$Yu4TpmhtpNaSoC/Jxp/U92IAQIHt27wUHqRv7H/X0fg=";
    for stored in [of_typed, of_normal] {
        assert_eq!(hasher.check(&password("cafe\u{301}"), stored).unwrap(), Verdict::RightButWeak, "{stored}");
    }
    assert_eq!(hasher.check(&password("caf\u{e9}"), of_normal).unwrap(), Verdict::RightButWeak);
    assert_eq!(hasher.check(&password("caf\u{e9}"), of_typed).unwrap(), Verdict::Wrong);
}

/// bcrypt never saw more than 72 bytes; `bcrypt_sha256` sees all of a password.
#[test]
fn long_passwords_are_compared_as_django_does() {
    let hasher = Hasher::for_tests();
    let long = "x".repeat(100);
    let bcrypt = "bcrypt$$2b$04$a4fWaTzdrjAkqLLxkdxEnOHxVf5W9LOMkxGiV7jzkvuYaJVSD27oO";
    let hashed_before = "bcrypt_sha256$$2b$04$VwPdZxZy.ix.gvQWUfiiweqhZLsSq/qpbQoBmMt4mjJr48zlxI.bG";
    for stored in [bcrypt, hashed_before] {
        assert!(hasher.check(&password(&long), stored).unwrap().is_right(), "{stored}");
    }
    assert!(!hasher.check(&password(&long[..99]), hashed_before).unwrap().is_right());
}

#[test]
fn work_beyond_the_bounds_is_never_done() {
    let tag = "A".repeat(43);
    let stored = [
        "pbkdf2_sha256$5000001$salt$zUk3SiwDBeHtaDTjzyzBlYIkHw8pU6yGSRi0FloD+xc=".to_owned(),
        "pbkdf2_sha256$99999999999999999999$salt$zUk3SiwDBeHtaDTjzyzBlYIkHw8pU6yGSRi0FloD+xc=".to_owned(),
        format!("argon2$argon2id$v=19$m=262145,t=1,p=1$c2FsdHNhbHRzYWx0${tag}"),
        format!("argon2$argon2id$v=19$m=1024,t=11,p=1$c2FsdHNhbHRzYWx0${tag}"),
        format!("argon2$argon2id$v=19$m=1024,t=1,p=9$c2FsdHNhbHRzYWx0${tag}"),
        "bcrypt_sha256$$2b$17$.i5jyrY4bZ/5IcK8zbsIkO1GJ4YpL3.oM089QRF31fHZjAg3ORw/W".to_owned(),
        "bcrypt$$2b$31$.i5jyrY4bZ/5IcK8zbsIkO1GJ4YpL3.oM089QRF31fHZjAg3ORw/W".to_owned(),
        format!("scrypt$1048576$salt$8$1${}", "A".repeat(86) + "=="),
        format!("scrypt$16384$salt$8$1000${}", "A".repeat(86) + "=="),
        format!("scrypt$2$salt$4294967295$4294967295${}", "A".repeat(86) + "=="),
    ];
    let begin = Instant::now();
    for stored in &stored {
        assert_eq!(Imported::judge(stored), Imported::TooCostly, "{stored}");
        assert_eq!(decoy(stored), None);
        assert_eq!(Hasher::for_tests().check(&password("secret"), stored).unwrap(), Verdict::Wrong, "{stored}");
    }
    assert!(begin.elapsed() < Duration::from_secs(1), "something was computed");
}

#[test]
fn what_is_no_hash_is_nobodys_password() {
    for text in ["", "!", "!u8sFlOdi2mV4mP", "!md5$a$b"] {
        assert_eq!(Imported::judge(text), Imported::NoPassword, "{text}");
    }
    assert_eq!(Imported::judge(MD5), Imported::Unknown(Some("md5".to_owned())));
    assert_eq!(Imported::judge("5f4dcc3b5aa765d61d8327deb882cf99"), Imported::Unknown(None));
    assert_eq!(
        Imported::judge("sha1$$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8"),
        Imported::Unknown(Some("sha1".into()))
    );
    let long = format!("pbkdf2_sha256$1${}$zUk3SiwDBeHtaDTjzyzBlYIkHw8pU6yGSRi0FloD+xc=", "a".repeat(1000));
    let broken = [
        "pbkdf2_sha256$",
        "pbkdf2_sha256$0$salt$zUk3SiwDBeHtaDTjzyzBlYIkHw8pU6yGSRi0FloD+xc=",
        "pbkdf2_sha256$-1$salt$zUk3SiwDBeHtaDTjzyzBlYIkHw8pU6yGSRi0FloD+xc=",
        "pbkdf2_sha256$+1$salt$zUk3SiwDBeHtaDTjzyzBlYIkHw8pU6yGSRi0FloD+xc=",
        "pbkdf2_sha256$1$$zUk3SiwDBeHtaDTjzyzBlYIkHw8pU6yGSRi0FloD+xc=",
        "pbkdf2_sha256$1$salt$AAAA",
        "pbkdf2_sha1$1$salt$zUk3SiwDBeHtaDTjzyzBlYIkHw8pU6yGSRi0FloD+xc=",
        "argon2$argon2id$v=19$m=7,t=1,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA",
        "argon2$$2b$12$.i5jyrY4bZ/5IcK8zbsIkO1GJ4YpL3.oM089QRF31fHZjAg3ORw/W",
        "bcrypt$$2b$03$.i5jyrY4bZ/5IcK8zbsIkO1GJ4YpL3.oM089QRF31fHZjAg3ORw/W",
        "bcrypt$$2b$12$.i5jyrY4bZ/5IcK8zbsIkO1GJ4YpL3.oM089QRF31fHZjAg3ORw/é",
        "scrypt$15$salt$8$1$AAAA",
        "scrypt$16$salt$0$1$AAAA",
        &long,
    ];
    for text in broken {
        assert_eq!(Imported::judge(text), Imported::Broken, "{text}");
        assert_eq!(Hasher::for_tests().check(&password("secret"), text).unwrap(), Verdict::Wrong, "{text}");
    }
}

/// what is computed for those who have no such hash costs the same, and is nobody's.
#[test]
fn r14_a_decoy_costs_what_its_model_does_and_holds_nothing_of_it() {
    for stored in DJANGO {
        let decoy = decoy(stored).unwrap();
        assert_eq!(Imported::judge(&decoy), Imported::judge(stored), "{decoy}");
        assert_ne!(decoy, stored);
        assert!(!Hasher::for_tests().check(&password("correct hörse"), &decoy).unwrap().is_right());
        let secrets = stored.rsplit('$').next().unwrap();
        assert!(!decoy.contains(secrets), "{decoy}");
    }
}

/// with imported hashes about, a wrong password costs everybody a hash of ours and one of theirs.
#[test]
fn r14_a_refusal_costs_everybody_both() {
    let hasher = Hasher::new(Params::LESS_MEMORY, 1).unwrap();
    let ours = hasher.hash("secret", &authsrv::crypto::random::OsRandom).unwrap();
    let theirs = DJANGO[0].replace("$1000000$", "$300000$");
    let decoy = decoy(&theirs).unwrap();
    let wrong = password("wrong");
    let runs: [&dyn Fn(); 3] = [
        &|| {
            hasher.check(&wrong, &ours).unwrap();
            hasher.level(&wrong, Some(&ours), &decoy).unwrap();
        },
        &|| {
            hasher.check(&wrong, &theirs).unwrap();
            hasher.level(&wrong, Some(&theirs), &decoy).unwrap();
        },
        &|| {
            hasher.verify_nobody("wrong").unwrap();
            hasher.level(&wrong, None, &decoy).unwrap();
        },
    ];
    let [of_ours, of_theirs, of_nobody] = super::quickest(runs);
    for other in [of_theirs, of_nobody] {
        // Wide: the machine is shared.
        assert!(other * 2 > of_ours && of_ours * 2 > other, "{of_ours:?} against {other:?}");
    }
}
