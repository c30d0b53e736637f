//! Mails as files (RFC 5322, 2045, 2047): what the folder transport leaves, read and taken away.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::load::Mail;

/// Takes all `.eml` files out of a folder, in the order of their names.
pub fn take(folder: &Path) -> Vec<Mail> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<_> = paths.filter(|path| path.extension().is_some_and(|it| it == "eml")).collect();
    files.sort();
    files
        .iter()
        .map(|file| {
            let mail = parse(&std::fs::read(file).unwrap());
            std::fs::remove_file(file).unwrap();
            mail
        })
        .collect()
}

/// One entity: its headers, names in lower case, and its body.
struct Entity {
    headers: Vec<(String, String)>,
    body: String,
}

impl Entity {
    fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let head = head.replace("\n ", " ").replace("\n\t", " ");
        let headers = head.lines().filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned()));
        Self { headers: headers.collect(), body: body.to_owned() }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    fn boundary(&self) -> Option<String> {
        let value = self.header("content-type").split_once("boundary=")?.1;
        let value = value.strip_prefix('"').map_or_else(|| value.split(';').next(), |rest| rest.split('"').next());
        value.map(|boundary| boundary.trim().to_owned())
    }

    fn plain(&self) -> String {
        let bytes = match self.header("content-transfer-encoding").to_lowercase().as_str() {
            "base64" => STANDARD.decode(self.body.split_whitespace().collect::<String>()).unwrap_or_default(),
            "quoted-printable" => quoted(&self.body.replace("=\n", "")),
            _ => self.body.clone().into_bytes(),
        };
        String::from_utf8_lossy(&bytes).replace("\r\n", "\n")
    }

    fn read_into(&self, mail: &mut Mail) {
        if let Some(boundary) = self.boundary() {
            let parts = format!("\n{}", self.body);
            for part in parts.split(&format!("\n--{boundary}")).skip(1).filter(|part| !part.starts_with("--")) {
                Entity::of(part.trim_start_matches('\n')).read_into(mail);
            }
        } else if self.header("content-type").to_lowercase().starts_with("text/html") {
            mail.html = Some(self.plain());
        } else {
            mail.text = self.plain();
        }
    }
}

fn parse(bytes: &[u8]) -> Mail {
    let whole = Entity::of(&String::from_utf8_lossy(bytes).replace("\r\n", "\n"));
    let to = whole.header("to");
    let to = to.rsplit_once('<').map_or(to, |(_, address)| address.trim_end_matches('>'));
    let mut mail = Mail { to: to.to_owned(), subject: words(whole.header("subject")), ..Mail::default() };
    whole.read_into(&mut mail);
    mail
}

/// Bytes of a text in which `=41` stands for one.
fn quoted(text: &str) -> Vec<u8> {
    let mut pieces = text.split('=');
    let mut out = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        match piece.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                out.extend_from_slice(&piece.as_bytes()[2..]);
            }
            None => out.extend_from_slice(format!("={piece}").as_bytes()),
        }
    }
    out
}

/// A header with its encoded words read: `=?utf-8?b?…?=`.
fn words(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("=?") {
        let mut parts = after.splitn(4, '?');
        let [_charset, kind, value, end] = [(); 4].map(|()| parts.next().unwrap_or_default());
        let Some(end) = end.strip_prefix('=') else { break };
        let bytes = match kind {
            "b" | "B" => STANDARD.decode(value).unwrap_or_default(),
            _ => quoted(&value.replace('_', " ")),
        };
        // White space between two encoded words is no part of the text.
        if !before.trim().is_empty() || out.is_empty() {
            out.push_str(before);
        }
        out.push_str(&String::from_utf8_lossy(&bytes));
        rest = end;
    }
    out + rest
}

#[test]
fn a_mail_with_two_parts_is_read() {
    let eml = "To: Alice <alice@example.com>\r\nSubject: =?utf-8?b?0J8=?= =?utf-8?q?=D1=80_a?=\r\nContent-Type: \
               multipart/alternative;\r\n boundary=\"xx\"\r\n\r\n--xx\r\nContent-Type: text/plain; charset=utf-8\r\n\
               Content-Transfer-Encoding: quoted-printable\r\n\r\nGo to=\r\n http://a/?x=3D1\r\n\r\n--xx\r\nContent-Type: \
               text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+aDwv\r\ncD4=\r\n--xx--\r\n";
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("1.eml"), eml).unwrap();
    let mails = take(folder.path());
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("alice@example.com", "Пр a"));
    assert_eq!(mail.text.trim(), "Go to http://a/?x=1");
    assert_eq!(mail.html.as_deref(), Some("<p>h</p>"));
    assert!(take(folder.path()).is_empty());
}
