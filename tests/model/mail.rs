//! The mail that there ever was in a run, and how each is told from every other.
//!
//! Two that have both the unique-id and the listed size in common at one time are twins. Only which of them comes first
//! tells them apart, and how many there are, so twins come together, and no third one comes later. What replaces mail of
//! the same unique-id and size has its place.

use pop3fs_server::Message;

use crate::dice::Dice;

/// One piece of mail: its place in the [`Post`].
pub type MailId = usize;

/// Unique-ids that are awkward as file names.
const ODD: [&[u8]; 9] = [
    b"a/b",
    b"100%",
    b"..",
    b".pop3fs",
    b"x~2",
    b"x",
    b"%41",
    b"\xff\xfe",
    b"-rf",
];

/// Mail of all sizes that matter: a few blocks of the fingerprint, what TOP is asked for at least, what the kernel
/// reads at once.
const LONG: [usize; 4] = [8 * 1024, 12 * 1024, 64 * 1024, 128 * 1024];

/// So long that it goes to the disk in more than one piece, where it does.
const HUGE: usize = 2 << 20;

/// Sizes are spread so far around those.
const SPREAD: usize = 6000;

/// Lines are not much longer than that.
const LINE: usize = 1000;

/// Shorter mail has no header.
const HEADER: usize = 60;

/// A piece of mail.
pub struct Mail {
    pub unique_id: Vec<u8>,
    pub listed: u64,
    /// All octets that the server ever gave for it; the first are those in the store.
    pub versions: Vec<Vec<u8>>,
    /// The server says something about its unique-id, so no other mail may get that.
    is_singled_out: bool,
    /// Whether all versions begin with a header of its own.
    has_header: bool,
    /// Whether it has a twin, or had.
    is_twin: bool,
}

impl Mail {
    /// It may be taken for what it would be if its dots had been stuffed: if it has two wherever it has any, nothing
    /// shows that they were not.
    fn lose_dots(&mut self) {
        let lines = self.versions[0].split_inclusive(|&octet| octet == b'\n');
        let dotted = lines.clone().filter(|line| line.starts_with(b"."));
        if dotted.clone().count() > 0 && dotted.clone().all(|line| line.starts_with(b"..")) {
            let lines = lines.map(|line| line.strip_prefix(b".").unwrap_or(line));
            let octets = lines.collect::<Vec<_>>().concat();
            self.versions.push(octets);
        }
    }
}

/// All mail that there ever was.
pub struct Post {
    pub mails: Vec<Mail>,
    tells_unique_ids: bool,
    /// Whether some of it has a unique-id in common.
    shares_unique_ids: bool,
    /// Whether there are twins.
    pub has_twins: bool,
    /// Whether much of it is long.
    pub is_long: bool,
    /// Whether some of it is very long.
    pub is_huge: bool,
    /// Whether it is listed with its size, as far as that tells it from other mail.
    is_honest: bool,
    /// Whether the size of each is its own, and told: then nobody takes one for another, nor a part for the whole.
    has_own_sizes: bool,
    /// Whether lines that start with a dot may be sent as they are.
    is_unstuffed: bool,
}

impl Post {
    pub fn new(
        tells_unique_ids: bool,
        shares_unique_ids: bool,
        has_own_sizes: bool,
        dice: &mut Dice,
    ) -> Self {
        Self {
            has_own_sizes,
            is_unstuffed: false,
            is_huge: false,
            mails: Vec::new(),
            tells_unique_ids,
            shares_unique_ids,
            has_twins: tells_unique_ids && shares_unique_ids && !has_own_sizes && dice.one_in(4),
            is_long: dice.one_in(4),
            is_honest: has_own_sizes || dice.one_in(2),
        }
    }

    /// Somebody writes new mail, or twins.
    pub fn write(&mut self, dice: &mut Dice) -> Vec<Message> {
        let first = self.write_one(dice);
        if first.unique_id.is_empty() || !self.has_twins || !dice.one_in(3) {
            return vec![first];
        }
        let id = self.mails.len() - 1;
        self.mails[id].is_twin = true;
        vec![first, self.write_like(id, dice)]
    }

