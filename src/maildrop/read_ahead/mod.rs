//! Which messages somebody will want next: a pure function of the opens so far.
//!
//! Programs that walk a directory know nothing of pipelining: they open one file, read it, and
//! open the next, in listing order or in an order of names, forwards or backwards, several at a time.
//! Two opens of neighbours make a walker; each further one that it foresaw lets it look further
//! ahead. So does the first message of all, opened when the whole directory has just been read. Any
//! other open that fits no walker may be the start of one, and costs nothing: a reader at random
//! must not pay for others' habits.

mod path;
mod plan;
mod walker;

use std::collections::VecDeque;
use std::mem;

use super::message::MessageId;
pub(super) use path::Sequence;
use walker::Walker;

/// Walkers followed at a time; more programs than that share a machine with two cores badly.
const WALKERS_MAX: usize = 16;

/// Opens remembered that may be the start of a walk. More would find neighbours by chance.
const STRAYS_MAX: usize = 8;

/// After how many opens of others a walker is taken for one who has stopped. Those who have not
/// share what may be looked ahead.
const STOPPED: u64 = 4 * WALKERS_MAX as u64;

/// Positions of messages in all orders.
pub(super) trait Ranks {
    /// The message's position.
    fn rank(&self, sequence: Sequence, id: MessageId) -> Option<usize>;
    /// The message at a position.
    fn at(&self, sequence: Sequence, rank: usize) -> Option<MessageId>;
    /// What it would take to have the message in memory.
    fn effort(&self, id: MessageId) -> Effort;
}

/// What it would take to have a message in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// So many listed octets.
    Fetch(u64),
    /// It is there, or on its way.
    Nothing,
    /// It is not shown any more, so no walk comes by.
    NotShown,
}

/// Follows the walkers.
#[derive(Debug, Default)]
pub(super) struct Predictor {
    /// The most recent last.
    walkers: Vec<Followed>,
    strays: VecDeque<MessageId>,
    /// Whether the directory has been read since the last open.
    announced: bool,
    opens: u64,
}

/// A walker, and which open was its last step.
#[derive(Debug)]
struct Followed {
    walker: Walker,
    moved: u64,
}

impl Predictor {
    /// Somebody reads the directory.
    pub fn announced(&mut self) {
        self.announced = true;
    }

    /// A message is opened.
    pub fn opened(&mut self, id: MessageId, ranks: &impl Ranks) {
        let announced = mem::take(&mut self.announced);
        self.opens += 1;
        if let Some(walker) = self.going_on(id, ranks) {
            return self.follow(walker);
        }
        // Threads that share a walk may be a little out of step.
        if self.all().any(|walker| walker.has_passed(id, ranks)) {
            return;
        }
        let expected = || Walker::from_the_start(id, ranks).filter(|_| announced);
        match self.beginning(id, ranks).or_else(expected) {
            Some(walker) => self.follow(walker),
            None => self.remember(id),
        }
    }

    /// The walker that has come to this message.
    fn going_on(&mut self, id: MessageId, ranks: &impl Ranks) -> Option<Walker> {
        let foresees = |it: &Followed| it.walker.foresees(id, ranks);
        let index = self.walkers.iter().rposition(foresees)?;
        let mut walker = self.walkers.remove(index).walker;
        walker.step(id, ranks);
        Some(walker)
    }

    /// The walker that has come to this message from one that was opened before.
    fn beginning(&mut self, id: MessageId, ranks: &impl Ranks) -> Option<Walker> {
        let strays = || self.strays.iter().enumerate().rev();
        let between = |sequence| {
            strays().find_map(|(index, &stray)| {
                Some((index, Walker::between(sequence, stray, id, ranks)?))
            })
        };
        let (index, walker) = Sequence::ALL.into_iter().find_map(between)?;
        self.strays.remove(index);
        Some(walker)
    }

    fn follow(&mut self, walker: Walker) {
        if self.walkers.len() >= WALKERS_MAX {
            self.walkers.remove(0);
        }
        let moved = self.opens;
        self.walkers.push(Followed { walker, moved });
    }

    fn remember(&mut self, id: MessageId) {
        if self.strays.contains(&id) {
            return;
        }
        self.strays.push_back(id);
        if self.strays.len() > STRAYS_MAX {
            self.strays.pop_front();
        }
    }

