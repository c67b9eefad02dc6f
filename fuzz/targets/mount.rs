//! A whole mount, whose server says anything while programs use it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pop3fs::maildrop::{
    Answer, Correction, Entry, Error, MessageId, Method, Moment, OpenMessage, Outage, OutageKind,
    Place, Settings, Terms,
};
use pop3fs::net::Security;

use super::names::assert_legal;
use super::printable::{PASSWORD, assert_no_secret, assert_printable};
use super::rig::{self, Rig};

/// The octets are what the server says, with what else happens between two `#` and the end of that
/// line, a letter and a digit each; the first line is the mount's settings. Whatever they are:
///
/// - every request is answered by its deadline, and the engine comes to rest;
/// - no DELE is sent unless a commit was asked for, and no more than messages were marked;
/// - what is read of an open message is never a mixture of two, and has one end;
/// - names are legal and no two the same; a message is found by its own;
/// - what the server says is printable where it is shown, and the password is not repeated;
/// - every command is a line that POP3 can carry.
pub fn run(data: &[u8]) {
    let mut parts = data.split(|octet| *octet == b'#');
    let mut user = User::new(parts.next().unwrap_or_default());
    user.rig.settle();
    for part in parts {
        let end = part.iter().position(|octet| *octet == b'\n');
        let (happenings, server) = part.split_at(end.map_or(part.len(), |end| end + 1));
        let (happenings, _) = happenings.as_chunks();
        for &[what, which] in happenings {
            user.happens(what, which.wrapping_sub(b'0') % 10);
            user.check();
        }
        user.hear(server);
        user.check();
    }
    user.rig.wait(Duration::from_secs(1000));
    user.check();
    assert!(user.requests.is_empty());
}

/// Programs that use the mount.
struct User {
    rig: Rig,
    requests: Vec<Request>,
    handles: Arc<Mutex<Vec<Handle>>>,
    /// How often the daemon was started anew, and with it the ids.
    restarts: usize,
    /// What was marked, after which start.
    marked: BTreeSet<(usize, MessageId)>,
    commits: usize,
    /// Whether the server repeats what it was never told, as chance has it.
    is_prophetic: bool,
}

/// Something that was asked for.
struct Request {
    until: Moment,
    error: Arc<Mutex<Option<Option<Error>>>>,
}

/// An open message, and what was read of it.
struct Handle {
    open: OpenMessage,
    octets: BTreeMap<u64, u8>,
    end: Option<u64>,
}

impl User {
    fn new(letters: &[u8]) -> Self {
        let mut user = Self {
            rig: Rig::new(settings(letters)),
            requests: Vec::new(),
            handles: Arc::default(),
            restarts: 0,
            marked: BTreeSet::new(),
            commits: 0,
            is_prophetic: false,
        };
        user.happens(b'n', 0);
        user
    }

    fn happens(&mut self, what: u8, number: u8) {
        let maildrop = self.rig.maildrop.clone();
        match what {
            b'n' => maildrop.connect(self.answer(drop)),
            b'f' => maildrop.refresh(self.answer(drop)),
            b'p' => maildrop.park(self.answer(drop)),
            b'o' => self.open(number),
            b'r' => self.read(number),
            b'z' => self.handles.lock().unwrap().clear(),
            b'e' => {
                if let Some(entry) = self.entry(Place::Root, number) {
                    maildrop.measure(entry.id, self.answer(drop));
                }
            }
            b'm' => self.mark(number),
            b'u' => {
                if let Some(entry) = self.entry(Place::Deleted, number) {
                    maildrop.undelete(Some(&entry.name), Box::new(drop));
                }
            }
            b'c' => self.commit(number),
            b'w' => maildrop.expect_walk(),
            b't' => self.rig.wait(span(number)),
            b's' => self.sleep(span(number)),
            b'x' => self.rig.cut(None),
            b'y' => self.rig.cut(Some(Outage::new(OutageKind::Lost, "reset"))),
            b'b' => self.rig.outage = Some(outage(number)),
            b'j' => self.rig.paper.turn_over(),
            b'k' => self.restart(),
            _ => {}
        }
        self.rig.settle();
    }

