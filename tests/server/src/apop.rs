//! APOP (RFC 1939 section 7).

use data_encoding::HEXLOWER;
use md5::{Digest, Md5};

/// The timestamp of the greeting, in its angle brackets.
pub(crate) struct Challenge(pub String);

impl Challenge {
    /// What a client that knows the password sends.
    pub(crate) fn digest(&self, password: &str) -> String {
        HEXLOWER.encode(&Md5::digest(format!("{}{password}", self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc() {
        let challenge = Challenge("<1896.697170952@dbc.mtview.ca.us>".into());
        assert_eq!(
            challenge.digest("tanstaaf"),
            "c4c9334bac560ecc979e58001b3e22fb"
        );
    }
}