    fn write_one(&mut self, dice: &mut Dice) -> Message {
        let unique_id = self.new_unique_id(dice);
        self.write_as(unique_id, dice)
    }

    /// Somebody writes mail that gets the unique-id of this, and another size.
    pub fn write_beside(&mut self, id: MailId, dice: &mut Dice) -> Message {
        self.write_as(self.mails[id].unique_id.clone(), dice)
    }

    fn write_as(&mut self, unique_id: Vec<u8>, dice: &mut Dice) -> Message {
        let (message, has_header) = self.new_message(&unique_id, None, dice);
        let listed = self.new_size(&unique_id, message.octets.len(), dice);
        self.add(message.listed(listed), has_header, false)
    }

    /// Somebody writes new mail, which gets the unique-id and the size of other mail, for that is gone; none where
    /// something else depends on those.
    pub fn write_over(&mut self, id: MailId, dice: &mut Dice) -> Option<Message> {
        let mail = &self.mails[id];
        let is_alone = mail.unique_id.is_empty() || mail.is_singled_out || self.has_own_sizes;
        (!is_alone).then(|| self.write_like(id, dice))
    }

    /// Somebody writes mail that gets the unique-id and the size of this.
    fn write_like(&mut self, id: MailId, dice: &mut Dice) -> Message {
        let Mail {
            unique_id,
            listed,
            is_twin,
            ..
        } = &self.mails[id];
        let (listed, is_twin) = (*listed, *is_twin);
        let (message, has_header) = self.new_message(unique_id, Some(listed), dice);
        self.add(message.listed(listed), has_header, is_twin)
    }

    fn add(&mut self, message: Message, has_header: bool, is_twin: bool) -> Message {
        self.mails.push(Mail {
            unique_id: message.unique_id.clone(),
            listed: message.listed.expect("mail is listed"),
            versions: vec![message.octets.clone()],
            is_singled_out: false,
            has_header,
            is_twin,
        });
        if self.is_unstuffed {
            self.mails.last_mut().map(Mail::lose_dots);
        }
        message
    }

    /// From now on lines that start with a dot may be sent as they are.
    pub fn stuff_no_more(&mut self) {
        if !self.is_unstuffed {
            self.is_unstuffed = true;
            self.mails.iter_mut().for_each(Mail::lose_dots);
        }
    }

    /// The server will give other octets for it.
    pub fn rewrite(&mut self, id: MailId, dice: &mut Dice) -> &[u8] {
        let length = match dice.one_in(2) {
            true => self.mails[id].versions[0].len(),
            false => self.length(dice),
        };
        let header = self.mails[id].has_header.then_some(id);
        let octets = letter(header, 1000 + id, length, dice);
        let octets = Message::new("", &octets).octets;
        let versions = &mut self.mails[id].versions;
        versions.push(octets);
        &versions[versions.len() - 1]
    }

    /// Whether there is UIDL.
    pub fn tells_unique_ids(&self) -> bool {
        self.tells_unique_ids
    }

    /// Which mail the message is.
    pub fn find(&self, message: &Message) -> MailId {
        let told = (message.listed, &message.unique_id);
        let same = |mail: &Mail| {
            (Some(mail.listed), &mail.unique_id) == told && mail.versions[0] == message.octets
        };
        self.mails
            .iter()
            .position(same)
            .expect("mail is not made up")
    }

    /// Its twins, if it has any, and what has replaced them; not itself.
    pub fn twins(&self, id: MailId) -> impl Iterator<Item = MailId> {
        let told = |mail: &Mail| (mail.listed, mail.unique_id.clone());
        let same = move |other: &MailId| {
            let (mail, other_mail) = (&self.mails[id], &self.mails[*other]);
            *other != id && mail.is_twin && told(mail) == told(other_mail)
        };
        (0..self.mails.len()).filter(same)
    }

