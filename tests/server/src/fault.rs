//! What the server can be told to do wrong.

use std::time::Duration;

/// One way of misbehaving; see [`Server::fault`](crate::Server::fault).
///
/// Octets are counted in replies as they go over the wire, dot-stuffed, before encryption.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The command is not carried out and the link is cut.
    CutUndone(When),
    /// The command is carried out; the link is cut in place of the reply.
    CutBefore(When),
    /// The link is cut once so many octets of the reply have gone out.
    CutWithin(When, usize),
    /// The link is cut right behind the reply.
    CutAfter(When),
    /// The link is cut, once, when the server has sent so many octets on all connections since now.
    CutAfterOctets(u64),
    /// The reply waits so long.
    Delay(When, Duration),
    /// The command is not carried out; the reply is `-ERR` and this text. A refused QUIT still closes.
    Refuse(When, String),
    /// The command is carried out; these octets go out in place of its reply.
    Replace(When, Vec<u8>),
    /// The first octets go out in place of the reply, then the second for ever.
    Endless(When, Vec<u8>, Vec<u8>),
    /// These octets follow the reply unasked, as if they were its end. Behind STLS's they go out in clear.
    Junk(When, Vec<u8>),
    /// After the command, what the client had sent behind it is lost, as if pipelining did not work.
    LosesPipelined(When),
    /// The reply goes out behind the next one.
    Postponed(When),
    /// The link is cut as soon as a command arrives together with the next one.
    HangsUpOnPipelining,
    /// The session is closed, and nothing deleted, once it has got so many `-ERR`.
    ClosesAfterRefusals(usize),
    /// Connections are accepted; nothing is ever said.
    Silent,
    /// The command is not known. It stays in CAPA's list; see also [`Fault::OmitCapability`].
    Unknown(String),
    /// CAPA leaves out lines that start with this word. What they announce works.
    OmitCapability(String),
    /// Everything is written in pieces of so many octets, each flushed.
    Pieces(usize),
    /// Replies start with `+ok` or `-err`.
    LowerCase,
    /// Lines end with LF alone.
    BareLineFeeds,
    /// Lines that start with a dot are sent as they are.
    Unstuffed,
    /// A message's last line has no end, so that the final dot stands behind it.
    GluedDot,
    /// LIST and STAT tell another size.
    Size(Which, Listed),
    /// UIDL tells another unique-id. Any octets; the same for several messages; or none at all.
    UniqueId(Which, Vec<u8>),
    /// The messages are numbered otherwise, from the next session on.
    Order(Order),
    /// A session shows only so many messages: the newest.
    NewestOnly(usize),
    /// A session shows only so many messages: the oldest.
    OldestOnly(usize),
    /// The reply to the command of that verb, LIST or UIDL, leaves a message out.
    Omit(String, Which),
    /// Behind a DELE, LIST and UIDL number what is left from 1 on, and all other commands as before.
    Renumbering,
    /// What RETR does about a message that another client has deleted.
    Expunged(Expunged),
    /// What was retrieved in a session is gone after it, however it ends.
    TakesRetrieved,
    /// QUIT answers `+OK` and this message is kept although it was marked.
    QuitForgets(Which),
    /// QUIT answers first, deletes after this time, and closes only then.
    QuitAnswersFirst(Duration),
}

impl Fault {
    /// The next logins, so many of them, are refused with `-ERR` and this text.
    pub fn refuse_login(text: impl Into<String>, times: usize) -> Self {
        Self::Refuse(When::login().times(times), text.into())
    }

    /// DELE of the message is refused with `-ERR` and this text.
    pub fn refuse_dele(unique_id: impl Into<Vec<u8>>, text: impl Into<String>) -> Self {
        Self::Refuse(When::every("DELE").about(unique_id), text.into())
    }

    /// RETR of the message is refused with `-ERR` and this text.
    pub fn refuse_retr(unique_id: impl Into<Vec<u8>>, text: impl Into<String>) -> Self {
        Self::Refuse(When::every("RETR").about(unique_id), text.into())
    }

    /// QUIT is refused with `-ERR` and this text; nothing is deleted.
    pub fn refuse_quit(text: impl Into<String>) -> Self {
        Self::Refuse(When::every("QUIT"), text.into())
    }
}

/// At which commands a fault shows, counted on all connections from the moment the fault was set.
///
/// Two verbs are not commands: `GREETING`, and `SASL` for the client's answer to a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    verbs: Vec<String>,
    unique_id: Option<Vec<u8>>,
    skipped: usize,
    times: usize,
}

impl When {
    /// Whatever the command.
    pub fn always() -> Self {
        Self {
            verbs: Vec::new(),
            unique_id: None,
            skipped: 0,
            times: usize::MAX,
        }
    }

