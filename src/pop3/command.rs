//! What the client says.

use std::fmt;

use zeroize::Zeroizing;

use super::sasl::Authentication;
use super::{CommandError, MessageNumber, Secret, text};

/// The longest command line, its CRLF included, in octets (RFC 2449 section 4).
pub(super) const MAX_COMMAND_LINE: usize = 255;

/// A command (RFC 1939 sections 4 to 7, and the extensions named below).
#[derive(Clone, Copy, Debug)]
pub enum Command<'a> {
    /// Asks for the [`Capabilities`](super::Capabilities) (RFC 2449 section 5).
    Capa,
    /// Starts TLS (RFC 2595 section 4).
    Stls,
    /// Asks for messages and replies in UTF-8 (RFC 6856 section 2.1).
    Utf8,
    /// Asks for replies in a language, by its tag (RFC 6856 section 3).
    Lang(&'a str),
    /// Logs in by SASL (RFC 5034). The connection answers the server's challenges.
    Auth(Authentication<'a>),
    /// Logs in by a digest of the password and the timestamp in the greeting.
    Apop {
        /// The name of the maildrop.
        login: &'a str,
        /// Its password.
        password: &'a Secret,
    },
    /// Names the maildrop.
    User(&'a str),
    /// Opens the maildrop named by USER.
    Pass(&'a Secret),
    /// Asks for the [drop listing](super::listing::drop_listing).
    Stat,
    /// Asks for all [unique-ids](super::listing::unique_id_line).
    Uidl,
    /// Asks for all [scan listings](super::listing::scan_line).
    List,
    /// Asks for a message.
    Retr(&'a MessageNumber),
    /// Asks for a message's header and that many lines of its body.
    Top(&'a MessageNumber, u32),
    /// Marks a message, to be removed by QUIT.
    Dele(&'a MessageNumber),
    /// Takes all marks off.
    Rset,
    /// Does nothing, and shows that somebody is there.
    Noop,
    /// Ends the session, and removes what is marked.
    Quit,
}

/// What a command's reply looks like. Whatever the shape, `-ERR` is a single line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One line.
    SingleLine,
    /// `+OK`, then lines, then a line of one dot.
    Lines,
    /// `+OK`, then a message, then a line of one dot.
    Octets,
    /// One line, which comes unasked.
    Greeting,
    /// One line; after `+OK` nothing more comes in clear.
    Stls,
    /// One line, before which the server may ask for responses.
    Sasl,
}

impl Command<'_> {
    /// The shape of its reply.
    pub fn shape(&self) -> Shape {
        match self {
            Self::Capa | Self::Uidl | Self::List => Shape::Lines,
            Self::Retr(_) | Self::Top(..) => Shape::Octets,
            Self::Stls => Shape::Stls,
            Self::Auth(_) => Shape::Sasl,
            Self::Utf8
            | Self::Lang(_)
            | Self::Apop { .. }
            | Self::User(_)
            | Self::Pass(_)
            | Self::Stat
            | Self::Dele(_)
            | Self::Rset
            | Self::Noop
            | Self::Quit => Shape::SingleLine,
        }
    }

    /// Whether nothing may be sent behind it before its reply is there: it changes the state of
    /// the session, and some servers drop what they have read beyond it.
    pub(super) fn is_last_of_its_burst(&self) -> bool {
        matches!(
            self,
            Self::Stls | Self::Auth(_) | Self::Apop { .. } | Self::Pass(_) | Self::Quit
        )
    }

    /// The whole line. AUTH and APOP have none of their own: see [`sasl`](super::sasl) and
    /// [`apop`](super::apop).
    pub(super) fn line(&self) -> Result<Zeroizing<String>, CommandError> {
        match self {
            Self::Lang(tag) => with_text("LANG", "language", tag),
            Self::User(login) => with_text("USER", "login", login),
            Self::Pass(password) => with_text("PASS", "password", password.expose()),
            _ => Ok(Zeroizing::new(format!("{self}\r\n"))),
        }
    }
}

/// The command as it may be logged: as it is sent, but for secrets and SASL's logins.
impl fmt::Display for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capa => f.write_str("CAPA"),
            Self::Stls => f.write_str("STLS"),
            Self::Utf8 => f.write_str("UTF8"),
            Self::Lang(tag) => write!(f, "LANG {}", text::printable(tag.as_bytes())),
            Self::Auth(authentication) => write!(f, "AUTH {} ****", authentication.mechanism()),
            Self::Apop { login, .. } => {
                write!(f, "APOP {} ****", text::printable(login.as_bytes()))
            }
            Self::User(login) => write!(f, "USER {}", text::printable(login.as_bytes())),
            Self::Pass(_) => f.write_str("PASS ****"),
            Self::Stat => f.write_str("STAT"),
            Self::Uidl => f.write_str("UIDL"),
            Self::List => f.write_str("LIST"),
            Self::Retr(number) => write!(f, "RETR {number}"),
            Self::Top(number, lines) => write!(f, "TOP {number} {lines}"),
            Self::Dele(number) => write!(f, "DELE {number}"),
            Self::Rset => f.write_str("RSET"),
            Self::Noop => f.write_str("NOOP"),
            Self::Quit => f.write_str("QUIT"),
        }
    }
}

/// Refuses what would end the line, or the text, before its end.
pub(super) fn check_sendable(name: &'static str, text: &str) -> Result<(), CommandError> {
    if text.contains(['\r', '\n', '\0']) {
        return Err(CommandError::Unsendable(name));
    }
    Ok(())
}

/// `keyword SP argument CRLF`, in memory that is wiped and never moved.
pub(super) fn with_text(
    keyword: &'static str,
    name: &'static str,
    argument: &str,
) -> Result<Zeroizing<String>, CommandError> {
    check_sendable(name, argument)?;
    let length = keyword.len() + " ".len() + argument.len() + "\r\n".len();
    if length > MAX_COMMAND_LINE {
        return Err(CommandError::LineTooLong(keyword, MAX_COMMAND_LINE));
    }
    let mut line = Zeroizing::new(String::with_capacity(length));
    for part in [keyword, " ", argument, "\r\n"] {
        line.push_str(part);
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pop3::sasl::Account;

    fn number() -> MessageNumber {
        MessageNumber::parse(b"7").unwrap()
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_line_is_the_command_and_its_arguments() {
        for (command, line) in [
            (Command::Capa, "CAPA\r\n"),
            (Command::Lang("de-AT"), "LANG de-AT\r\n"),
            (Command::User("ann"), "USER ann\r\n"),
            (Command::Pass(&secret("two words")), "PASS two words\r\n"),
            (Command::Retr(&number()), "RETR 7\r\n"),
            (Command::Top(&number(), 0), "TOP 7 0\r\n"),
            (Command::Dele(&number()), "DELE 7\r\n"),
            (Command::Quit, "QUIT\r\n"),
        ] {
            assert_eq!(command.line().unwrap().as_str(), line);
        }
    }

    #[test]
    fn what_would_end_the_line_is_not_sent() {
        for text in ["a\r\nDELE 1", "a\n", "\0", "a\r"] {
            assert_eq!(
                Command::User(text).line(),
                Err(CommandError::Unsendable("login"))
            );
            assert_eq!(
                Command::Pass(&secret(text)).line(),
                Err(CommandError::Unsendable("password"))
            );
        }
    }

    #[test]
    fn a_line_has_at_most_255_octets() {
        let longest = "p".repeat(MAX_COMMAND_LINE - "PASS \r\n".len());
        assert_eq!(
            Command::Pass(&secret(&longest)).line().unwrap().len(),
            MAX_COMMAND_LINE
        );
        assert_eq!(
            Command::Pass(&secret(&format!("{longest}p"))).line(),
            Err(CommandError::LineTooLong("PASS", MAX_COMMAND_LINE))
        );
    }

    #[test]
    fn the_log_shows_no_secret() {
        let password = secret("hunter2");
        let account = Account {
            login: "ann",
            secret: &password,
        };
        let auth = Command::Auth(Authentication::Plain(account));
        assert_eq!(auth.to_string(), "AUTH PLAIN ****");
        let apop = Command::Apop {
            login: "ann",
            password: &password,
        };
        assert_eq!(apop.to_string(), "APOP ann ****");
        assert!(!format!("{apop:?}").contains("hunter2"));
        assert_eq!(Command::Pass(&password).to_string(), "PASS ****");
        assert!(!format!("{auth:?} {:?}", Command::Pass(&password)).contains("hunter2"));
        assert_eq!(Command::User("a\x1bb").to_string(), r"USER a\u{1b}b");
    }
}
