//! The unique-id of a message, kept where it takes no room if it can be: its name begins with it,
//! unless it had to be escaped.

/// Where a unique-id is found.
#[derive(Debug)]
pub(super) enum UniqueId {
    /// So many octets at the beginning of the name.
    BeginsName(u8),
    /// In the name it is escaped.
    Apart(Box<[u8]>),
}

impl UniqueId {
    /// The unique-id of a message that has this name.
    pub fn new(unique_id: &[u8], name: &str) -> Self {
        let begins_name = name.as_bytes().starts_with(unique_id);
        let length = u8::try_from(unique_id.len()).ok();
        match length.filter(|_| begins_name) {
            Some(length) => Self::BeginsName(length),
            None => Self::Apart(unique_id.into()),
        }
    }

    /// What the server calls the message that has this name; empty where it has no unique-id.
    pub fn within<'a>(&'a self, name: &'a str) -> &'a [u8] {
        match self {
            Self::BeginsName(length) => {
                let name = name.as_bytes();
                name.get(..usize::from(*length)).unwrap_or(name)
            }
            Self::Apart(unique_id) => unique_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_unique_id_is_kept_whether_the_name_begins_with_it_or_not(name: String, unique_id: Vec<u8>, length: u8) {
            let beginning = &name.as_bytes()[..name.len().min(length.into())];
            for unique_id in [beginning, &unique_id] {
                let kept = UniqueId::new(unique_id, &name);
                prop_assert_eq!(kept.within(&name), unique_id);
            }
        }
    }
}