    /// The next message to fetch for whoever walks, looking at most `limit` octets ahead of all of
    /// them; it counts as planned from now on.
    pub fn plan(&mut self, limit: u64, ranks: &impl Ranks) -> Option<MessageId> {
        let (share, opens) = (self.share(limit), self.opens);
        self.walkers
            .iter_mut()
            .rev()
            .filter(|it| it.is_walking(opens))
            .find_map(|it| it.walker.plan(share, ranks))
    }

    /// Whether a walker has come so near to the end of what is planned that more should be.
    pub fn is_hungry(&self, limit: u64) -> bool {
        let share = self.share(limit);
        self.walking().any(|walker| walker.is_hungry(share))
    }

    /// Of what may be looked ahead, the part of each who walks.
    fn share(&self, limit: u64) -> u64 {
        limit / self.walking().count().max(1) as u64
    }

    fn walking(&self) -> impl Iterator<Item = &Walker> {
        let walking = self.walkers.iter().filter(|it| it.is_walking(self.opens));
        walking.map(|it| &it.walker)
    }

    fn all(&self) -> impl Iterator<Item = &Walker> {
        self.walkers.iter().map(|it| &it.walker)
    }

    /// What was passed over may be worth fetching now.
    pub fn look_again(&mut self) {
        for it in &mut self.walkers {
            it.walker.look_again();
        }
    }

    /// Whether somebody stands at this message who has walked for a while.
    pub fn is_sure_of(&self, id: MessageId, ranks: &impl Ranks) -> bool {
        self.all().any(|walker| walker.is_sure_of(id, ranks))
    }
}

