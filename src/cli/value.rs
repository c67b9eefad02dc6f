//! How the values of options are written.

use std::ops::RangeBounds;

/// The longest ending for file names, in octets: what a name may have (255) should mostly be left
/// to the unique-id.
const LONGEST_SUFFIX: usize = 32;

/// The longest tag of a language: RFC 5646 section 4.4.1 has all that are in use fit in this.
const LONGEST_LANGUAGE: usize = 35;

/// The longest that a program may be made to wait for the server, and that anything is put off for:
/// a day.
const LONGEST_SECONDS: u64 = 24 * 60 * 60;

/// A number of octets, with K, M or G for 2 to the power of 10, 20 or 30.
pub(super) fn size(text: &str) -> Result<u64, &'static str> {
    let before = |letter: [char; 2], shift| Some((text.strip_suffix(letter)?, shift));
    let (digits, shift) = before(['K', 'k'], 10)
        .or_else(|| before(['M', 'm'], 20))
        .or_else(|| before(['G', 'g'], 30))
        .unwrap_or((text, 0));
    let count: u64 = digits
        .parse()
        .map_err(|_| "a size is a number, such as 500K, 64M or 1G")?;
    count
        .checked_mul(1 << shift)
        .ok_or("that is more than can be counted")
}

/// Permission bits in octal.
pub(super) fn mode(text: &str) -> Result<u16, &'static str> {
    match u16::from_str_radix(text, 8) {
        Ok(bits) if bits <= 0o777 => Ok(bits),
        _ => Err("a mode is three octal digits, such as 640"),
    }
}

/// A name to log in with. A control character could end the command it is sent in.
pub(super) fn login(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.contains(char::is_control) {
        Err("a login is not empty and has no control characters")
    } else {
        Ok(text.to_owned())
    }
}

/// The tag of a language (RFC 5646): letters, digits and hyphens.
pub(super) fn language(text: &str) -> Result<String, &'static str> {
    let is_allowed = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    if text.is_empty() || text.len() > LONGEST_LANGUAGE || !text.bytes().all(is_allowed) {
        return Err("a language is a tag such as de or pt-BR");
    }
    Ok(text.to_owned())
}

/// The SHA-256 digest of a certificate, as `openssl x509 -fingerprint -sha256` prints it, with or
/// without colons.
pub(super) fn fingerprint(text: &str) -> Result<[u8; 32], &'static str> {
    let wrong = "a fingerprint is sha256: and 64 hexadecimal digits";
    let digits = text.strip_prefix("sha256:").ok_or(wrong)?.replace(':', "");
    let mut digest = [0; 32];
    if digits.len() != 2 * digest.len() || !digits.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        return Err(wrong);
    }
    for (octet, pair) in digest.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let pair = str::from_utf8(pair).map_err(|_| wrong)?;
        *octet = u8::from_str_radix(pair, 16).map_err(|_| wrong)?;
    }
    Ok(digest)
}

/// An ending for file names.
pub(super) fn suffix(text: &str) -> Result<String, &'static str> {
    if text.contains('/') || text.contains(char::is_control) {
        Err("an ending holds neither '/' nor control characters")
    } else if text.len() > LONGEST_SUFFIX {
        Err("an ending has no more than 32 octets")
    } else {
        Ok(text.to_owned())
    }
}

/// A number of seconds.
pub(super) fn timeout(text: &str) -> Result<u64, &'static str> {
    number(text, 1..=LONGEST_SECONDS)
        .ok_or("a time is a number of seconds, from 1 to 86400 (a day)")
}

/// A number of seconds, or 0 for never.
pub(super) fn interval(text: &str) -> Result<u64, &'static str> {
    number(text, ..=LONGEST_SECONDS).ok_or("a time is a number of seconds, from 0 to 86400 (a day)")
}

/// Any number of seconds.
pub(super) fn patience(text: &str) -> Result<u64, &'static str> {
    number(text, ..).ok_or("a time is a number of seconds, such as 60")
}

/// A number of things, at least one.
pub(super) fn count(text: &str) -> Result<u64, &'static str> {
    number(text, 1..).ok_or("this is a number, from 1 on")
}

