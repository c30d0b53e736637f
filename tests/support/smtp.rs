//! A mail server that does as a test says, on a port of its own and without encryption.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Takes every mail.
    Takes,
    /// Answers the recipient with this number and text.
    Refuses(&'static str),
    /// Accepts connections and never says a word.
    Silent,
}

/// A mail server; its threads end with the test.
pub struct MailServer {
    /// Where it listens.
    pub port: u16,
    mails: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    /// Starts one.
    pub fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mails = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&mails);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                // A client that goes away in the middle ends its thread.
                std::thread::spawn(move || serve(client, manner, &kept));
            }
        });
        Self { port, mails }
    }

    /// What it took, whole.
    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }
}

fn serve(mut client: TcpStream, manner: Manner, mails: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    if manner == Manner::Silent {
        return reader.read_to_end(&mut Vec::new()).map(drop);
    }
    client.write_all(b"220 test ESMTP\r\n")?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let word = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer = match (word.as_str(), manner) {
            ("EHLO", _) => "250-test\r\n250 8BITMIME".to_owned(),
            ("RCPT", Manner::Refuses(with)) => with.to_owned(),
            ("DATA", _) => {
                client.write_all(b"354 go on\r\n")?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") {
                    reader.read_line(&mut mail)?;
                }
                mails.lock().unwrap().push(mail);
                "250 taken".to_owned()
            }
            ("QUIT", _) => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
        client.write_all(format!("{answer}\r\n").as_bytes())?;
        line.clear();
    }
    Ok(())
}
