//! Where the certificate of the server and its key are, where it speaks TLS itself.

use std::path::PathBuf;

/// The files of a certificate and its key, both in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, then those that lead from it to one that clients know.
    pub certificate: PathBuf,
    /// Its private key: PKCS#8, SEC1 or PKCS#1.
    pub key: PathBuf,
    /// Who may use the file of the key.
    pub readers: KeyReaders,
}

/// Who may use the file of a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyReaders {
    /// Its owner alone.
    Owner,
    /// Whoever the system lets, as an operator said by name.
    Anybody,
}