/// A number of things, which may be none.
pub(super) fn bound(text: &str) -> Result<u64, &'static str> {
    number(text, ..).ok_or("this is a number, from 0 on")
}

/// The number of a user.
pub(super) fn user(text: &str) -> Result<u32, &'static str> {
    text.parse()
        .map_err(|_| "a user is given by the number that id -u NAME prints")
}

/// The number of a group.
pub(super) fn group(text: &str) -> Result<u32, &'static str> {
    text.parse()
        .map_err(|_| "a group is given by the number that getent group NAME prints")
}

fn number(text: &str, allowed: impl RangeBounds<u64>) -> Option<u64> {
    text.parse().ok().filter(|number| allowed.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_may_have_a_unit() {
        assert_eq!(size("0"), Ok(0));
        assert_eq!(size("1000"), Ok(1000));
        assert_eq!(size("500K"), Ok(500 << 10));
        assert_eq!(size("64m"), Ok(64 << 20));
        assert_eq!(size("2G"), Ok(2 << 30));
    }

    #[test]
    fn a_size_is_a_number_that_can_be_counted() {
        for wrong in [
            "",
            "M",
            "-1",
            "1.5M",
            "1 M",
            "1T",
            "20000000000G",
            "64é",
            "é",
        ] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_number_is_told_what_it_should_be() {
        type Parse = fn(&str) -> Result<u64, &'static str>;
        for (parse, right, wrong, words) in [
            (
                timeout as Parse,
                ["1", "86400"],
                ["0", "86401"],
                "number of seconds",
            ),
            (
                interval,
                ["0", "86400"],
                ["never", "86401"],
                "number of seconds",
            ),
            (
                patience,
                ["0", "18446744073709551615"],
                ["x", "-1"],
                "number of seconds",
            ),
            (count, ["1", "99999"], ["0", "many"], "from 1 on"),
            (bound, ["0", "99999"], ["-1", "many"], "from 0 on"),
            (
                |text| user(text).map(u64::from),
                ["0", "1000"],
                ["root", "-1"],
                "id -u",
            ),
            (
                |text| group(text).map(u64::from),
                ["0", "1000"],
                ["mail", ""],
                "getent group",
            ),
        ] {
            assert_eq!(
                right.map(parse),
                right.map(|text| Ok(text.parse().unwrap()))
            );
            for refusal in wrong.map(|text| parse(text).unwrap_err()) {
                assert!(refusal.contains(words), "{refusal}");
            }
        }
    }

    #[test]
    fn a_mode_is_octal() {
        assert_eq!(mode("640"), Ok(0o640));
        for wrong in ["", "8", "1000", "-1", "rw"] {
            assert!(mode(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_login_cannot_break_a_command() {
        assert_eq!(login("ann"), Ok("ann".to_owned()));
        for wrong in ["", "ann\r\nDELE 1", "\0"] {
            assert!(login(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_language_is_a_tag() {
        assert_eq!(language("pt-BR"), Ok("pt-BR".to_owned()));
        for wrong in ["", "*", "d e", "de\r\nDELE 1", &"a".repeat(36)] {
            assert!(language(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_fingerprint_may_have_colons() {
        let plain = "Ab".repeat(32);
        assert_eq!(fingerprint(&format!("sha256:{plain}")), Ok([0xab; 32]));
        let colons = ["AB"; 32].join(":");
        assert_eq!(fingerprint(&format!("sha256:{colons}")), Ok([0xab; 32]));
        for wrong in ["", "sha256:", "sha1:00", &plain, "sha256:é"] {
            assert!(fingerprint(wrong).is_err(), "{wrong}");
        }
        let signs = format!("sha256:{}", "+a".repeat(32));
        assert!(fingerprint(&signs).is_err());
    }

    #[test]
    fn a_suffix_makes_a_legal_file_name() {
        assert_eq!(suffix(".eml"), Ok(".eml".to_owned()));
        for wrong in ["/", ".a/b", "\0", "\n", &".".repeat(33)] {
            assert!(suffix(wrong).is_err(), "{wrong:?}");
        }
    }
}
