//! What happens, as a file that many can read at once: `.pop3fs/events`.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::Error;
use super::pending::{Interruptible, Pending};
use crate::maildrop::{Event, EventKind, Octets};

/// Octets of lines that are kept for readers that have not come to them yet: some ten thousand
/// events, which a listing can bring at once. They are kept once, however many read.
const KEPT_MAX: usize = 1 << 20;

/// All that happens, for whoever opens it: each reader has the lines since then.
#[derive(Clone, Default)]
pub struct Events(Arc<Mutex<Log>>);

/// An event, on its way to those who had the file open when it happened.
pub struct News {
    events: Events,
    event: Event,
    /// The number of the last of them.
    last: u64,
}

/// A reader, from the opening of the file until it is dropped.
#[derive(Debug)]
pub(super) struct Watcher {
    events: Events,
    number: u64,
}

/// Is called once when there is something to read.
pub(super) type Poller = Box<dyn FnOnce() + Send>;

/// What is to be done once the lock is released.
type Due = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Log {
    lines: VecDeque<Line>,
    /// The number of the first of them.
    first: u64,
    octets: usize,
    readers: HashMap<u64, Reader>,
    opened: u64,
    ended: bool,
}

struct Line {
    time: i64,
    text: Arc<str>,
}

#[derive(Default)]
struct Reader {
    /// The number of the next line.
    next: u64,
    /// What is left of a line whose beginning was read.
    rest: Vec<u8>,
    waiting: VecDeque<Read>,
    poller: Option<Poller>,
}

struct Read {
    length: usize,
    answer: Pending<Octets>,
}

impl Events {
    /// What is to be told of an event that happens now; nothing if nobody reads.
    pub fn news(&self, event: Event) -> Option<News> {
        let log = self.log();
        let news = || News {
            events: self.clone(),
            event,
            last: log.opened,
        };
        (!log.readers.is_empty()).then(news)
    }

    /// Nothing will happen any more: readers come to the end of the file.
    pub fn end(&self) {
        let due = {
            let mut log = self.log();
            log.ended = true;
            log.due()
        };
        due.into_iter().for_each(|deed| deed());
    }

    /// A new reader.
    pub(super) fn watch(&self) -> Watcher {
        let mut log = self.log();
        log.opened += 1;
        let (number, next) = (log.opened, log.next());
        let reader = Reader {
            next,
            ..Reader::default()
        };
        log.readers.insert(number, reader);
        Watcher {
            events: self.clone(),
            number,
        }
    }

    /// Nothing can be half done inside, so a poisoned lock is as good as any.
    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}

impl News {
    /// Tells it.
    pub fn tell(self) {
        let due = {
            let mut log = self.events.log();
            if log.readers.is_empty() || log.ended {
                return;
            }
            log.append(&self.event, self.last);
            log.due()
        };
        due.into_iter().for_each(|deed| deed());
    }
}

impl Watcher {
    /// Answers with the next lines, as far as they fit, and with nothing at the end; where there
    /// are none yet, when there are, or with [`Error::WouldBlock`] if that must not be.
    pub(super) fn read(&self, length: usize, may_wait: bool, answer: Pending<Octets>) {
        let result = {
            let mut log = self.events.log();
            let ended = log.ended;
            match log.take(self.number, length) {
                Some(octets) => Ok(octets),
                None if ended => Ok(Vec::new()),
                None if may_wait => return log.wait(self.number, Read { length, answer }),
                None => Err(Error::WouldBlock),
            }
        };
        answer.give(result.map(Octets::Copied));
    }

    /// Whether a read would be answered at once; if not, `poller` is called when it would.
    pub(super) fn poll(&self, poller: Option<Poller>) -> bool {
        let mut log = self.events.log();
        let is_ready = log.is_ready(self.number);
        // One who only looks takes nothing from one who waits.
        if let Some(poller) = poller.filter(|_| !is_ready)
            && let Some(reader) = log.readers.get_mut(&self.number)
        {
            reader.poller = Some(poller);
        }
        is_ready
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut log = self.events.log();
        let reader = log.readers.remove(&self.number);
        if log.readers.is_empty() {
            log.forget();
        }
        drop(log);
        // It has answers in it, which are not given under the lock.
        drop(reader);
    }
}

impl Log {
    /// The number of the line to come.
    fn next(&self) -> u64 {
        self.first + self.lines.len() as u64
    }

    /// A line for the readers up to the `last` one: those that came later find it told already.
    fn append(&mut self, event: &Event, last: u64) {
        let (text, number) = (line_of(event), self.next());
        for (_, late) in self
            .readers
            .iter_mut()
            .filter(|(reader, _)| **reader > last)
        {
            if late.next == number {
                late.next += 1;
            }
        }
        self.octets += text.len();
        let time = event.time;
        self.lines.push_back(Line { time, text });
        while self.octets > KEPT_MAX
            && let Some(oldest) = self.lines.pop_front()
        {
            self.octets -= oldest.text.len();
            self.first += 1;
        }
    }

