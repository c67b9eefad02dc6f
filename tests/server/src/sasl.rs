//! SASL PLAIN (RFC 4616), base 64 as in RFC 5034 section 4.

use data_encoding::BASE64;

/// `[authzid] NUL authcid NUL passwd`; the last two, or `None` if it is anything else.
pub(crate) fn plain(response: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let message = BASE64.decode(response).ok()?;
    let mut parts = message.split(|&octet| octet == 0).map(<[u8]>::to_vec);
    let (_authzid, authcid, password) = (parts.next()?, parts.next()?, parts.next()?);
    parts.next().is_none().then_some((authcid, password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_password_are_taken_out() {
        let plainly = (b"ann".to_vec(), b"secret".to_vec());
        assert_eq!(plain(b"AGFubgBzZWNyZXQ="), Some(plainly));
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(plain(b"AGFubg=="), None);
        assert_eq!(plain(b"%"), None);
        assert_eq!(plain(b"*"), None);
    }
}
