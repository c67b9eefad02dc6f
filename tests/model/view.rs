//! What one session shows, as the mount ought to understand it.

use std::collections::{BTreeMap, HashMap};

use pop3fs_server::Message;

use crate::mail::{MailId, Post};

/// A session's listing.
#[derive(Clone, Default)]
pub struct View {
    /// The mail that each file name stands for.
    pub names: BTreeMap<String, MailId>,
    /// The mail that shares a unique-id, with the sizes told, in order of number.
    groups: HashMap<Vec<u8>, Vec<(MailId, u64)>>,
}

impl View {
    /// The view of a session that shows these messages, with these sizes in place of their own; whether unique-ids
    /// are told, too.
    pub fn new(
        messages: &[Message],
        sizes: &HashMap<MailId, u64>,
        post: &Post,
        tells: bool,
        suffix: &str,
    ) -> Self {
        let mut view = Self::default();
        for message in messages {
            let id = post.find(message);
            let unique_id: &[u8] = match tells {
                true => &post.mails[id].unique_id,
                false => b"",
            };
            let group = view.groups.entry(unique_id.to_vec()).or_default();
            let size = sizes.get(&id).copied().unwrap_or(post.mails[id].listed);
            group.push((id, size));
            let name = file_name(unique_id, group.len(), suffix);
            view.names.insert(name, id);
        }
        view
    }

    /// Whether it shows mail.
    pub fn shows(&self, id: MailId) -> bool {
        self.names.values().any(|&shown| shown == id)
    }

    /// The size that is told of it.
    pub fn size(&self, id: MailId) -> Option<u64> {
        let mut told = self.groups.values().flatten();
        told.find(|(own, _)| *own == id).map(|(_, size)| *size)
    }

    /// Whether any unique-id is told of several messages.
    pub fn has_duplicates(&self) -> bool {
        self.groups.values().any(|group| group.len() > 1)
    }

    /// Whether nothing but its place tells mail from other mail of its unique-id.
    pub fn is_told_by_place(&self, id: MailId) -> bool {
        let has = |group: &&Vec<(MailId, u64)>| group.iter().any(|(own, _)| *own == id);
        let group = self.groups.values().find(has);
        group.is_some_and(|group| group.len() > 1)
    }

    /// Whether the mail, and all that shares its unique-id, is told as it was before.
    pub fn tells_as(&self, before: &Self, id: MailId) -> bool {
        let group = |view: &Self| {
            let member = |group: &&Vec<(MailId, u64)>| group.iter().any(|(own, _)| *own == id);
            view.groups.values().find(member).cloned()
        };
        group(self).is_some() && group(self) == group(before)
    }
}

/// A second reading of how a unique-id becomes a file name, for those short enough.
fn file_name(unique_id: &[u8], occurrence: usize, suffix: &str) -> String {
    let mut name: String = unique_id.iter().copied().map(escaped).collect();
    if unique_id.is_empty() {
        name.push_str("%no-unique-id");
    }
    if [".", "..", ".pop3fs"].contains(&name.as_str()) {
        name.replace_range(..1, "%2E");
    }
    if name.starts_with('-') {
        name.replace_range(..1, "%2D");
    }
    let stem = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    if let Some(start) = stem.strip_suffix('~').filter(|_| stem.len() < name.len()) {
        name = format!("{start}%7E{}", &name[stem.len()..]);
    }
    match occurrence {
        1 => format!("{name}{suffix}"),
        _ => format!("{name}~{occurrence}{suffix}"),
    }
}

fn escaped(octet: u8) -> String {
    match octet {
        b'%' | b'/' | b'|' | ..b' ' | 0x7f.. => format!("%{octet:02X}"),
        plain => char::from(plain).to_string(),
    }
}
