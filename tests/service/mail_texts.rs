//! What mails say. The English ones are a contract: those that Djoser's clients know, recorded from it.

use std::fs;

use authsrv::domain::mails::{Kind, Language};
use authsrv::mail::{Rendered, Words, built_in, faults, render};
use serde_json::Value;
use tempfile::TempDir;

const RECORDED: &str = include_str!("mail_texts.json");

fn rendered(kind: Kind, language: Language, words: Words) -> Rendered {
    let (rendered, faults) = render(kind, language, "", words);
    assert_eq!(faults, []);
    rendered
}

#[test]
fn english_mails_are_those_of_djoser_to_the_letter() {
    let recorded: Value = serde_json::from_str(RECORDED).unwrap();
    for (kind, mail) in recorded.as_object().unwrap() {
        let kind = Kind::parse(kind).unwrap();
        let path = match kind {
            Kind::PasswordReset => "password/reset/confirm",
            Kind::UsernameReset => "username/reset/confirm",
            _ => "activate",
        };
        let link = format!("http://example.com/{path}/MQ/tok");
        let words = Words { site_name: "example", username: "alice", link: &link };
        let Rendered { subject, text, html } = rendered(kind, Language::En, words);
        assert_eq!((mail["subject"].as_str(), mail["text"].as_str()), (Some(&*subject), Some(&*text)));
        assert_eq!(mail["html"].as_str(), Some(&*html));
    }
    assert_eq!(recorded.as_object().unwrap().len(), 6);
}

#[test]
fn every_mail_is_written_in_every_language() {
    let words = Words { site_name: "Site", username: "ann", link: "https://example.com/a/b" };
    for language in Language::ALL {
        for kind in Kind::ALL {
            let Rendered { subject, text, html } = rendered(kind, language, words);
            assert!(subject.contains("Site") && subject.lines().count() == 1, "{subject}");
            let with_link = matches!(kind, Kind::Activation | Kind::PasswordReset | Kind::UsernameReset | Kind::Test);
            for body in [&text, &html] {
                assert_eq!(body.contains(words.link), with_link, "{body}");
                assert!(!body.contains("{{"), "{body}");
                let cyrillic = body.chars().any(|c| ('а'..='я').contains(&c));
                assert_eq!(cyrillic, language == Language::Ru, "{body}");
            }
        }
    }
    assert_eq!(built_in().len(), 42);
}

/// text of users is inert in a mail.
#[test]
fn what_users_choose_is_inert() {
    let words =
        Words { site_name: "A\r\nBcc: x@y", username: "<script>'\"&\u{1b}[2J\nX: y", link: "https://x/?a=1&b=<" };
    let Rendered { subject, text, html } = rendered(Kind::PasswordReset, Language::En, words);
    assert_eq!(subject, "Password reset on A Bcc: x@y");
    assert!(html.contains("<b>&lt;script&gt;&#x27;&quot;&amp; [2J X: y</b>"), "{html}");
    assert!(html.contains("href=\"https://x/?a=1&amp;b=&lt;\""), "{html}");
    assert!(!text.contains('\u{1b}') && text.contains("<script>'\"& [2J X: y"), "{text}");
}

#[test]
fn templates_of_the_administrator_replace_single_files() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("en")).unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join("en").join(name), text).unwrap();
    put("activation.subject.txt", "Welcome\n to {{ site_name }}\n");
    put("activation.html", "<p>{{ username }} {{ link|safe }}</p>");
    let path = folder.path().to_str().unwrap();
    let words = Words { site_name: "Site", username: "<ann>", link: "https://x/?a&b" };
    let (mail, found) = render(Kind::Activation, Language::En, path, words);
    assert_eq!(found, []);
    assert_eq!((mail.subject.as_str(), mail.html.as_str()), ("Welcome to Site", "<p>&lt;ann&gt; https://x/?a&b</p>"));
    assert!(mail.text.contains("finish activation"), "the one built in");
    assert_eq!(faults(path), []);
}

/// A broken template costs its looks and not the mail.
#[test]
fn the_built_in_template_stands_in_for_a_broken_one() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("en")).unwrap();
    let path = folder.path().to_str().unwrap();
    let words = Words { site_name: "Site", username: "ann", link: "https://x/" };
    let usual = rendered(Kind::Activation, Language::En, words);
    for (broken, why) in [
        ("line\n{{ site_name", "line 2"),
        ("{{ nonsense }}", "undefined"),
        ("{{ site_name|nofilter }}", "line 1"),
        ("  \n", "empty"),
    ] {
        fs::write(folder.path().join("en/activation.txt"), broken).unwrap();
        let (mail, found) = render(Kind::Activation, Language::En, path, words);
        assert_eq!(mail, usual, "{broken}");
        assert_eq!((found.len(), found[0].file.as_str()), (1, "en/activation.txt"), "{broken}");
        assert!(found[0].text.contains(why), "{broken}: {}", found[0].text);
        assert_eq!(faults(path), found);
    }
    fs::write(folder.path().join("en/activation.txt"), [0xff, 0xfe]).unwrap();
    assert_eq!(faults(path).len(), 1);
    fs::write(folder.path().join("en/activation.txt"), "{{ link }}").unwrap();
    fs::write(folder.path().join("en/activaton.html"), "x").unwrap();
    assert_eq!(faults(path).iter().map(|fault| fault.file.as_str()).collect::<Vec<_>>(), ["en/activaton.html"]);
    assert_eq!(faults("/nowhere/at/all").len(), 1);
}
