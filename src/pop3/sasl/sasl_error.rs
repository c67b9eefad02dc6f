//! Why a client gives up.

use std::fmt;

/// Why the client gave the exchange up. After it the server is not to be believed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaslError {
    /// A challenge that is not in base 64, or not what the mechanism has at this place.
    Malformed,
    /// A challenge after all has been said.
    OutOfTurn,
    /// The server's nonce does not begin with the client's.
    ForeignNonce,
    /// So few rounds of digesting that the password could be guessed from what is sent.
    TooFewRounds(u32),
    /// So many rounds that they would keep the client busy for long.
    TooManyRounds(u64),
    /// The server asks for an extension that must be understood, and is not.
    UnknownExtension,
    /// The server does not know the password, so it is not the one that is meant.
    Impostor,
}

impl fmt::Display for SaslError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("a challenge that makes no sense"),
            Self::OutOfTurn => f.write_str("a challenge too many"),
            Self::ForeignNonce => f.write_str("a challenge that is not an answer to ours"),
            Self::TooFewRounds(rounds) => write!(
                f,
                "{rounds} rounds of digesting, so few that the password could be guessed"
            ),
            Self::TooManyRounds(rounds) => {
                write!(
                    f,
                    "{rounds} rounds of digesting, more than any server needs"
                )
            }
            Self::UnknownExtension => f.write_str("an extension of SCRAM that is not known"),
            Self::Impostor => f.write_str(
                "the server has not proved that it knows the password; it may be an impostor",
            ),
        }
    }
}
