//! What CAPA announces.

/// How many lines of CAPA's reply are kept. Real servers send about 15.
const MAX_CAPABILITIES: usize = 128;

/// The longest line kept, in octets (RFC 2449 section 4).
const MAX_CAPABILITY: usize = 512;

/// The capabilities a server announced (RFC 2449); by default none.
///
/// They change with STLS and with the login, and must then be asked for again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    lines: Vec<String>,
}

impl Capabilities {
    /// Takes in one line of CAPA's reply. What no server should send is skipped.
    pub fn add_line(&mut self, line: &[u8]) {
        let printable = |octet: &u8| matches!(octet, b'\t' | b' '..=b'~');
        if self.lines.len() >= MAX_CAPABILITIES || line.len() > MAX_CAPABILITY {
            return;
        }
        if let Ok(text) = str::from_utf8(line)
            && line.iter().all(printable)
        {
            self.lines.push(text.trim().to_owned());
        }
    }

    /// Commands may be sent before the replies to earlier ones came (RFC 2449 section 6.6).
    pub fn pipelining(&self) -> bool {
        self.announces("PIPELINING")
    }

    /// TLS can be started in this connection (RFC 2595 section 4).
    pub fn stls(&self) -> bool {
        self.announces("STLS")
    }

    /// AUTH takes this mechanism (RFC 5034 section 3).
    pub fn sasl(&self, mechanism: &str) -> bool {
        self.mechanisms()
            .any(|word| word.eq_ignore_ascii_case(mechanism))
    }

    /// The mechanisms that AUTH takes, as they are written; printable.
    pub fn mechanisms(&self) -> impl Iterator<Item = &str> {
        self.words("SASL")
    }

    /// USER and PASS are taken (RFC 2449 section 6.2).
    pub fn user(&self) -> bool {
        self.announces("USER")
    }

    /// UIDL is taken (RFC 2449 section 6.8).
    pub fn uidl(&self) -> bool {
        self.announces("UIDL")
    }

    /// TOP is taken (RFC 2449 section 6.1).
    pub fn top(&self) -> bool {
        self.announces("TOP")
    }

    /// The UTF8 command is taken (RFC 6856 section 2).
    pub fn utf8(&self) -> bool {
        self.announces("UTF8")
    }

    /// Replies can be had in other languages (RFC 6856 section 3).
    pub fn lang(&self) -> bool {
        self.announces("LANG")
    }

    /// Seconds to leave between two logins (RFC 2449 section 6.5).
    pub fn login_delay(&self) -> Option<u32> {
        self.words("LOGIN-DELAY").next()?.parse().ok()
    }

    /// Whether a message that was retrieved may be listed no more in the next session (EXPIRE 0, RFC
    /// 2449 section 6.7).
    pub fn keeps_what_was_retrieved(&self) -> bool {
        self.words("EXPIRE").next() != Some("0")
    }

    /// Whether what is announced is the worst of all logins, and the present one's own is told when
    /// it has logged in (RFC 2449 sections 6.5 and 6.7).
    pub fn differs_by_login(&self) -> bool {
        ["LOGIN-DELAY", "EXPIRE"].into_iter().any(|tag| {
            let mut words = self.words(tag).skip(1);
            words.any(|word| word.eq_ignore_ascii_case("USER"))
        })
    }

    /// Every line that was announced, printable.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    fn announces(&self, tag: &str) -> bool {
        self.arguments(tag).next().is_some()
    }

    fn words(&self, tag: &str) -> impl Iterator<Item = &str> {
        self.arguments(tag).flat_map(str::split_ascii_whitespace)
    }

    /// What stands behind a capability's tag; an empty text if nothing does.
    fn arguments(&self, tag: &str) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(move |line| {
            let (first, rest) = line
                .split_once(|c: char| c.is_ascii_whitespace())
                .unwrap_or((line, ""));
            first.eq_ignore_ascii_case(tag).then(|| rest.trim_start())
        })
    }
}

#[cfg(test)]
impl Capabilities {
    /// What a server has that announces these lines.
    pub(crate) fn announced(lines: &[&str]) -> Self {
        let mut capabilities = Self::default();
        for line in lines {
            capabilities.add_line(line.as_bytes());
        }
        capabilities
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_announced_by_default() {
        let none = Capabilities::default();
        assert!(!none.pipelining() && !none.stls() && !none.user() && !none.sasl("PLAIN"));
        assert!(!none.uidl() && !none.top() && !none.utf8() && !none.lang());
        assert_eq!(none.login_delay(), None);
    }

    #[test]
    fn what_is_announced_is_found() {
        let all = Capabilities::announced(&[
            "TOP",
            "USER",
            "SASL CRAM-MD5 plain",
            "LOGIN-DELAY 900 USER",
            "pipelining",
            "UIDL",
            "STLS",
            "UTF8 USER",
            "LANG",
        ]);
        assert!(all.pipelining() && all.stls() && all.user() && all.utf8() && all.lang());
        assert!(all.uidl() && all.top());
        assert!(all.sasl("PLAIN") && all.sasl("CRAM-MD5") && !all.sasl("LOGIN"));
        assert_eq!(all.login_delay(), Some(900));
    }

    #[test]
    fn what_differs_by_login_is_told_by_a_word() {
        assert!(Capabilities::announced(&["LOGIN-DELAY 900 USER"]).differs_by_login());
        assert!(Capabilities::announced(&["EXPIRE 5 user"]).differs_by_login());
        let keeps = |line| Capabilities::announced(&[line]).keeps_what_was_retrieved();
        let lines = [
            "EXPIRE 0",
            "expire 0 USER",
            "EXPIRE 30",
            "EXPIRE NEVER",
            "TOP",
        ];
        assert_eq!(lines.map(keeps), [false, false, true, true, true]);
        assert!(!Capabilities::announced(&["LOGIN-DELAY 900", "USER"]).differs_by_login());
    }

    #[test]
    fn sloppy_words_are_skipped() {
        let sloppy = Capabilities::announced(&["PIPELINE", "LOGIN-DELAY soon", "", "SASL"]);
        assert!(!sloppy.pipelining() && !sloppy.sasl("PLAIN"));
        assert_eq!(sloppy.login_delay(), None);
    }

    #[test]
    fn an_endless_announcement_is_bounded() {
        let mut capabilities = Capabilities::default();
        for number in 0..10_000 {
            capabilities.add_line(format!("X-{number}").as_bytes());
        }
        capabilities.add_line(&[b'X'; 10_000]);
        assert_eq!(capabilities.lines().count(), MAX_CAPABILITIES);
    }

    proptest! {
        #[test]
        fn only_printable_lines_are_kept(lines: Vec<Vec<u8>>) {
            let mut capabilities = Capabilities::default();
            for line in &lines {
                capabilities.add_line(line);
            }
            for line in capabilities.lines() {
                prop_assert!(line.chars().all(|c| c == '\t' || !c.is_control()));
            }
        }
    }
}