    fn hear(&mut self, server: &[u8]) {
        self.rig.settle();
        let was_told = ["PASS", "AUTH"]
            .iter()
            .any(|verb| contains(&self.rig.written, verb.as_bytes()));
        if !was_told || self.rig.sessions > 1 {
            let said = [&self.rig.heard, server].concat();
            self.is_prophetic |= contains(&said, PASSWORD.as_bytes());
        }
        self.rig.hear(server);
    }

    /// Whoever waits has as much time left afterwards as before.
    fn sleep(&mut self, span: Duration) {
        for request in &mut self.requests {
            request.until = request.until + span;
        }
        self.rig.sleep(span);
    }

    fn restart(&mut self) {
        self.handles.lock().unwrap().clear();
        self.requests.clear();
        // What was marked can be deleted later, by other ids.
        self.restarts += 1;
        self.rig.restart();
        self.happens(b'n', 0);
    }

    fn open(&mut self, number: u8) {
        let Some(entry) = self.entry(Place::Root, number) else {
            return;
        };
        let handles = self.handles.clone();
        let opened = move |(open, correction): (OpenMessage, Option<Correction>)| {
            let handle = Handle::new(open, correction);
            handles.lock().unwrap().push(handle);
        };
        let answer = self.answer(opened);
        self.rig.maildrop.open(entry.id, answer);
    }

    /// Reads in all open messages.
    fn read(&mut self, number: u8) {
        let (offset, length) = (
            u64::from(number / 3) * 40,
            [1, 50, 4096][usize::from(number % 3)],
        );
        let opens: Vec<OpenMessage> = {
            let handles = self.handles.lock().unwrap();
            handles.iter().map(|handle| handle.open.clone()).collect()
        };
        for (index, open) in opens.iter().enumerate() {
            let handles = self.handles.clone();
            let id = open.id;
            let answer = self.answer(move |octets: pop3fs::maildrop::Octets| {
                let mut handles = handles.lock().unwrap();
                // It may have been closed meanwhile, and another opened in its place.
                if let Some(handle) = handles.get_mut(index).filter(|it| it.open.id == id) {
                    handle.read(offset, length, &octets);
                }
            });
            self.rig.maildrop.read(open, offset, length, answer);
        }
    }

    fn mark(&mut self, number: u8) {
        let Some(entry) = self.entry(Place::Root, number) else {
            return;
        };
        let (sender, answer) = channel();
        let tell = move |done| sender.send(done).unwrap();
        self.rig.maildrop.mark(entry.id, Box::new(tell));
        if matches!(answer.try_recv(), Ok(Ok(()))) {
            self.marked.insert((self.restarts, entry.id));
        }
    }

    fn commit(&mut self, number: u8) {
        self.commits += 1;
        let terms = Terms {
            is_last: number & 1 > 0,
            verify: Some(number & 2 > 0),
            even_unread: number & 4 > 0,
        };
        let answer = self.answer(|report: Arc<pop3fs::maildrop::CommitReport>| {
            for message in &report.messages {
                assert_printable(message.reason.as_deref().unwrap_or_default());
                assert_printable(&message.unique_id);
            }
        });
        self.rig.maildrop.commit(terms, answer);
    }

    fn entry(&self, place: Place, number: u8) -> Option<Entry> {
        self.rig.entries(place).into_iter().nth(usize::from(number))
    }

