//! Identifiers: one account for every spelling of an address, a number or a name (R-5, D-15).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::{Duration, Instant};

use authsrv::domain::identifiers::{Email, Phone, Username, is_hidden, sign_in_keys};

use super::{codes, complaints, messages};

fn email_key(text: &str) -> String {
    Email::parse(text).unwrap().key().to_owned()
}

fn name_key(text: &str) -> String {
    Username::parse(text).unwrap().key().to_owned()
}

#[test]
fn s4_68_white_space_around_an_email_is_dropped() {
    for typed in ["user@example.com ", " user@example.com", "\u{a0}user@example.com\u{3000}\t\n"] {
        assert_eq!(Email::parse(typed).unwrap().as_str(), "user@example.com", "{typed:?}");
    }
}

#[test]
fn d15_an_email_keeps_its_spelling_and_is_compared_without_case() {
    let email = Email::parse("John.Smith+Tag@EXAMPLE.Com").unwrap();
    assert_eq!(email.as_str(), "John.Smith+Tag@example.com");
    assert_eq!(email.to_string(), email.as_str());
    assert_eq!(email.key(), "john.smith+tag@example.com");
    assert_eq!(email.domain(), "example.com");
    assert_eq!(email, Email::from_stored(email.as_str().to_owned(), email.key().to_owned()));
    assert_ne!(email, Email::parse("john.smith+tag@example.com").unwrap());
}

#[test]
fn emails_that_django_accepts() {
    let long_label = format!("a@{}.com", "x".repeat(63));
    let longest = format!("{}@example.com", "a".repeat(138));
    let good = [
        "a@b.cd",
        "email@here.com",
        "weirder-email@here.and.there.com",
        "email@[127.0.0.1]",
        "email@[2001:dB8::1]",
        "email@[2001:dB8:0:0:0:0:0:1]",
        "email@[::fffF:127.0.0.1]",
        "example@valid-----hyphens.com",
        "test@domain.with.idn.tld.उदाहरण.परीक्षा",
        "email@localhost",
        "\"test@test\"@example.com",
        "\"\\\t\"@here.com",
        "a@xn--bcher-kva.example",
        "{a}|~#$%&'*+/=?^_`!@b.cd",
        "\"a\\ b\"@example.com",
        "\"\"@example.com",
        &long_label,
        &longest,
    ];
    for text in good {
        // The one thing here that Django takes and we do not: a control character, even if escaped.
        assert_eq!(Email::parse(text).is_ok(), !text.contains('\t'), "{text}");
    }
}

#[test]
fn emails_that_django_refuses() {
    let long_label = format!("a@{}.com", "x".repeat(64));
    let bad = [
        "abc",
        "abc@",
        "abc@bar",
        "a @x.cz",
        "abc@.com",
        "something@@somewhere.com",
        "email@127.0.0.1",
        "email@[127.0.0.256]",
        "email@[2001:db8::12345]",
        "email@[2001:db8:0:0:0:0:1]",
        "email@[::ffff:127.0.0.256]",
        "email@[2001:dg8::1]",
        "email@[2001:dG8:0:0:0:0:0:1]",
        "email@[::fTzF:127.0.0.1]",
        "example@invalid-.com",
        "example@-invalid.com",
        "example@invalid.com-",
        "example@inv-.alid-.com",
        "example@inv-.-alid.com",
        "test@example.com\n\n<script src=\"x.js\">",
        "\"\\\u{a}\"@here.com",
        "trailingdot@shouldfail.com.",
        "a\n@b.com",
        "\"test@test\"\n@example.com",
        "a@[127.0.0.1\n]",
        "a@b.c",
        "a@b.12",
        "a@b.c2",
        "a@b..cd",
        ".a@b.cd",
        "a.@b.cd",
        "a..b@b.cd",
        "\"a b\"@example.com",
        "\"a\"b\"@example.com",
        "\"@example.com",
        "a@b_c.com",
        "a(c)@b.cd",
        "a@[127.0.0.1",
        "a@exa%mple.com",
        "@b.cd",
        &long_label,
    ];
    for text in bad {
        assert_eq!(messages(Email::parse(text)), ["Enter a valid email address."], "{text:?}");
        assert_eq!(codes(Email::parse(text)), ["invalid"], "{text:?}");
    }
}

