//! SASL PLAIN (RFC 4616) and XOAUTH2, base 64 as in RFC 5034 section 4.

use data_encoding::BASE64;

/// `[authzid] NUL authcid NUL passwd`; the last two, or `None` if it is anything else.
pub(crate) fn plain(response: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let message = BASE64.decode(response).ok()?;
    let mut parts = message.split(|&octet| octet == 0).map(<[u8]>::to_vec);
    let (_authzid, authcid, password) = (parts.next()?, parts.next()?, parts.next()?);
    parts.next().is_none().then_some((authcid, password))
}

/// `user=` USER ^A `auth=Bearer ` TOKEN ^A ^A; user and token, or `None` if it is anything else.
pub(crate) fn xoauth2(response: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let message = String::from_utf8(BASE64.decode(response).ok()?).ok()?;
    let message = message.strip_prefix("user=")?.strip_suffix("\x01\x01")?;
    let (user, token) = message.split_once("\x01auth=Bearer ")?;
    Some((user.into(), token.into()))
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
    fn name_and_token_are_taken_out() {
        let plainly = (b"ann".to_vec(), b"t".to_vec());
        assert_eq!(xoauth2(b"dXNlcj1hbm4BYXV0aD1CZWFyZXIgdAEB"), Some(plainly));
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(xoauth2(b"AGFubgBzZWNyZXQ="), None);
        assert_eq!(plain(b"AGFubg=="), None);
        assert_eq!(plain(b"%"), None);
        assert_eq!(plain(b"*"), None);
    }
}
