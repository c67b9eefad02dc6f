//! What all mechanisms are, seen from the wire.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::SaslError;
use crate::pop3::Secret;

/// The client's side of one exchange. Responses are not in base 64 yet.
pub(super) trait Client: Send {
    /// What is said first; nothing where the server speaks first.
    fn first(&mut self) -> Option<Secret>;

    /// Whether the first response may go with the command.
    fn may_speak_first(&self) -> bool {
        true
    }

    /// The response to a challenge.
    fn respond(&mut self, challenge: Challenge<'_>) -> Result<Response, SaslError>;

    /// Whether the server may say that it is content: it has proved what it must.
    fn is_content(&self) -> bool {
        true
    }

    /// Why the server will refuse, in its own words, as far as it has said so in a challenge.
    fn complaint(&self) -> Option<&[u8]> {
        None
    }
}

/// A client that has one thing to say, at once.
pub(super) struct Single(Option<Secret>);

impl Single {
    pub(super) fn new(response: Secret) -> Self {
        Self(Some(response))
    }
}

impl Client for Single {
    fn first(&mut self) -> Option<Secret> {
        self.0.take()
    }

    fn respond(&mut self, _challenge: Challenge<'_>) -> Result<Response, SaslError> {
        Err(SaslError::OutOfTurn)
    }
}

/// What a challenge is answered by.
pub(super) enum Response {
    /// This.
    Ready(Secret),
    /// What comes of this; it may take a second.
    Worked(Work),
}

/// The making of a response.
pub(in crate::pop3) type Work = Box<dyn FnOnce() -> Secret + Send>;

/// What the server said behind its `+`.
#[derive(Clone, Copy)]
pub(super) struct Challenge<'a>(pub(super) &'a [u8]);

impl Challenge<'_> {
    /// The octets that the base 64 stands for.
    pub(super) fn decoded(&self) -> Result<Vec<u8>, SaslError> {
        STANDARD.decode(self.0).map_err(|_| SaslError::Malformed)
    }

    /// The same as text.
    pub(super) fn text(&self) -> Result<String, SaslError> {
        String::from_utf8(self.decoded()?).map_err(|_| SaslError::Malformed)
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A secret from a test's text.
    pub(in super::super) fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    /// What a client answers to a challenge that is not in base 64 yet.
    pub(in super::super) fn answer(
        client: &mut dyn Client,
        challenge: &[u8],
    ) -> Result<String, SaslError> {
        let encoded = STANDARD.encode(challenge);
        let response = match client.respond(Challenge(encoded.as_bytes()))? {
            Response::Ready(response) => response,
            Response::Worked(work) => work(),
        };
        Ok(response.expose().to_owned())
    }

    /// What a client says first.
    pub(in super::super) fn first(client: &mut dyn Client) -> Option<String> {
        client.first().map(|secret| secret.expose().to_owned())
    }
}
