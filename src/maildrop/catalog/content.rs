//! What a whole RETR has shown of a message.

use super::super::date;
use super::super::fingerprint::Fingerprint;
use super::super::folder_data::is_folder_data;

/// What is kept of a message's bytes once they have come.
#[derive(Debug)]
pub struct Content {
    pub size: u64,
    pub last: Option<u8>,
    pub date: Option<i64>,
    pub fingerprint: Fingerprint,
    /// Whether it says that the server keeps data of its own in it.
    pub is_folder_data: bool,
}

impl Content {
    /// What the octets of a whole message show; of one that is too long for memory, these are the
    /// first of `size`, and the last one comes by itself.
    pub fn of(octets: &[u8], size: u64, last: Option<u8>, fingerprint: Fingerprint) -> Self {
        Self {
            size,
            last,
            date: date::date(octets),
            fingerprint,
            is_folder_data: is_folder_data(octets),
        }
    }
}