#[test]
fn s4_34_an_email_has_150_characters_at_most() {
    assert_eq!(Email::parse(&format!("{}@example.com", "a".repeat(138))).unwrap().as_str().len(), 150);
    let outcome = complaints(Email::parse(&format!("{}@example.com", "a".repeat(139))));
    assert_eq!(outcome.len(), 1);
    assert_eq!((outcome[0].field.as_str(), outcome[0].code), ("email", "max_length"));
    assert_eq!(outcome[0].message, "Ensure this field has no more than 150 characters.");
    // The capital I with a dot has two small letters: what would be stored counts.
    let dotted = format!("{}@{}com", "a".repeat(91), format!("{}.", "İ".repeat(10)).repeat(5));
    assert_eq!((dotted.chars().count(), codes(Email::parse(&dotted))), (150, vec!["max_length"]));
}

#[test]
fn nothing_at_all_is_blank_and_nul_is_refused() {
    for blank in ["", " ", "\u{3000}\n"] {
        assert_eq!(messages(Email::parse(blank)), ["This field may not be blank."]);
        assert_eq!(codes(Phone::parse(blank)), ["blank"]);
        assert_eq!(codes(Username::parse(blank)), ["blank"]);
    }
    for text in ["a\0@b.cd", "+7123\0", "a\0b", "\0"] {
        for outcome in [Email::parse(text).err(), Phone::parse(text).err(), Username::parse(text).err()] {
            assert_eq!(messages(outcome.map_or(Ok(()), Err)), ["Null characters are not allowed."], "{text:?}");
        }
    }
}

#[test]
fn r5_a_domain_is_the_same_in_unicode_and_in_punycode() {
    let spellings = [
        "user@bücher.example",
        "user@BÜCHER.example",
        "user@bu\u{308}cher.example",
        "user@xn--bcher-kva.example",
        "user@XN--BCHER-KVA.EXAMPLE",
        "user@ｂüｃｈｅｒ.example",
        "user@bücher。example",
    ];
    for text in spellings {
        assert_eq!(email_key(text), "user@xn--bcher-kva.example", "{text}");
        assert_eq!(Email::parse(text).unwrap().domain(), "xn--bcher-kva.example");
    }
    assert_eq!(Email::parse("User@BÜCHER.example").unwrap().as_str(), "User@bücher.example");
    assert_ne!(email_key("user@straße.example"), email_key("user@strasse.example"));
    assert_eq!(codes(Email::parse("user@xn--a.example")), ["invalid"]);
    assert_eq!(email_key("user@[0:0::1]"), email_key("user@[::1]"));
}

#[test]
fn r5_look_alikes_of_latin_letters_are_no_other_account() {
    // CVE-2019-19844: the dotless i becomes an I in capitals.
    for text in [
        "mıke@example.org",
        "MİKE@example.org",
        "mi\u{212A}e@example.org",
        "uſer@example.org",
        "É@example.org",
        "ａ@example.org",
    ] {
        assert_eq!(codes(Email::parse(text)), ["invalid"], "{text}");
    }
    assert_ne!(email_key("mike@gıthub.example"), email_key("mike@github.example"));
}

#[test]
fn r5_needless_quotes_and_escapes_make_no_other_address() {
    for text in ["\"John\"@example.com", "\"Jo\\hn\"@example.com", "john@example.com"] {
        assert_eq!(email_key(text), "john@example.com", "{text}");
    }
    assert_eq!(email_key("\"\\A@b\"@example.com"), email_key("\"a@b\"@example.com"));
    assert_eq!(email_key("\"a\\ b\"@example.com"), "\"a\\ b\"@example.com");
    assert_eq!(Email::parse("\"a@b\"@example.com").unwrap().domain(), "example.com");
    let again = email_key("\"a\\\"\\\\b\"@example.com");
    assert_eq!(email_key(&again), again);
}

