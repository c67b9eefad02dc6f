//! What the [predictor](super::super::read_ahead) knows of the mailbox, and what it is told.

use std::cell::OnceCell;
use std::mem;

use super::super::fetch::Fetch;
use super::super::message::{MessageId, Place};
use super::super::name_order::NameOrder;
use super::super::read_ahead::{Effort, Predictor, Ranks, Sequence};
use super::super::schedule::Window;
use super::State;

/// Windows that a walk may be looked ahead: one is on the wire, one is read, and the rest absorbs
/// that both go in bursts.
const WINDOWS: u64 = 4;

/// A message that is no more than this part of a window comes whole, to one who walks, hardly later
/// than its beginning, for which all that is in flight would have to come in first.
const QUICK: u64 = 4;

/// Who walks the mailbox.
#[derive(Debug, Default)]
pub(super) struct Foresight {
    predictor: Predictor,
    names: OnceCell<NameOrder>,
    collated: OnceCell<NameOrder>,
    /// How much is to be in flight, in octets.
    window: u64,
    /// The longest message that the link carries soon enough.
    longest: u64,
    /// What that was when messages were last looked at that had been passed over as too long.
    looked: u64,
    /// Whether programs go on beyond the beginning of a long message, as far as is known.
    goes_on: bool,
    /// The long message opened last, if nobody has gone on in it yet.
    begun: Option<MessageId>,
}

impl State {
    /// A program has read the directory, or is about to.
    pub fn expect_walk(&mut self) {
        self.foresight.predictor.announced();
    }

    /// A program has opened a message, or reads one that must be fetched again.
    pub fn foresee(&mut self, id: MessageId) {
        self.look_ahead(|predictor, mailbox| predictor.opened(id, mailbox));
        if self.foresight.predictor.is_sure_of(id, self) {
            self.cache.pass(Fetch::whole(id));
        }
    }

    /// So much is to be in flight from now on. At each doubling of what a message may be long to be
    /// fetched ahead, those are looked at again that were passed over.
    pub fn spread(&mut self, window: Window) {
        let foresight = &mut self.foresight;
        foresight.window = window.octets;
        foresight.longest = window.longest;
        foresight.looked = foresight.looked.min(window.longest.saturating_mul(2));
        if window.longest / 2 >= foresight.looked {
            foresight.looked = window.longest;
            foresight.predictor.look_again();
        }
    }

    /// The next message to fetch for one who will probably want it; counts as asked for.
    pub fn plan(&mut self) -> Option<MessageId> {
        let limit = self.limit();
        self.look_ahead(|predictor, mailbox| predictor.plan(limit, mailbox))
    }

    /// How far to look ahead, in octets.
    fn limit(&self) -> u64 {
        let windows = self.foresight.window.saturating_mul(WINDOWS);
        windows.min(self.settings.read_ahead)
    }

    /// The predictor is taken out, so that it can look at the mailbox it is part of.
    fn look_ahead<R>(&mut self, ask: impl FnOnce(&mut Predictor, &Self) -> R) -> R {
        let mut predictor = mem::take(&mut self.foresight.predictor);
        let answer = ask(&mut predictor, self);
        self.foresight.predictor = predictor;
        answer
    }

    /// Whether so little is left of what was planned that more should be.
    pub fn is_hungry(&self) -> bool {
        self.foresight.predictor.is_hungry(self.limit())
    }

    /// A program has opened a long message that is not here.
    pub fn begins(&mut self, id: MessageId) {
        let before = self.foresight.begun.replace(id);
        if before.is_some_and(|before| before != id) {
            self.foresight.goes_on = false;
        }
    }

    /// A program reads a long message beyond its beginning.
    pub fn goes_on(&mut self) {
        self.foresight.begun = None;
        if !mem::replace(&mut self.foresight.goes_on, true) {
            self.foresight.predictor.look_again();
        }
    }

    /// Whether the message is opened by one who walks and will probably read it to the end.
    pub fn is_read_through(&self, id: MessageId) -> bool {
        let listed = self.catalog.message(id).map(|message| message.listed);
        listed.is_some_and(|listed| listed <= self.longest())
            && self.foresight.predictor.is_sure_of(id, self)
    }

    /// New messages came, which have their places in the order of names.
    pub fn reorder(&mut self) {
        self.foresight.names.take();
        self.foresight.collated.take();
    }

    /// Whether a message that was planned is still to be fetched ahead.
    pub fn is_missing(&self, id: MessageId) -> bool {
        matches!(self.effort(id), Effort::Fetch(_))
    }

    fn name_order(&self) -> &NameOrder {
        let names = &self.foresight.names;
        names.get_or_init(|| NameOrder::of_octets(&self.catalog))
    }

    fn collated(&self) -> &NameOrder {
        let collated = &self.foresight.collated;
        collated.get_or_init(|| NameOrder::of_languages(&self.catalog, self.name_order()))
    }

    /// Whether nothing else may be in flight with it. A beginning has no length by which it could be
    /// told from another, so a server that loses one of two commands could put it under the wrong
    /// name. Of a message that takes its time and is not known, too, what comes can be handed out
    /// before its end only where it is certain whose it is.
    pub fn goes_alone(&self, fetch: Fetch) -> bool {
        let message = self.catalog.message(fetch.id);
        let takes_time = message.is_some_and(|message| message.listed > self.longest());
        !fetch.is_whole() || takes_time && self.known(fetch.id).is_none()
    }

    /// Longer messages are not fetched ahead: whoever asks for another one would wait for them.
    fn longest_ahead(&self) -> u64 {
        self.longest().min(self.foresight.longest)
    }

