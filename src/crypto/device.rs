//! Device credentials: whose account, until when, which device, and a MAC over these and the password's hash (E.2). A
//! credential proves only that it was made here; who has the account's next password has another hash, and so it dies.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::mac;

/// What the MAC's key is derived for.
const PURPOSE: &str = "device-credential";
/// Bytes of the id of a device: 128 random bits.
pub const ID_LEN: usize = 16;
/// Bytes before the MAC: user, end and id.
const CLAIMS_LEN: usize = 8 + 8 + ID_LEN;
/// Characters of a credential.
pub const TEXT_LEN: usize = (CLAIMS_LEN + 32) * 4 / 3 + 1;

/// What a credential says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Id of the user.
    pub user: i64,
    /// When it ends, in seconds since 1970.
    pub expires_at: i64,
    /// Which device.
    pub id: [u8; ID_LEN],
}

impl Claims {
    fn bytes(&self) -> Vec<u8> {
        [&self.user.to_be_bytes()[..], &self.expires_at.to_be_bytes()[..], &self.id[..]].concat()
    }

    fn tag(&self, secret: &[u8], password_hash: &str) -> [u8; 32] {
        let input = [self.bytes(), mac::sha256(password_hash.as_bytes()).to_vec()].concat();
        mac::derive(secret, PURPOSE, &input)
    }
}

/// The credential with these claims, bound to this password.
pub fn issue(secret: &[u8], claims: &Claims, password_hash: &str) -> String {
    let bytes = [claims.bytes(), claims.tag(secret, password_hash).to_vec()].concat();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What a credential says, if it was made under this secret and for this password. Whose and until when is for the caller
/// to judge.
pub fn read(secret: &[u8], text: &str, password_hash: &str) -> Option<Claims> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|_| text.len() == TEXT_LEN)?;
    let (user, rest) = bytes.split_first_chunk::<8>()?;
    let (expires_at, rest) = rest.split_first_chunk::<8>()?;
    let (id, tag) = rest.split_first_chunk::<ID_LEN>()?;
    let claims = Claims { user: i64::from_be_bytes(*user), expires_at: i64::from_be_bytes(*expires_at), id: *id };
    verify_slices_are_equal(&claims.tag(secret, password_hash), tag).ok().map(|()| claims)
}