#[test]
fn r45_controls_and_invisible_characters_are_refused() {
    for hidden in [
        '\u{1}',
        '\u{7f}',
        '\u{85}',
        '\u{ad}',
        '\u{61c}',
        '\u{200b}',
        '\u{200d}',
        '\u{202e}',
        '\u{2028}',
        '\u{2066}',
        '\u{3164}',
        '\u{feff}',
        '\u{e0041}',
    ] {
        assert!(is_hidden(hidden), "{hidden:?}");
        assert_eq!(codes(Email::parse(&format!("us{hidden}er@example.com"))), ["invalid"], "{hidden:?}");
        assert_eq!(codes(Email::parse(&format!("user@exa{hidden}mple.com"))), ["invalid"], "{hidden:?}");
        assert_eq!(
            codes(Phone::parse(&format!("+7123{hidden}4567890"))).is_empty(),
            hidden.is_whitespace(),
            "{hidden:?}"
        );
        let name = complaints(Username::parse(&format!("us{hidden}er")));
        assert_eq!(name[0].message, "Control and invisible characters are not allowed.", "{hidden:?}");
    }
    assert_eq!(codes(Username::parse("\u{1b}[2J")), ["invalid"]);
    assert_eq!(codes(Username::parse("\u{fe0f}")), ["blank"]);
    assert!(!"Äß 漢字é\u{301}❤\u{fe0f}".chars().any(is_hidden));
}

#[test]
fn s1_13_a_phone_number_is_international() {
    for typed in
        ["+71234567890", "+7 123 456-78-90", " +7 (123) 456.78.90", "(+7)\u{a0}123\u{2011}4567890", "+7[123]4567890"]
    {
        let phone = Phone::parse(typed).unwrap();
        assert_eq!((phone.as_str(), phone.key()), ("+71234567890", "+71234567890"), "{typed}");
        assert_eq!(phone, Phone::from_stored("+71234567890".to_owned()));
        assert_eq!(phone.to_string(), "+71234567890");
    }
    assert!(Phone::parse("+12345678").is_ok() && Phone::parse("+123456789012345").is_ok());
    for typed in [
        "71234567890",
        "8 123 456 78 90",
        "+1234567",
        "+1234567890123456",
        "+07123456789",
        "++71234567890",
        "+7123456789a",
        "+",
        "+７１２３４５６７８９０",
        "+7/1234567890",
    ] {
        let message = "Enter a valid phone number in international form, such as +71234567890.";
        assert_eq!(messages(Phone::parse(typed)), [message], "{typed}");
        assert_eq!(codes(Phone::parse(typed)), ["invalid"]);
    }
}

#[test]
fn s0_13_a_username_may_have_spaces_inside() {
    let name = Username::parse(" Your name ").unwrap();
    assert_eq!((name.as_str(), name.key()), ("Your name", "your name"));
    assert_eq!(name.to_string(), "Your name");
    assert_eq!(name, Username::from_stored("Your name".to_owned(), "your name".to_owned()));
    assert_eq!(name_key("your\u{a0} \u{2003}NAME"), "your name");
}

#[test]
fn a_username_has_150_characters_at_most() {
    assert_eq!(Username::parse(&"漢".repeat(150)).unwrap().as_str().chars().count(), 150);
    assert_eq!(messages(Username::parse(&"a".repeat(151))), ["Ensure this field has no more than 150 characters."]);
    // 150 syllables, typed as three letters each; a ligature that is eighteen letters.
    assert!(Username::parse(&"\u{1112}\u{1161}\u{11ab}".repeat(150)).is_ok());
    assert_eq!(codes(Username::parse(&"\u{fdfa}".repeat(9))), ["max_length"]);
}