    /// Keeps its unique-id from being shared, so that something else can be said of it; false if it is shared already, or
    /// there is none, or the truth must be said.
    pub fn single_out(&mut self, id: MailId) -> bool {
        if self.has_own_sizes {
            return false;
        }
        let unique_id = &self.mails[id].unique_id;
        let same = |mail: &&Mail| mail.unique_id == *unique_id;
        let is_alone = !unique_id.is_empty() && self.mails.iter().filter(same).count() == 1;
        self.mails[id].is_singled_out = is_alone;
        is_alone
    }

    fn new_unique_id(&self, dice: &mut Dice) -> Vec<u8> {
        match dice.below(12) {
            0 | 1 if self.shares_unique_ids && !self.mails.is_empty() => {
                let mail = &self.mails[dice.below(self.mails.len())];
                match mail.is_singled_out {
                    true => Vec::new(),
                    false => mail.unique_id.clone(),
                }
            }
            2 if self.mails.len() < ODD.len() => ODD[self.mails.len()].to_vec(),
            3 => Vec::new(),
            _ => format!("uid{}", self.mails.len()).into_bytes(),
        }
    }

    /// A message, and whether it has a header; it has not the octets of any that shares its unique-id and this size.
    fn new_message(
        &self,
        unique_id: &[u8],
        listed: Option<u64>,
        dice: &mut Dice,
    ) -> (Message, bool) {
        let id = self.mails.len();
        loop {
            let length = self.length(dice);
            let has_header = length > HEADER && !dice.one_in(3);
            let octets = letter(has_header.then_some(id), id, length, dice);
            let message = Message::new(unique_id, &octets);
            let is_like = |mail: &Mail| match self.has_own_sizes {
                // What is listed with two octets less than it has passes, too.
                true => matches!(mail.versions[0].len().abs_diff(message.octets.len()), 0 | 2),
                false => {
                    (Some(mail.listed), &mail.unique_id) == (listed, &message.unique_id)
                        && mail.versions[0] == message.octets
                }
            };
            if !self.mails.iter().any(is_like) {
                return (message, has_header);
            }
        }
    }

    fn length(&self, dice: &mut Dice) -> usize {
        match dice.below(24) {
            0..8 if self.is_long => LONG[dice.below(LONG.len())] - SPREAD / 2 + dice.below(SPREAD),
            // To list it as that means that nothing is known of its size.
            8 if !self.has_own_sizes => 0,
            9 => 400 + dice.below(3000),
            10..12 if self.is_huge => dice.below(HUGE),
            _ => dice.below(400),
        }
    }

    fn new_size(&self, unique_id: &[u8], honest: usize, dice: &mut Dice) -> u64 {
        let mut size = match dice.below(4) {
            0 if !self.is_honest => dice.number(0..500),
            _ => honest as u64,
        };
        let is_taken = |size| {
            let same = |mail: &Mail| !self.tells_unique_ids || mail.unique_id == unique_id;
            self.mails
                .iter()
                .any(|mail| same(mail) && mail.listed == size)
        };
        while is_taken(size) {
            size += dice.number(1..50);
        }
        size
    }
}

/// A message of about that length: the header of this mail, if it has one, and a text.
fn letter(mail: Option<MailId>, serial: usize, length: usize, dice: &mut Dice) -> Vec<u8> {
    let header = mail.map(|id| format!("Message-ID: <{id}@example.org>\nStatus: RO\n\n"));
    let mut octets = header.unwrap_or_default().into_bytes();
    octets.extend(text(serial, length.saturating_sub(octets.len()), dice));
    octets
}

/// A text of about that length in which no two lines, of this mail and of any other, are the same.
fn text(serial: usize, length: usize, dice: &mut Dice) -> Vec<u8> {
    let mut octets = Vec::with_capacity(length + LINE);
    while octets.len() < length {
        octets.extend(format!("{}{serial}:{}", dots(dice), octets.len()).bytes());
        octets.extend((0..dice.below(12)).map(|_| dice.letter()));
        let filled = octets.len() + dice.below(if length > 4 * LINE { LINE } else { 80 });
        octets.resize(filled, b'=');
        octets.push(b'\n');
    }
    octets.truncate(length);
    octets
}

fn dots(dice: &mut Dice) -> &'static str {
    [".", "..", "", "", ""][dice.below(5)]
}
