//! What is asked in a session, and what comes of it.

use crate::pop3::Reply;
use crate::pop3::sasl::Mechanism;

use super::super::clock::Moment;
use super::super::fetch::Fetch;
use super::super::header::HeaderDigest;
use super::super::message::MessageId;
use super::super::pace::Pace;
use super::method::NoMethod;
use super::{Listing, SessionError};

/// What a reply in flight is the reply to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Exchange {
    Greeting,
    Capa,
    /// The same once logged in, for what is this login's own.
    OwnCapa,
    Stls,
    Utf8,
    Lang,
    Auth(Mechanism),
    Apop,
    User,
    Pass,
    Stat,
    Uidl,
    List,
    Retrieve(Retrieval),
    /// NOOP behind a message, to see that nothing more of it comes.
    Confirm(Retrieval),
    /// TOP for a header and no more.
    Header(MessageId),
    Delete(MessageId),
    Reset,
    Noop,
    Quit,
}

impl Exchange {
    /// Whether the reply is a line that the server gives without much thought, so that the wait for
    /// it tells the distance.
    pub(super) fn is_brief(self) -> bool {
        matches!(
            self,
            Self::User | Self::Auth(Mechanism::Plain) | Self::Pass | Self::Stat
        )
    }

    /// The message that is asked for, if one is.
    pub(super) fn retrieval(&self) -> Option<&Retrieval> {
        match self {
            Self::Retrieve(retrieval) => Some(retrieval),
            _ => None,
        }
    }

    /// Whether the server judges who logs in.
    pub fn is_login(&self) -> bool {
        matches!(self, Self::Auth(_) | Self::Apop | Self::User | Self::Pass)
    }

    /// What may lie behind a login that is refused, beside a wrong password.
    pub fn advice(&self) -> Option<String> {
        let elsewise = "if the password is right, the server may know it for another way only: \
            see --auth";
        match self {
            Self::Auth(Mechanism::Plain | Mechanism::Login) => None,
            Self::Auth(mechanism @ (Mechanism::OAuthBearer | Mechanism::XOAuth2)) => Some(format!(
                "{mechanism}: the token may have expired, or not be meant for POP3"
            )),
            Self::Auth(Mechanism::External) => {
                let reasons = "the certificate may be for another login, have expired, or come \
                    from an authority that the server does not know";
                Some(format!("EXTERNAL: {reasons}"))
            }
            Self::Auth(mechanism @ (Mechanism::ScramSha256Plus | Mechanism::ScramSha1Plus)) => {
                Some(format!(
                    "{mechanism}: if the password is right, the server may bind logins to TLS in \
                     another way: see --auth scram-sha-256"
                ))
            }
            Self::Auth(mechanism) => Some(format!("{mechanism}: {elsewise}")),
            Self::Apop => Some(format!("APOP: {elsewise}")),
            _ => None,
        }
    }
}

/// A message, or its beginning, to be asked for.
pub(in super::super) struct Request {
    pub fetch: Fetch,
    /// What will come, in octets, as far as is known.
    pub octets: u64,
    /// How many lines to ask for, of a beginning.
    pub lines: u32,
    /// Whether nothing may go behind it.
    pub alone: bool,
    /// How long the message should be; 0 if nothing is known.
    pub expected: u64,
}

/// A message that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Retrieval {
    pub(super) fetch: Fetch,
    pub(super) octets: u64,
    pub(super) alone: bool,
    pub(super) asked: Moment,
    /// When the first of it came; when it was asked for, before.
    pub(super) begun: Moment,
    /// Listed octets that were still to come then, its own included.
    pub(super) in_flight: u64,
    /// Whether other replies were due then.
    pub(super) is_behind: bool,
    /// How long it should be, as far as is known; 0 if nothing is.
    pub(super) expected: u64,
    /// How many octets have come of it.
    pub(super) received: u64,
}

impl Retrieval {
    /// Whether it is as long as it should be. Many servers do not count the line end that they add
    /// to an unfinished last line.
    pub(super) fn is_plausible(&self) -> bool {
        let more = self.received.checked_sub(self.expected);
        self.expected == 0 || matches!(more, Some(0 | 2))
    }

    /// Whether it is as long as it is listed: two octets more may be dots that were stuffed after all.
    pub(super) fn is_exact(&self) -> bool {
        self.received == self.expected
    }

    /// Whether a message that is expected to be that long would pass for this one.
    pub(super) fn resembles(&self, expected: u64) -> bool {
        self.expected == 0 || matches!(expected.abs_diff(self.expected), 0 | 2)
    }

    /// How many have come of the octets that were listed.
    pub(super) fn come(&self) -> u64 {
        self.received.min(self.octets)
    }

    /// Whether it can have been cut off by a dot that the server has not stuffed.
    pub(super) fn is_short(&self) -> bool {
        self.received < self.expected
    }

    pub(super) fn answered(&mut self, now: Moment, pace: &mut Pace) {
        self.begun = now;
        pace.answered(self.octets, now - self.asked, self.in_flight);
    }

    pub(super) fn ended(&self, now: Moment, pace: &mut Pace) {
        let alone = self.in_flight == self.octets;
        pace.came(self.received, now - self.begun, alone);
    }
}

/// What the engine must know of.
pub(in super::super) enum Happening {
    /// The server is ready for the TLS handshake.
    StartTls,
    /// The server will not let us in.
    Refused { during: Exchange, reply: Reply },
    /// TLS was asked for, and the server does not offer it.
    NoStartTls,
    /// Messages are listed, and none of them with the unique-id that it should have.
    NoUniqueIds,
    /// There is no way to log in that both sides have.
    NoMethod(NoMethod),
    /// Logged in, and the listings are complete.
    Listed(Listing),
    /// What was fetched is all there.
    Retrieved(Fetch),
    /// A message has come while other replies were due, and it, or one before it, is not as long as
    /// it should be.
    Suspect { id: MessageId, is_odd: bool },
    /// A message has come with lines that start with a dot, and shows that the server does not stuff
    /// those; it was taken otherwise.
    Unstuffed(Fetch),
    /// A message has come with such lines, and whether all of them are its own cannot be told.
    Garbled(Fetch),
    /// RETR or TOP was refused.
    NotRetrieved(Fetch, Reply),
    /// The header of a message has come, with this digest.
    HeaderCame(MessageId, Option<HeaderDigest>),
    /// TOP was refused for a header.
    HeaderRefused(MessageId, Reply),
    /// The answer to DELE.
    Deleted(MessageId, Reply),
    /// The answer to RSET.
    Reset(Reply),
    /// The answer to QUIT.
    Quit(Reply),
}

impl Happening {
    /// Whether nothing follows from it where this comes right behind it.
    pub(super) fn is_void_before(&self, error: &SessionError) -> bool {
        match self {
            Self::Quit(_) => true,
            Self::Retrieved(_) | Self::Suspect { .. } | Self::HeaderCame(..) => {
                error.is_desynchronised()
            }
            _ => false,
        }
    }

    /// Whether the server did, or refused, what the session is for.
    pub fn is_service(&self) -> bool {
        matches!(
            self,
            Self::Retrieved(_)
                | Self::NotRetrieved(..)
                | Self::HeaderCame(..)
                | Self::HeaderRefused(..)
                | Self::Quit(_)
        )
    }
}

/// Whether a refusal is about how much one may fetch. There is no response code for that.
pub(in super::super) fn is_about_a_limit(reply: &Reply) -> bool {
    let words = reply.text().to_ascii_lowercase();
    ["quota", "exceed", "limit"]
        .iter()
        .any(|word| words.contains(word))
}
