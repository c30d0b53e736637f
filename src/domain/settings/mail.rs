//! Settings of mails: how they leave, what they name, and where their links lead.

use super::Settings;
use crate::domain::mails::{Kind, Language};

/// How mails leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Into the log of the server, whole: for development.
    Log,
    /// Into a folder, a file each.
    Folder,
    /// To a mail server.
    Smtp,
}

impl Transport {
    /// The word in the setting.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Log => "log",
            Transport::Folder => "folder",
            Transport::Smtp => "smtp",
        }
    }
}

/// How the connection to the mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// From the first byte (RFC 8314).
    Tls,
    /// After the greeting, or not at all: without STARTTLS nothing is sent.
    StartTls,
    /// Not; to this machine only.
    None,
}

/// The mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smtp {
    /// Name or address; empty if it is not set.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Encryption.
    pub security: Security,
    /// Who signs in there; empty for nobody.
    pub user: String,
}

/// All that is set about mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mails {
    /// How they leave.
    pub transport: Transport,
    /// The folder of `Transport::Folder`; empty if it is not set.
    pub folder: String,
    /// Whom they are from.
    pub from: String,
    /// What they call this site.
    pub site_name: String,
    /// Folder of the administrator's templates; empty for none.
    pub templates: String,
    /// The server of `Transport::Smtp`.
    pub smtp: Smtp,
}

impl Settings {
    /// All that is set about mails.
    pub fn mails(&self) -> Mails {
        Mails {
            transport: match self.text("mail.transport").as_str() {
                "smtp" => Transport::Smtp,
                "folder" => Transport::Folder,
                _ => Transport::Log,
            },
            folder: self.text("mail.folder"),
            from: self.text("mail.from"),
            site_name: self.text("mail.site_name"),
            templates: self.text("mail.templates"),
            smtp: Smtp {
                host: self.text("mail.smtp_host"),
                port: self.get("mail.smtp_port").as_u64().and_then(|port| u16::try_from(port).ok()).unwrap_or(587),
                security: match self.text("mail.smtp_security").as_str() {
                    "tls" => Security::Tls,
                    "none" => Security::None,
                    _ => Security::StartTls,
                },
                user: self.text("mail.smtp_user"),
            },
        }
    }

    /// The language of mails to whom none is known of.
    pub fn mail_language(&self) -> Language {
        Language::parse(&self.text("mail.language")).unwrap_or_default()
    }

    /// Whether links in mails lead to a front end.
    pub fn has_front_end(&self) -> bool {
        !self.text("mail.frontend_url").is_empty()
    }

    /// The link of a mail: to the front end if one is set, else to the server's own page. `default_url` is the server's
    /// while `public_url` is not set; no request has a say in it. A kind that carries no link gets the base.
    pub fn mail_link(&self, kind: Kind, uid: &str, token: &str, default_url: &str) -> String {
        let front_end = self.text("mail.frontend_url");
        let own = front_end.is_empty();
        let path = match kind {
            Kind::Activation if own => "account/activate/{uid}/{token}/".to_owned(),
            Kind::PasswordReset if own => "account/password-reset/{uid}/{token}/".to_owned(),
            Kind::UsernameReset if own => "account/username-reset/{uid}/{token}/".to_owned(),
            Kind::Activation => self.text("djoser.activation_url"),
            Kind::PasswordReset => self.text("djoser.password_reset_url"),
            Kind::UsernameReset => self.text("djoser.username_reset_url"),
            Kind::Confirmation | Kind::PasswordChanged | Kind::UsernameChanged | Kind::Test => String::new(),
        };
        let base = if own { self.public_url().unwrap_or_else(|| default_url.to_owned()) } else { front_end };
        format!("{base}/{}", path.replace("{uid}", uid).replace("{token}", token))
    }
}
