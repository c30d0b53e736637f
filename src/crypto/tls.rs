//! The certificate that the server shows and its key: read, held against each other, and made into what TLS needs.
//!
//! Reading is all or nothing: files that do not go together give an error and leave alone what is in use.

pub mod client;

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::version::{TLS12, TLS13};
use webpki::{EndEntityCert, KeyUsage};
use zeroize::Zeroizing;

use super::key_file::is_private;
use crate::domain::advice::{Advice, quoted};
use crate::domain::ids::Timestamp;
use crate::domain::tls::{KeyReaders, TlsFiles};

/// Most bytes of a file that are read; a chain of certificates has some ten thousand.
const FILE_MAX: u64 = 1024 * 1024;
/// How long before its end a certificate is told of: renewals begin weeks earlier.
const RENEWAL: Duration = Duration::from_secs(14 * 86_400);
/// Protocols offered inside TLS (RFC 7301): what the server speaks outside of it.
const PROTOCOLS: [&[u8]; 1] = [b"http/1.1"];

/// Why a certificate and its key cannot be used. Its text is for whoever runs the server.
#[derive(Debug)]
pub enum TlsError {
    /// The system does not let us read it.
    Unreadable(PathBuf, io::Error),
    /// It is a directory, a pipe, or far too long.
    NotAFile(PathBuf),
    /// Others than its owner may use the key: these are its permission bits.
    TooOpen(PathBuf, u32),
    /// There is nothing in it of what should be: a certificate, or a private key without a password.
    Lacks(PathBuf, &'static str),
    /// It begins like PEM and is damaged.
    Malformed(PathBuf, pem::Error),
    /// The key is not that of the first certificate.
    Mismatch(TlsFiles),
    /// TLS takes no such certificate or key.
    Unfit(TlsFiles, rustls::Error),
}

/// A certificate and its key that go together.
pub struct Pair {
    /// What connections are made by.
    pub config: Arc<ServerConfig>,
    /// When the certificate is good.
    pub validity: Validity,
    /// What the system said of the files before they were read.
    pub stamp: Stamp,
}

/// When a certificate is good; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// First instant.
    pub from: Timestamp,
    /// Last instant.
    pub until: Timestamp,
}

/// What the system says of both files without opening them; another when one of them was replaced or written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp([Option<[i64; 5]>; 2]);

impl Pair {
    /// Reads both files. TLS 1.2 and 1.3 are spoken, nothing older.
    ///
    /// # Errors
    /// [`TlsError`] for the first thing that is wrong; a date that has passed is not.
    pub fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let stamp = Stamp::of(files);
        let chain = chain(&files.certificate)?;
        let key = key(&files.key, files.readers)?;
        let first = chain.first().ok_or(TlsError::Lacks(files.certificate.clone(), "certificate"))?;
        let validity = Validity::of(first).map_err(|wrong| TlsError::Unfit(files.clone(), wrong))?;
        let unfit = |wrong| match wrong {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatch(files.clone()),
            other => TlsError::Unfit(files.clone(), other),
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13, &TLS12]);
        let mut config = builder.map_err(unfit)?.with_no_client_auth().with_single_cert(chain, key).map_err(unfit)?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        Ok(Self { config: Arc::new(config), validity, stamp })
    }
}

impl Validity {
    /// The dates in a certificate. The library that knows where they stand tells them to who asks in another age.
    fn of(certificate: &CertificateDer) -> Result<Self, rustls::Error> {
        let bad = || rustls::Error::InvalidCertificate(rustls::CertificateError::BadEncoding);
        let certificate = EndEntityCert::try_from(certificate).map_err(|_| bad())?;
        let asked_at = |seconds| {
            let (time, usage) = (UnixTime::since_unix_epoch(Duration::from_secs(seconds)), KeyUsage::server_auth());
            certificate.verify_for_usage(&[], &[], &[], time, usage, None, None).err()
        };
        let instant = |time: UnixTime| Timestamp::from_timestamp(i64::try_from(time.as_secs()).ok()?, 0);
        let from = match asked_at(0) {
            Some(webpki::Error::CertNotValidYet { not_before, .. }) => instant(not_before),
            _ => Some(Timestamp::UNIX_EPOCH),
        };
        let until = match asked_at(u64::MAX) {
            Some(webpki::Error::CertExpired { not_after, .. }) => instant(not_after),
            _ => None,
        };
        Ok(Self { from: from.ok_or_else(bad)?, until: until.ok_or_else(bad)? })
    }

