//! Messages to serve when there are no others.

use crate::message::Message;

macro_rules! sample {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../samples/", $name, ".eml")))
    };
}

/// A dozen small messages of many kinds, written for this project.
pub fn samples() -> Vec<Message> {
    let samples: [(&str, &[u8]); 13] = [
        sample!("01-welcome"),
        sample!("02-thread-question"),
        sample!("03-thread-answer"),
        sample!("04-thread-thanks"),
        sample!("05-attachment"),
        sample!("06-utf-8"),
        sample!("07-quoted-printable"),
        sample!("08-dots"),
        sample!("09-no-final-newline"),
        sample!("10-long-line"),
        sample!("11-empty-body"),
        sample!("12-invoice"),
        sample!("13-newsletter"),
    ];
    let messages = samples.map(|(name, text)| Message::new(name, text));
    messages.to_vec()
}
