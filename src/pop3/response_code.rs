//! What a reply says to programs.

use super::text;

/// A response code (RFC 2449 section 8): the words in brackets at the start of a reply's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseCode {
    /// `[IN-USE]`: another session holds the maildrop (RFC 2449 section 8.1.2).
    InUse,
    /// `[LOGIN-DELAY]`: too soon after the last login (RFC 2449 section 8.1.1).
    LoginDelay,
    /// `[SYS/TEMP]`: a fault of the server that may pass (RFC 3206 section 4).
    SysTemp,
    /// `[SYS/PERM]`: a fault of the server that somebody must mend (RFC 3206 section 4).
    SysPerm,
    /// `[AUTH]`: the credentials are wrong (RFC 3206 section 5).
    Auth,
    /// `[UTF8]`: the login needs UTF8 first (RFC 6856 section 5).
    Utf8,
    /// Any other, printable, without its brackets.
    Other(String),
}

impl ResponseCode {
    /// Parses the start of a reply's text. Levels below a known one say the same in more detail.
    ///
    /// ```abnf
    /// resp-code  = "[" resp-level *("/" resp-level) "]"
    /// ```
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let inside = text.strip_prefix(b"[")?;
        let end = memchr::memchr(b']', inside)?;
        let code = text::printable(inside.get(..end)?);
        let upper = code.to_ascii_uppercase();
        let mut levels = upper.split('/');
        Some(match (levels.next(), levels.next()) {
            (Some("IN-USE"), _) => Self::InUse,
            (Some("LOGIN-DELAY"), _) => Self::LoginDelay,
            (Some("SYS"), Some("TEMP")) => Self::SysTemp,
            (Some("SYS"), Some("PERM")) => Self::SysPerm,
            (Some("AUTH"), _) => Self::Auth,
            (Some("UTF8"), _) => Self::Utf8,
            _ => Self::Other(code),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_codes_are_recognised_in_any_case() {
        for (text, code) in [
            ("[IN-USE] locked", ResponseCode::InUse),
            ("[in-use]", ResponseCode::InUse),
            ("[LOGIN-DELAY] wait", ResponseCode::LoginDelay),
            ("[SYS/TEMP] later", ResponseCode::SysTemp),
            ("[SYS/PERM] call us", ResponseCode::SysPerm),
            ("[SYS/TEMP/DISK] full", ResponseCode::SysTemp),
            ("[AUTH] no", ResponseCode::Auth),
            ("[UTF8] first", ResponseCode::Utf8),
        ] {
            assert_eq!(ResponseCode::parse(text.as_bytes()), Some(code), "{text}");
        }
    }

    #[test]
    fn an_unknown_code_is_kept_printable() {
        assert_eq!(
            ResponseCode::parse(b"[X-\x1bY] z"),
            Some(ResponseCode::Other(r"X-\u{1b}Y".to_owned()))
        );
    }

    #[test]
    fn text_without_brackets_at_its_start_has_no_code() {
        for text in ["", "locked [IN-USE]", "[IN-USE", "IN-USE]"] {
            assert_eq!(ResponseCode::parse(text.as_bytes()), None, "{text}");
        }
    }
}
