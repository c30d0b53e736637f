//! A folder that mails are put into, for tests and for programs that fetch them there.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{Failure, Message, Transport, compose};
use crate::domain::advice::Advice;

/// Puts each mail into a file of its own, which appears whole or not at all.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The folder at this path, made at the first mail if there is none.
    pub(super) fn new(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str().is_empty() {
            return Err(Failure::passing("mail.transport is folder, and mail.folder is not set")
                .advised(Advice::run("settings set mail.folder /var/spool/authsrv")));
        }
        Ok(Self(path.to_owned()))
    }

    /// Writes a file; the name has the mail's own in it, so a second attempt replaces what the first left.
    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let beside = self.0.join(format!(".{name}.new"));
        if let Err(error) = std::fs::remove_file(&beside)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, self.0.join(name))?;
        File::open(&self.0)?.sync_all()
    }
}

impl Transport for Folder {
    fn send(&self, message: &Message) -> Result<(), Failure> {
        let bytes = compose::formed(message)?.formatted();
        let time = message.date.format("%Y%m%dT%H%M%S");
        let name = format!("{time}-{:06}-{}-{}.eml", message.id.0, message.kind.as_str(), message.name);
        self.put(&name, &bytes).map_err(|error| {
            Failure::passing(format!("cannot write into {}: {error}", self.0.display()))
                .advised("let this user write to the folder of the setting mail.folder, or name another")
        })
    }
}