    /// Lets go of all lines.
    fn forget(&mut self) {
        self.first = self.next();
        self.lines.clear();
        self.octets = 0;
    }

    fn wait(&mut self, number: u64, read: Read) {
        if let Some(reader) = self.readers.get_mut(&number) {
            // Those that were interrupted would otherwise be kept until something happens.
            reader.waiting.retain(|read| !read.answer.is_over());
            reader.waiting.push_back(read);
        }
    }

    fn is_ready(&self, number: u64) -> bool {
        let has_more = |reader: &Reader| !reader.rest.is_empty() || reader.next < self.next();
        self.ended || self.readers.get(&number).is_some_and(has_more)
    }

    /// The next octets for a reader, if there are any.
    fn take(&mut self, number: u64, length: usize) -> Option<Vec<u8>> {
        let reader = self.readers.get_mut(&number)?;
        let mut octets = Vec::new();
        while octets.len() < length {
            if reader.rest.is_empty() {
                match reader.next_line(&self.lines, self.first) {
                    Some(line) => reader.rest = line.as_bytes().to_vec(),
                    None => break,
                }
            }
            let fitting = reader.rest.len().min(length - octets.len());
            octets.extend(reader.rest.drain(..fitting));
        }
        (!octets.is_empty() || length == 0).then_some(octets)
    }

    /// Whoever waited for what there is now.
    fn due(&mut self) -> Vec<Due> {
        let numbers: Vec<u64> = self.readers.keys().copied().collect();
        let mut due = Vec::new();
        for number in numbers {
            self.satisfy(number, &mut due);
            if self.is_ready(number)
                && let Some(reader) = self.readers.get_mut(&number)
            {
                due.extend(reader.poller.take());
            }
        }
        due
    }

    fn satisfy(&mut self, number: u64, due: &mut Vec<Due>) {
        while self.is_ready(number)
            && let Some(reader) = self.readers.get_mut(&number)
            && let Some(read) = reader.waiting.pop_front()
        {
            // Nothing is taken for one who was interrupted.
            if let Some(answer) = read.answer.take() {
                let octets = self.take(number, read.length).unwrap_or_default();
                due.push(Box::new(move || answer(Ok(Octets::Copied(octets)))));
            }
        }
    }
}

impl Reader {
    /// The next line, which tells of those that this reader has missed where it has.
    fn next_line(&mut self, lines: &VecDeque<Line>, first: u64) -> Option<Arc<str>> {
        let missed = first.saturating_sub(self.next);
        if missed > 0 {
            self.next = first;
            let time = lines.front().map_or(0, |line| line.time);
            let kind = EventKind::Missed { events: missed };
            return Some(line_of(&Event { time, kind }));
        }
        let index = usize::try_from(self.next - first).ok()?;
        let line = lines.get(index)?;
        self.next += 1;
        Some(line.text.clone())
    }
}