    /// Longer messages take their time: who walks and only looks at what each message is would wait
    /// for all of them.
    fn longest(&self) -> u64 {
        let beginnings = self.settings.top
            && self.prefixes.are_usable()
            && self.candour.is_credible()
            && !self.settings.exact_sizes;
        self.settings
            .long
            .max(if beginnings && !self.foresight.goes_on {
                self.foresight.window / QUICK
            } else {
                self.limit()
            })
    }
}

impl Ranks for State {
    fn rank(&self, sequence: Sequence, id: MessageId) -> Option<usize> {
        match sequence {
            Sequence::Listing => Some(id.index() as usize),
            Sequence::Name => self.name_order().rank(id),
            Sequence::Collation => self.collated().rank(id),
        }
    }

    fn at(&self, sequence: Sequence, rank: usize) -> Option<MessageId> {
        match sequence {
            Sequence::Listing => self.catalog.at(rank),
            Sequence::Name => self.name_order().at(rank),
            Sequence::Collation => self.collated().at(rank),
        }
    }

    fn effort(&self, id: MessageId) -> Effort {
        match self.catalog.message(id) {
            Some(message) if message.place == Place::Root => {
                let whole = Fetch::whole(id);
                let held = self.holdings.whole(id).is_some();
                let here = held || self.cache.holds(whole) || self.arrivals.contains_key(&whole);
                let is_left = message.listed > self.longest_ahead()
                    || self.settings.is_too_long(message.size());
                if here || is_left {
                    Effort::Nothing
                } else {
                    Effort::Fetch(message.size().shown())
                }
            }
            _ => Effort::NotShown,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::super::super::engine::rig::{Rig, settings};
    use super::super::super::engine::script::Script;
    use super::super::super::locked;
    use super::super::super::settings::Settings;
    use super::*;

    const SHORT: &str = "Subject: short\r\n\r\nfew words\r\n";

    /// A mailbox where every tenth message is long.
    fn mailbox(read_ahead: u64) -> Rig {
        let long = format!("Subject: long\r\n\r\n{}", "many words\r\n".repeat(20_000));
        let names: Vec<String> = (0..100).map(|number| format!("{number:02}")).collect();
        let text = |name: &String| if name.ends_with('7') { &*long } else { SHORT };
        let messages: Vec<_> = names.iter().map(|name| (&**name, text(name))).collect();
        let script = Script::of(&messages).announcing(&["TOP", "PIPELINING"]);
        let settings = Settings {
            long: 100_000,
            cache_size: 1 << 24,
            read_ahead,
            ..settings()
        };
        let mut rig = Rig::with(settings, script, Vec::new());
        rig.connect().unwrap();
        rig
    }

    fn window(octets: u64, longest: u64) -> Window {
        Window {
            commands: 4000,
            octets,
            longest,
        }
    }

    /// Walks through the mailbox, and reads of each message so much; how often TOP and RETR were
    /// sent.
    fn walk(read: &[(u64, usize)]) -> (usize, usize) {
        let mut rig = mailbox(1 << 20);
        for number in 0..100 {
            let open = rig
                .open(&format!("{number:02}"))
                .given()
                .expect("an answer")
                .unwrap();
            for &(offset, length) in read {
                rig.part(&open, offset, length)
                    .given()
                    .expect("an answer")
                    .unwrap();
            }
        }
        (rig.script.count("TOP"), rig.script.count("RETR"))
    }

    #[test]
    fn who_walks_and_reads_a_long_message_through_is_given_the_next_ones_whole() {
        let (tops, retrs) = walk(&[(0, 5000), (5000, 100_000), (105_000, 200_000)]);
        assert_eq!((tops, retrs), (1, 100));
    }

    #[test]
    fn who_walks_and_looks_at_the_beginnings_is_given_no_more() {
        let (tops, retrs) = walk(&[(0, 5000)]);
        assert_eq!((tops, retrs), (10, 90));
    }

    #[test]
    fn who_walks_in_the_order_of_a_language_is_foreseen() {
        let names = ["aB", "Ac", "b", "C", "d", "E"];
        let shuffled = [5, 2, 0, 3, 1, 4].map(|place| (names[place], SHORT));
        let settings = Settings {
            read_ahead: 1 << 20,
            ..settings()
        };
        let mut rig = Rig::with(settings, Script::of(&shuffled), Vec::new());
        rig.connect().unwrap();
        names[..3].iter().for_each(|name| drop(rig.body(name)));
        assert_eq!(rig.script.count("RETR"), names.len());
    }

    #[test]
    fn a_long_message_that_is_short_beside_the_window_is_not_left_out() {
        let rig = mailbox(1 << 30);
        let mut state = locked(&rig.maildrop.0.state);
        (0..9).for_each(|index| state.foresee(MessageId(index)));
        let mut planned = |octets| -> Vec<MessageId> {
            state.spread(window(octets, octets));
            iter::from_fn(|| state.plan()).collect()
        };
        let (narrow, wide) = (planned(1 << 16), planned(1 << 20));
        assert!(narrow.contains(&MessageId(99)) && !narrow.contains(&MessageId(17)));
        assert!(wide.contains(&MessageId(17)));
    }

    #[test]
    fn nothing_is_fetched_ahead_that_would_keep_others_waiting() {
        let rig = mailbox(1 << 30);
        let mut state = locked(&rig.maildrop.0.state);
        state.goes_on();
        (0..9).for_each(|index| state.foresee(MessageId(index)));
        let mut is_planned = |longest| {
            state.spread(window(1 << 18, longest));
            iter::from_fn(|| state.plan()).any(|id| id == MessageId(17))
        };
        assert!(!is_planned(1 << 17));
        assert!(is_planned(1 << 18));
    }
}