    /// What is wrong with showing the certificate now; `None` if nothing is.
    pub fn fault(self, now: Timestamp) -> Option<String> {
        if now > self.until {
            return Some(format!("the certificate expired on {}", self.until.date_naive()));
        }
        (now < self.from).then(|| format!("the certificate is good from {} on, not yet", self.from.date_naive()))
    }

    /// Whether it is time for another certificate.
    pub fn ends_soon(self, now: Timestamp) -> bool {
        now + RENEWAL > self.until
    }
}

impl Stamp {
    /// Looks at both files.
    pub fn of(files: &TlsFiles) -> Self {
        Self([&files.certificate, &files.key].map(|path| {
            let file = path.metadata().ok()?;
            // Of its times the one that nobody can set, and that a change of rights moves, too.
            Some([
                file.dev().cast_signed(),
                file.ino().cast_signed(),
                file.ctime(),
                file.ctime_nsec(),
                file.size().cast_signed(),
            ])
        }))
    }
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = contents(path, |_| Ok(()))?;
    let certificates = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    certificates.map_err(|wrong| TlsError::Malformed(path.to_owned(), wrong))
}

fn key(path: &Path, readers: KeyReaders) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = contents(path, |file| {
        let is_good = readers == KeyReaders::Anybody || is_private(file);
        is_good.then_some(()).ok_or_else(|| TlsError::TooOpen(path.to_owned(), file.mode() & 0o7777))
    })?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|wrong| match wrong {
        pem::Error::NoItemsFound => TlsError::Lacks(path.to_owned(), "private key without a password"),
        wrong => TlsError::Malformed(path.to_owned(), wrong),
    })
}

/// What is in a file that `judge` lets pass. Links are followed: those who renew certificates put links in place of them.
fn contents(path: &Path, judge: impl Fn(&Metadata) -> Result<(), TlsError>) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let unreadable = |cause| TlsError::Unreadable(path.to_owned(), cause);
    // Not to be held up by a pipe.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(TlsError::NotAFile(path.to_owned()));
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.len() > FILE_MAX {
        return Err(TlsError::NotAFile(path.to_owned()));
    }
    judge(&metadata)?;
    let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1));
    file.take(FILE_MAX).read_to_end(&mut text).map_err(unreadable)?;
    Ok(text)
}

impl TlsError {
    /// What is wrong, without what to do about it.
    pub fn what(&self) -> String {
        match self {
            Self::Unreadable(path, cause) => format!("{} cannot be read: {cause}", path.display()),
            Self::NotAFile(path) => format!("{} is not a plain file of some kilobytes", path.display()),
            Self::TooOpen(path, mode) => format!("the TLS key {} is open to others (mode {mode:04o})", path.display()),
            Self::Lacks(path, what) => format!("there is no {what} in PEM form in {}", path.display()),
            Self::Malformed(path, wrong) => format!("{} is damaged: {}", path.display(), plain(wrong)),
            Self::Mismatch(files) => {
                format!(
                    "the key {} is not that of the certificate {}",
                    files.key.display(),
                    files.certificate.display()
                )
            }
            Self::Unfit(files, cause) => {
                let (certificate, key) = (files.certificate.display(), files.key.display());
                format!("the certificate {certificate} and the key {key} cannot be used: {cause}")
            }
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> Advice {
        match self {
            Self::Unreadable(..) => "run this as a user who may read it, or name another file".into(),
            Self::NotAFile(_) | Self::Malformed(..) => "put the file there again as it was given to you".into(),
            Self::TooOpen(path, _) => Advice::shell(format!("chmod 600 {}", quoted(path)))
                .and(", or say serve --allow-open-tls-key true (or AUTHSRV_ALLOW_OPEN_TLS_KEY) if that is meant"),
            Self::Lacks(..) => {
                "the certificate goes with --tls-cert, and its key, not encrypted, with --tls-key".into()
            }
            Self::Mismatch(_) => "name the key that the certificate was asked for with; the server's own certificate stands first in its file".into(),
            Self::Unfit(..) => {
                "ask for a certificate (X.509 version 3) of a key of ECDSA P-256 or P-384, Ed25519 or RSA from 2048 bits".into()
            }
        }
    }
}

/// The error without what stands in the file, which may be a key.
fn plain(wrong: &pem::Error) -> &'static str {
    match wrong {
        pem::Error::MissingSectionEnd { .. } => "its END line is missing",
        pem::Error::IllegalSectionStart { .. } => "its BEGIN line is wrong",
        pem::Error::Base64Decode(_) => "between BEGIN and END it is no base64",
        _ => "it is no PEM",
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what(), self.advice().told(str::to_owned))
    }
}

impl std::error::Error for TlsError {}