/// An event as a line of JSON.
fn line_of(event: &Event) -> Arc<str> {
    // No event holds what JSON has no form for.
    let mut line = serde_json::to_string(event).unwrap_or_default();
    line.push('\n');
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    use proptest::prelude::*;

    fn event(messages: u64) -> Event {
        let kind = EventKind::Connected { messages };
        Event { time: 7, kind }
    }

    fn line(messages: u64) -> String {
        line_of(&event(messages)).to_string()
    }

    fn tell(events: &Events, messages: u64) {
        if let Some(news) = events.news(event(messages)) {
            news.tell();
        }
    }

    type Answers = Receiver<Result<String, Error>>;

    fn read_as(watcher: &Watcher, length: usize, may_wait: bool) -> (Answers, Pending<Octets>) {
        let (given, answers) = channel();
        let text = |octets: Octets| String::from_utf8(octets.to_vec()).unwrap();
        let pending = Pending::new(move |answer: Result<Octets, Error>| {
            // Whoever looks no longer has seen enough.
            let _ = given.send(answer.map(text));
        });
        watcher.read(length, may_wait, pending.clone());
        (answers, pending)
    }

    fn read(watcher: &Watcher) -> Answers {
        read_as(watcher, 1 << 16, true).0
    }

    fn read_now(watcher: &Watcher, length: usize) -> Result<String, Error> {
        read_as(watcher, length, false).0.try_recv().unwrap()
    }

    #[test]
    fn each_reader_has_all_that_happens_after_its_opening() {
        let events = Events::default();
        tell(&events, 1);
        let early = events.watch();
        tell(&events, 2);
        let late = events.watch();
        tell(&events, 3);
        assert_eq!(read_now(&early, 1 << 16), Ok(line(2) + &line(3)));
        assert_eq!(read_now(&late, 1 << 16), Ok(line(3)));
    }

    #[test]
    fn a_reader_is_not_told_what_happened_before_its_opening() {
        let events = Events::default();
        let early = events.watch();
        let news = events.news(event(1)).unwrap();
        let late = events.watch();
        news.tell();
        tell(&events, 2);
        assert_eq!(read_now(&early, 1 << 16), Ok(line(1) + &line(2)));
        assert_eq!(read_now(&late, 1 << 16), Ok(line(2)));
    }

    #[test]
    fn a_reader_waits_until_something_happens() {
        let events = Events::default();
        let watcher = events.watch();
        let answer = read(&watcher);
        assert!(answer.try_recv().is_err());
        tell(&events, 1);
        assert_eq!(answer.try_recv(), Ok(Ok(line(1))));
    }

    #[test]
    fn a_reader_that_must_not_wait_is_told_to_come_again() {
        let watcher = Events::default().watch();
        assert_eq!(read_now(&watcher, 100), Err(Error::WouldBlock));
    }

    #[test]
    fn an_interrupted_reader_loses_nothing() {
        let events = Events::default();
        let watcher = events.watch();
        let (answer, pending) = read_as(&watcher, 1 << 16, true);
        pending.interrupt();
        tell(&events, 1);
        assert_eq!(answer.try_recv(), Ok(Err(Error::Interrupted)));
        assert_eq!(read_now(&watcher, 1 << 16), Ok(line(1)));
    }

    #[test]
    fn reads_that_were_interrupted_do_not_pile_up() {
        let events = Events::default();
        let watcher = events.watch();
        for _ in 0..3 {
            let (_, pending) = read_as(&watcher, 1 << 16, true);
            pending.interrupt();
        }
        let waiting = |log: &Log| log.readers[&watcher.number].waiting.len();
        assert_eq!(waiting(&events.log()), 1);
    }

    #[test]
    fn whoever_polls_is_called_once_when_there_is_something_to_read() {
        let events = Events::default();
        let watcher = events.watch();
        let (called, calls) = channel();
        let poller = move || called.send(()).unwrap();
        assert!(!watcher.poll(Some(Box::new(poller))));
        assert!(!watcher.poll(None), "another one looks");
        tell(&events, 1);
        tell(&events, 2);
        assert_eq!(calls.iter().count(), 1);
        assert!(watcher.poll(None));
        read_now(&watcher, 1 << 16).unwrap();
        assert!(!watcher.poll(None));
    }

    #[test]
    fn a_slow_reader_loses_the_oldest_and_is_told_how_many() {
        let events = Events::default();
        let slow = events.watch();
        let many = (KEPT_MAX / line(1000).len()) as u64 + 1000;
        (1000..1000 + many).for_each(|number| tell(&events, number));
        assert!(events.log().octets <= KEPT_MAX);
        let text = read_now(&slow, 2 * KEPT_MAX).unwrap();
        let (first, rest) = text.split_once('\n').unwrap();
        let kept = rest.lines().count() as u64;
        let missed = many - kept;
        let told = format!(r#"{{"time":7,"event":"missed","events":{missed}}}"#);
        assert_eq!(first, told);
        assert!(missed > 0 && rest.ends_with(&line(1000 + many - 1)));
    }

    #[test]
    fn at_the_end_readers_have_what_was_left_and_then_nothing() {
        let events = Events::default();
        let (busy, waiting) = (events.watch(), events.watch());
        tell(&events, 1);
        read_now(&waiting, 1 << 16).unwrap();
        let answer = read(&waiting);
        events.end();
        assert_eq!(answer.try_recv(), Ok(Ok(String::new())));
        assert_eq!(read_now(&busy, 1 << 16), Ok(line(1)));
        assert_eq!(read_now(&busy, 1 << 16), Ok(String::new()));
        assert!(busy.poll(None));
    }

    #[test]
    fn nothing_is_kept_when_nobody_reads() {
        let events = Events::default();
        let watcher = events.watch();
        tell(&events, 1);
        drop(watcher);
        tell(&events, 2);
        assert!(events.log().lines.is_empty());
    }

    proptest! {
        #[test]
        fn however_much_is_read_at_once_it_is_the_same_text(
            lengths in prop::collection::vec(1usize..60, 1..200), count in 0u64..40
        ) {
            let events = Events::default();
            let watcher = events.watch();
            (0..count).for_each(|number| tell(&events, number));
            let whole: String = (0..count).map(line).collect();
            let mut text = String::new();
            for length in lengths {
                match read_now(&watcher, length) {
                    Ok(part) => {
                        prop_assert!(part.len() <= length);
                        text += &part;
                    }
                    Err(error) => prop_assert_eq!(error, Error::WouldBlock),
                }
            }
            prop_assert!(whole.starts_with(&text));
        }
    }
}
