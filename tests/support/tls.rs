//! Certificates of the test's own making, and a client that speaks TLS.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

/// A certificate for `localhost` that signs itself, and its key, in files.
pub struct Certificate {
    /// What a client must know to believe it.
    pub der: CertificateDer<'static>,
    /// File of the certificate.
    pub file: PathBuf,
    /// File of its key.
    pub key: PathBuf,
}

impl Certificate {
    /// Good from years ago for years to come; takes the place of another in this folder.
    pub fn new(folder: &Path) -> Self {
        Self::until(folder, 4000)
    }

    /// Good until January of this year.
    pub fn until(folder: &Path, year: i32) -> Self {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        let (file, key_file) = (folder.join("cert.pem"), folder.join("key.pem"));
        replace(&key_file, &key.serialize_pem());
        replace(&file, &made.pem());
        Self { der: made.der().clone(), file, key: key_file }
    }

    /// `--tls-cert … --tls-key …`.
    pub fn flags(&self) -> [&str; 4] {
        ["--tls-cert", self.file.to_str().unwrap(), "--tls-key", self.key.to_str().unwrap()]
    }

    /// Connects as a client that believes this certificate and no other.
    pub fn connect(&self, address: SocketAddr) -> std::io::Result<Secure> {
        self.connect_by(address, rustls::ALL_VERSIONS)
    }

    /// The same, by these versions of TLS alone.
    pub fn connect_by(
        &self,
        address: SocketAddr,
        versions: &[&'static SupportedProtocolVersion],
    ) -> std::io::Result<Secure> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut secure = Secure(StreamOwned::new(connection, stream));
        while secure.0.conn.is_handshaking() {
            let Secure(StreamOwned { conn, sock }) = &mut secure;
            conn.complete_io(sock)?;
        }
        Ok(secure)
    }
}

/// Puts a file in the place of another, as those who renew certificates do.
pub fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&beside, path).unwrap();
}

/// A connection by TLS.
pub struct Secure(pub StreamOwned<ClientConnection, TcpStream>);

impl Secure {
    /// Asks for a path and gives head and body; `None` when there is no whole answer.
    pub fn get(&mut self, path: &str) -> Option<String> {
        write!(self.0, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").ok()?;
        self.0.flush().ok()?;
        let mut read = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&read).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.map_or(0, |length| length.parse::<usize>().unwrap()) {
                    return Some(text);
                }
            }
            let mut buffer = [0; 4096];
            match self.0.read(&mut buffer) {
                Ok(length @ 1..) => read.extend_from_slice(&buffer[..length]),
                _ => return None,
            }
        }
    }
}