#[test]
fn s2_18_usernames_are_compared_without_case_and_width() {
    let same = [
        ("É", "é"),
        ("É", "e\u{301}"),
        ("ＪＯＨＮ", "john"),
        ("Straße", "STRASSE"),
        ("STRAẞE", "strasse"),
        ("ﬁne", "FINE"),
        ("ΟΔΟΣ", "οδος"),
        ("ΟΔΟΣ", "οδοσ"),
        ("\u{212A}im", "kim"),
        ("ſam", "sam"),
        ("ınci", "INCI"),
        ("Иван", "иВАН"),
        ("①", "1"),
        ("❤\u{fe0f}", "❤"),
    ];
    for (one, other) in same {
        assert_eq!(name_key(one), name_key(other), "{one} {other}");
    }
    assert_ne!(name_key("e"), name_key("é"));
    assert_ne!(name_key("Your name"), name_key("Yourname"));
    assert_eq!(Username::parse("ＪＯＨＮ").unwrap().as_str(), "JOHN");
}

#[test]
fn r5_a_key_is_its_own_key() {
    let dull = |c: &char| matches!(c, '\u{3400}'..='\u{a000}' | '\u{ac00}'..='\u{d7a3}' | '\u{e000}'..='\u{f8ff}');
    for c in ('\u{21}'..='\u{1ffff}').filter(|c| !is_hidden(*c) && !dull(c)) {
        if let Ok(name) = Username::parse(&format!("a{c}b")) {
            assert_eq!(Username::parse(name.as_str()).unwrap().key(), name.key(), "{c:?} stored");
            assert_eq!(name_key(name.key()), name.key(), "{c:?}");
        }
    }
}

#[test]
fn d15_a_username_like_an_address_or_a_number_is_that_address_or_number() {
    assert_eq!(name_key("User@BÜCHER.example"), email_key("user@xn--bcher-kva.example"));
    assert_eq!(name_key("ｕｓｅｒ＠example.com"), email_key("user@example.com"));
    assert_eq!(name_key("\"User\"@example.com"), email_key("user@example.com"));
    assert_eq!(name_key("+7 (123) 456-78-90"), Phone::parse("+71234567890").unwrap().key());
    assert_eq!(name_key("＋７１２３４５６７８９０"), "+71234567890");
    assert_eq!(name_key("71234567890"), "71234567890");
}

#[test]
fn whatever_is_typed_at_a_sign_in_finds_what_is_stored() {
    assert_eq!(sign_in_keys(" User@Example.com "), ["user@example.com"]);
    assert_eq!(sign_in_keys("user@BÜCHER.example"), ["user@xn--bcher-kva.example"]);
    assert_eq!(sign_in_keys("+7 (123) 456-78-90"), ["+71234567890"]);
    assert_eq!(sign_in_keys("John  SMITH"), ["john smith"]);
    assert_eq!(sign_in_keys("not@an address"), ["not@an address"]);
    assert_eq!(sign_in_keys(&format!("{}@example.com", "a".repeat(138))).len(), 1);
    for nobody in ["", "  ", "\0", "a\u{202e}b", &"a".repeat(151), &"a".repeat(513), &" ".repeat(513)] {
        assert!(sign_in_keys(nobody).is_empty(), "{nobody:?}");
    }
}

#[test]
fn r2_ten_megabytes_are_refused_at_once() {
    let start = Instant::now();
    for unit in ["a", " ", "é", "\u{301}", "a@", "@", "xn--", "\"\\", "+1", "\u{fdfa}", "a\0"] {
        let text = unit.repeat(10_000_000 / unit.len());
        assert_eq!(codes(Email::parse(&text)).len(), 1);
        assert_eq!(codes(Phone::parse(&text)).len(), 1);
        assert_eq!(codes(Username::parse(&text)).len(), 1);
        assert!(sign_in_keys(&text).is_empty());
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}