impl Followed {
    /// Whether it moves, and there is more to look at ahead of it.
    fn is_walking(&self, opens: u64) -> bool {
        !self.walker.is_at_the_end() && opens - self.moved < STOPPED
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// A mailbox of messages of a kilobyte whose names are in another order than the listing.
    struct Mailbox {
        names: Vec<u32>,
        ranks: Vec<usize>,
        held: HashSet<u32>,
        hidden: HashSet<u32>,
        octets: u64,
    }

    impl Mailbox {
        fn of(count: u32) -> Self {
            let mut names: Vec<u32> = (0..count).collect();
            names.sort_by_key(|id| id.wrapping_mul(2_654_435_761));
            let mut ranks = vec![0; names.len()];
            for (rank, &id) in names.iter().enumerate() {
                ranks[id as usize] = rank;
            }
            Self {
                names,
                ranks,
                held: HashSet::new(),
                hidden: HashSet::new(),
                octets: 1000,
            }
        }
    }

    impl Ranks for Mailbox {
        fn rank(&self, sequence: Sequence, id: MessageId) -> Option<usize> {
            match sequence {
                Sequence::Listing => Some(id.0 as usize),
                Sequence::Name => self.ranks.get(id.0 as usize).copied(),
                Sequence::Collation => None,
            }
        }

        fn at(&self, sequence: Sequence, rank: usize) -> Option<MessageId> {
            let id = *self.names.get(rank)?;
            match sequence {
                Sequence::Listing => Some(MessageId(rank as u32)),
                Sequence::Name => Some(MessageId(id)),
                Sequence::Collation => None,
            }
        }

        fn effort(&self, id: MessageId) -> Effort {
            match id.0 {
                id if self.hidden.contains(&id) => Effort::NotShown,
                id if self.held.contains(&id) => Effort::Nothing,
                _ => Effort::Fetch(self.octets),
            }
        }
    }

    const LIMIT: u64 = 100_000;

    #[test]
    fn a_message_of_any_listed_size_is_enough_ahead() {
        let mailbox = Mailbox {
            octets: u64::MAX,
            ..Mailbox::of(10)
        };
        let mut predictor = Predictor::default();
        predictor.opened(MessageId(0), &mailbox);
        predictor.opened(MessageId(1), &mailbox);
        assert!(predictor.is_hungry(LIMIT));
        while predictor.plan(LIMIT, &mailbox).is_some() {}
        assert!(!predictor.is_hungry(LIMIT));
    }

    /// Opens the messages in turn, fetching what is planned; how many had to be waited for, and how
    /// many were fetched.
    fn walk(mailbox: &mut Mailbox, opens: impl IntoIterator<Item = u32>) -> (usize, usize) {
        let mut predictor = Predictor::default();
        let (mut waits, mut fetched) = (0, 0);
        for id in opens {
            predictor.opened(MessageId(id), mailbox);
            if mailbox.held.insert(id) {
                waits += 1;
                fetched += 1;
            }
            while let Some(next) = predictor.plan(LIMIT, mailbox) {
                assert!(mailbox.held.insert(next.0), "planned twice");
                fetched += 1;
            }
        }
        (waits, fetched)
    }

    #[test]
    fn a_walk_in_listing_order_waits_for_the_first_two() {
        assert_eq!(walk(&mut Mailbox::of(1000), 0..1000), (2, 1000));
    }

    #[test]
    fn one_who_has_read_the_directory_and_opens_its_first_message_is_known_at_once() {
        let mut mailbox = Mailbox::of(1000);
        mailbox.hidden = HashSet::from([0, 1, 2]);
        let names = mailbox.names.iter().copied();
        let by_name: Vec<u32> = names.filter(|&id| id > 2).take(2).collect();
        for [first, second] in [[3, 4], [by_name[0], by_name[1]]] {
            let mut predictor = Predictor::default();
            predictor.announced();
            predictor.opened(MessageId(first), &mailbox);
            assert_eq!(predictor.plan(LIMIT, &mailbox), Some(MessageId(second)));
        }
    }

    #[test]
    fn one_who_has_read_the_directory_is_trusted_with_a_part_of_what_may_be_looked_ahead() {
        let mailbox = Mailbox::of(10_000);
        let planned = |limit| {
            let mut predictor = Predictor::default();
            predictor.announced();
            predictor.opened(MessageId(0), &mailbox);
            std::iter::from_fn(|| predictor.plan(limit, &mailbox)).count()
        };
        assert_eq!([LIMIT, 400_000, 4_000_000].map(planned), [100, 263, 1000]);
    }

    #[test]
    fn one_who_has_read_the_directory_and_opens_any_message_announces_nothing() {
        let mailbox = Mailbox::of(1000);
        let mut predictor = Predictor::default();
        predictor.announced();
        predictor.opened(MessageId(5), &mailbox);
        predictor.opened(MessageId(0), &mailbox);
        assert_eq!(predictor.plan(LIMIT, &mailbox), None);
    }

    #[test]
    fn one_who_walks_among_messages_of_any_listed_size_is_not_hungry() {
        let mut mailbox = Mailbox::of(10);
        mailbox.octets = u64::MAX / 2 + 1;
        let mut predictor = Predictor::default();
        for id in 0..2 {
            predictor.opened(MessageId(id), &mailbox);
        }
        assert_eq!(predictor.plan(LIMIT, &mailbox), Some(MessageId(2)));
        assert!(!predictor.is_hungry(LIMIT));
    }

    #[test]
    fn a_walk_backwards_does_too() {
        assert_eq!(walk(&mut Mailbox::of(1000), (0..1000).rev()), (2, 1000));
    }

    #[test]
    fn a_walk_in_order_of_name_does_too() {
        let mut mailbox = Mailbox::of(1000);
        let names = mailbox.names.clone();
        let (waits, fetched) = walk(&mut mailbox, names);
        assert!(
            waits <= 3 && fetched == 1000,
            "{waits} waits, {fetched} fetched"
        );
    }

    #[test]
    fn removed_messages_are_stepped_over() {
        let mut mailbox = Mailbox::of(1000);
        mailbox.hidden = (0..1000).filter(|id| id % 3 == 1).collect();
        let shown: Vec<u32> = (0..1000).filter(|id| id % 3 != 1).collect();
        let (waits, fetched) = walk(&mut mailbox, shown.clone());
        assert_eq!((waits, fetched), (2, shown.len()));
    }

    #[test]
    fn a_walker_that_is_sure_may_leave_some_out() {
        let opens = (0..1000).filter(|id| *id < 20 || id % 5 == 0);
        assert!(walk(&mut Mailbox::of(1000), opens).0 <= 2);
    }

    #[test]
    fn several_walkers_are_followed_at_once() {
        let opens = (0..100).flat_map(|step| [step, 300 + step, 999 - step, 600 + step]);
        let (waits, fetched) = walk(&mut Mailbox::of(1000), opens);
        assert!(waits <= 8, "{waits}");
        assert!(fetched <= 400 + 4 * 100, "{fetched}");
    }

    #[test]
    fn several_walkers_look_no_further_ahead_than_one_may() {
        let walkers = 10;
        let opens = (0..100).flat_map(|step| (0..walkers).map(move |walker| 1000 * walker + step));
        let (_, fetched) = walk(&mut Mailbox::of(10_000), opens);
        let ahead = fetched - 100 * walkers as usize;
        assert!(ahead <= (LIMIT / 1000) as usize + 1, "{ahead}");
    }

    #[test]
    fn one_who_walks_on_alone_has_all_to_itself() {
        let mailbox = Mailbox::of(10_000);
        let mut predictor = Predictor::default();
        let mut planned = |opens: std::ops::Range<u32>| {
            opens.for_each(|id| predictor.opened(MessageId(id), &mailbox));
            std::iter::from_fn(|| predictor.plan(LIMIT, &mailbox)).count()
        };
        planned(5000..5010);
        assert!(planned(0..10) < 60);
        assert!(planned(10..100) > 90);
    }

    #[test]
    fn what_was_passed_over_is_planned_when_it_is_looked_at_again() {
        let mut mailbox = Mailbox::of(1000);
        mailbox.held = (0..1000).step_by(2).collect();
        let mut predictor = Predictor::default();
        (0..9).for_each(|id| predictor.opened(MessageId(id), &mailbox));
        let planned = |predictor: &mut Predictor, mailbox: &mut Mailbox, limit| {
            let next = predictor.plan(limit, mailbox)?.0;
            mailbox.held.insert(next).then_some(next)
        };
        while planned(&mut predictor, &mut mailbox, LIMIT).is_some() {}
        mailbox.held.remove(&20);
        assert_eq!(planned(&mut predictor, &mut mailbox, 2 * LIMIT), Some(209));
        predictor.look_again();
        assert_eq!(planned(&mut predictor, &mut mailbox, 2 * LIMIT), Some(20));
    }

    #[test]
    fn threads_that_share_a_walk_out_of_step_are_one_walker() {
        let opens = (0..250).flat_map(|four| [0, 1, 3, 2].map(|step| 4 * four + step));
        let (waits, fetched) = walk(&mut Mailbox::of(1000), opens);
        assert!(waits <= 8, "{waits}");
        assert_eq!(fetched, 1000);
    }

    #[test]
    fn a_walk_that_stops_has_cost_no_more_than_the_limit() {
        let (_, fetched) = walk(&mut Mailbox::of(1000), 0..50);
        assert!(fetched <= 50 + (LIMIT / 1000) as usize + 1, "{fetched}");
    }

    /// Numbers as they come, the same in each run of the test.
    fn at_random(seed: u64, below: u32) -> impl Iterator<Item = u32> {
        let mut state = seed;
        std::iter::repeat_with(move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32 % below
        })
    }

    #[test]
    fn a_reader_at_random_pays_next_to_nothing() {
        let (mut asked, mut fetched) = (0, 0);
        for seed in 0..50 {
            let opens: Vec<u32> = at_random(seed, 10_000).take(300).collect();
            asked += opens.iter().collect::<HashSet<_>>().len();
            fetched += walk(&mut Mailbox::of(10_000), opens).1;
        }
        assert!(fetched * 100 <= asked * 105, "{fetched} for {asked}");
    }

    proptest! {
        #[test]
        fn nothing_is_planned_twice_nor_what_is_hidden(
            opens in prop::collection::vec(0u32..60, 0..200), hidden in prop::collection::hash_set(0u32..60, 0..30)
        ) {
            let mut mailbox = Mailbox::of(60);
            mailbox.hidden = hidden.clone();
            walk(&mut mailbox, opens.iter().copied().filter(|id| !hidden.contains(id)));
            prop_assert!(mailbox.held.is_disjoint(&hidden));
        }
    }
}