    /// Each command of that verb.
    pub fn every(verb: &str) -> Self {
        Self {
            verbs: vec![verb.to_ascii_uppercase()],
            ..Self::always()
        }
    }

    /// The next command of that verb.
    pub fn first(verb: &str) -> Self {
        Self::every(verb).times(1)
    }

    /// The `nth` command of that verb from now; the next one is 1.
    pub fn nth(verb: &str, nth: usize) -> Self {
        Self {
            skipped: nth.saturating_sub(1),
            ..Self::first(verb)
        }
    }

    /// Each PASS, APOP and AUTH.
    pub fn login() -> Self {
        Self {
            verbs: ["PASS", "APOP", "AUTH"].map(String::from).to_vec(),
            ..Self::always()
        }
    }

    /// Only commands about this message.
    pub fn about(self, unique_id: impl Into<Vec<u8>>) -> Self {
        Self {
            unique_id: Some(unique_id.into()),
            ..self
        }
    }

    /// Only so often, then never again.
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Whether this is one of them, not counting.
    pub(crate) fn covers(&self, verb: &str, unique_id: Option<&[u8]>) -> bool {
        let verb_fits = self.verbs.is_empty() || self.verbs.iter().any(|own| own == verb);
        verb_fits && (self.unique_id.is_none() || self.unique_id.as_deref() == unique_id)
    }

    /// Counts one that is covered; whether it is its turn.
    pub(crate) fn takes_turn(&mut self) -> bool {
        if self.skipped > 0 {
            self.skipped -= 1;
            return false;
        }
        let due = self.times > 0;
        self.times = self.times.saturating_sub(1);
        due
    }
}

/// Which messages a fault is about, by their true unique-id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    Every,
    /// One.
    Message(Vec<u8>),
}

impl Which {
    pub(crate) fn is(&self, unique_id: &[u8]) -> bool {
        match self {
            Self::Every => true,
            Self::Message(own) => own == unique_id,
        }
    }
}

impl From<&[u8]> for Which {
    fn from(unique_id: &[u8]) -> Self {
        Self::Message(unique_id.into())
    }
}

impl From<&str> for Which {
    fn from(unique_id: &str) -> Self {
        Self::Message(unique_id.into())
    }
}

/// What LIST says in place of a size.
#[derive(Clone, Debug, PartialEq)]
pub enum Listed {
    /// This number.
    Value(u64),
    /// So many more, or fewer, than the truth; not less than 0.
    Offset(i64),
    /// So many times the truth.
    Factor(f64),
    /// These words; STAT counts them as 0.
    Text(String),
}

impl Listed {
    pub(crate) fn of(&self, size: u64) -> Result<u64, &str> {
        match self {
            Self::Value(value) => Ok(*value),
            Self::Offset(offset) => Ok(size.saturating_add_signed(*offset)),
            // The conversion saturates.
            Self::Factor(factor) => Ok((size as f64 * factor) as u64),
            Self::Text(text) => Err(text),
        }
    }
}

/// What RETR does about a message that another client has deleted, in place of an `-ERR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expunged {
    /// It gives it all the same.
    Given,
    /// It gives a message of no octets.
    Empty,
    /// It ends the session without a word.
    Fatal,
}

/// How a session numbers the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    Reversed,
    /// In disorder, and another one in each session; the seed settles which.
    Shuffled(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(mut when: When) -> Vec<bool> {
        (0..4).map(|_| when.takes_turn()).collect()
    }

    #[test]
    fn occurrences_are_counted_from_one() {
        assert_eq!(turns(When::every("X")), [true, true, true, true]);
        assert_eq!(turns(When::first("X")), [true, false, false, false]);
        assert_eq!(turns(When::nth("X", 3)), [false, false, true, false]);
        assert_eq!(turns(When::every("X").times(2)), [true, true, false, false]);
    }

    #[test]
    fn verbs_and_messages_are_told_apart() {
        let when = When::every("retr").about("one");
        assert!(when.covers("RETR", Some(b"one")));
        assert!(!when.covers("RETR", Some(b"two")));
        assert!(!when.covers("RETR", None));
        assert!(!when.covers("TOP", Some(b"one")));
        assert!(When::always().covers("TOP", None));
        assert!(When::login().covers("AUTH", None));
    }

    #[test]
    fn no_listed_size_overflows() {
        assert_eq!(Listed::Offset(i64::MIN).of(5), Ok(0));
        assert_eq!(Listed::Factor(f64::INFINITY).of(5), Ok(u64::MAX));
        assert_eq!(Listed::Factor(-1.0).of(5), Ok(0));
    }
}