    /// Where the answer to a request goes.
    fn answer<T: 'static>(&mut self, then: impl FnOnce(T) + Send + 'static) -> Answer<T> {
        let error = Arc::new(Mutex::new(None));
        self.requests.push(Request {
            until: self.rig.now() + Duration::from_secs(60),
            error: error.clone(),
        });
        Box::new(move |result| {
            *error.lock().unwrap() = Some(match result {
                Ok(value) => {
                    then(value);
                    None
                }
                Err(why) => Some(why),
            });
        })
    }

    fn check(&mut self) {
        self.check_commands();
        self.check_answers();
        self.check_names();
        let status = self.rig.maildrop.status();
        if let Some(problem) = &status.link.problem {
            self.assert_shown(problem);
        }
        let capabilities = status.link.capabilities.iter();
        capabilities.for_each(|line| assert_printable(&line.replace('\t', " ")));
    }

    fn check_commands(&mut self) {
        let written = &self.rig.written;
        assert!(written.is_empty() || written.ends_with(b"\r\n"));
        let mut deleted = BTreeSet::new();
        for line in written.split(|octet| *octet == b'\n') {
            assert!(line.len() <= 254 && line.is_ascii());
            if let Some(number) = line.strip_prefix(b"DELE ") {
                deleted.insert(number);
            }
        }
        assert!(
            deleted.is_empty() || self.commits > 0,
            "DELE without a commit"
        );
        assert!(
            deleted.len() <= self.marked.len(),
            "more is deleted than was marked"
        );
    }

    fn check_answers(&mut self) {
        let now = self.rig.now();
        let mut errors = Vec::new();
        self.requests.retain(|request| {
            let answer = request.error.lock().unwrap().take();
            assert!(
                answer.is_some() || request.until >= now,
                "a request outlasts its deadline"
            );
            let is_due = answer.is_none();
            errors.extend(answer.flatten());
            is_due
        });
        errors
            .iter()
            .for_each(|error| self.assert_shown(&error.to_string()));
    }

    fn check_names(&self) {
        let places = [Place::Root, Place::Deleted];
        let entries: Vec<Entry> = places
            .into_iter()
            .flat_map(|place| self.rig.entries(place))
            .collect();
        let names: BTreeSet<&str> = entries.iter().map(|entry| &*entry.name).collect();
        assert_eq!(names.len(), entries.len());
        names.iter().for_each(|name| assert_legal(name));
        for entry in &entries {
            let found = self.rig.maildrop.peek(entry.place, &entry.name);
            assert_eq!(found.map(|found| found.id), Some(entry.id));
        }
    }

    fn assert_shown(&self, text: &str) {
        assert_printable(text);
        if !self.is_prophetic {
            assert_no_secret(text);
        }
    }
}

impl Handle {
    fn new(open: OpenMessage, correction: Option<Correction>) -> Self {
        let mut handle = Self {
            open,
            octets: BTreeMap::new(),
            end: None,
        };
        if let Some((offset, octet)) = correction.and_then(|correction| correction.last) {
            handle.octets.insert(offset, octet);
            handle.end = Some(offset + 1);
        }
        handle
    }

    fn read(&mut self, offset: u64, length: usize, octets: &[u8]) {
        assert!(octets.len() <= length);
        for (at, octet) in (offset..).zip(octets) {
            assert_eq!(self.octets.entry(at).or_insert(*octet), octet, "at {at}");
            assert!(self.end.is_none_or(|end| at < end));
        }
        if octets.len() < length {
            let end = offset + octets.len() as u64;
            // A read that starts behind the end does not tell where that is.
            if !octets.is_empty() || offset == 0 {
                assert_eq!(*self.end.get_or_insert(end), end);
            }
            assert!(self.end.is_none_or(|known| known <= end));
            assert!(self.octets.range(end..).next().is_none());
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|at| at == part)
}

fn settings(letters: &[u8]) -> Settings {
    let mut settings = rig::settings();
    for letter in letters {
        match letter {
            b's' => settings.security = Security::StartTls,
            b'i' => settings.security = Security::ImplicitTls,
            b'a' => settings.method = Some(Method::Apop),
            b'u' => settings.method = Some(Method::UserPass),
            b'd' => settings.language = Some("de".to_owned()),
            b'e' => settings.suffix = ".eml".to_owned(),
            b'c' => settings.cache_size = 0,
            b'r' => settings.read_ahead = 1 << 20,
            b'l' => settings.long = 10,
            b'm' => settings.message_max = Some(50),
            b't' => settings.top = false,
            b'0' => settings.idle = Some(Duration::from_secs(1)),
            b'f' => settings.refresh = Some(Duration::from_secs(300)),
            b'v' => settings.verify_commit = true,
            b'1' => settings.commit_every = Some(1),
            b'g' => settings.delete_guard = Some(1),
            b'x' => settings.exact_sizes = true,
            _ => {}
        }
    }
    settings
}

fn span(number: u8) -> Duration {
    Duration::from_millis(
        [
            100, 1000, 2000, 5000, 10_000, 30_000, 60_000, 100_000, 300_000, 1_000_000,
        ][usize::from(number)],
    )
}

fn outage(number: u8) -> OutageKind {
    [
        OutageKind::NoHost,
        OutageKind::Unreachable,
        OutageKind::Tls,
        OutageKind::Busy,
        OutageKind::NoPassword,
    ][usize::from(number % 5)]
}
