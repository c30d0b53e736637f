//! Mails in the form of RFC 5322. lettre encodes what stands in headers, so that nothing in them can begin another.

use std::time::SystemTime;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message as Formed};

use super::{Failure, Message};
use crate::domain::advice::Advice;
use crate::domain::identifiers::canonical_domain;

/// The mail as it goes over the wire: text and HTML of the same content.
pub(super) fn formed(message: &Message) -> Result<Formed, Failure> {
    let from = sender(&message.from)?;
    let to =
        address(&message.to).ok_or_else(|| Failure::permanent("the address is not one that mails can be sent to"))?;
    let name = format!("<{}@{}>", message.name, from.email.domain());
    let formed = Formed::builder()
        .message_id(Some(name))
        .date(SystemTime::from(message.date))
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(message.content.subject.as_str())
        // RFC 3834: nobody's holiday answers this.
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
        .multipart(MultiPart::alternative_plain_html(message.content.text.clone(), message.content.html.clone()));
    formed.map_err(|error| Failure::permanent(format!("the mail cannot be formed: {error}")))
}

/// An address and nothing but an address; its domain in ASCII, which every mail server understands.
fn address(text: &str) -> Option<Address> {
    let (local, domain) = text.rsplit_once('@')?;
    Address::new(local, canonical_domain(domain)?).ok()
}

/// The sender that the setting names.
pub(super) fn sender(text: &str) -> Result<Mailbox, Failure> {
    text.parse().map_err(|_| {
        Failure::passing("mail.from is neither an address nor Name <address>")
            .advised(Advice::run("settings set mail.from 'Example <no-reply@example.com>'"))
    })
}
