//! The beginnings of long messages, for those who may want no more of them.

use super::super::arrival::{Appended, Arrival, Begun};
use super::super::effects::Effects;
use super::super::fetch::Fetch;
use super::super::fingerprint::Fingerprint;
use super::super::message::MessageId;
use super::super::octets::Body;
use super::super::reader::{Read, due};
use super::State;

impl State {
    /// How many lines of the message to ask for.
    pub fn lines(&mut self, fetch: Fetch) -> u32 {
        let arrival = self.arrivals.get_mut(&fetch).filter(|_| !fetch.is_whole());
        arrival.map_or(0, Arrival::ask_for_lines)
    }

    /// A piece of a beginning came.
    pub(super) fn beginning_arrived(&mut self, fetch: Fetch, octets: &[u8]) {
        let arrival = self.arrivals.get_mut(&fetch);
        let appended = arrival.map(|arrival| arrival.append_beginning(octets));
        if appended == Some(Appended::Differs) {
            self.prefixes.distrust("gives other bytes than RETR");
            self.fetch_whole_instead(fetch.id);
        }
    }

    /// The beginning of a message is here: it may be enough for those who wait for it.
    pub(super) fn has_begun(&mut self, id: MessageId, effects: &mut Effects) {
        let Some(arrival) = self.arrivals.remove(&Fetch::beginning(id)) else {
            return;
        };
        if arrival.is_out_of_hand() {
            self.prefixes.distrust("does not heed the number of lines");
        }
        let got = arrival.got();
        let Begun {
            body,
            fingerprint,
            reads,
        } = arrival.begun();
        self.keep_beginning(id, &body, fingerprint);
        for read in reads {
            match self.part(&read.open, read.offset, read.length).transpose() {
                Some(part) => effects.answers.push(due(read.answer, part)),
                None => self.fetch_more(read, got),
            }
        }
        // Until now it was in use, so that no cache is too small to answer out of it.
        drop(body);
    }

    /// Keeps what TOP has given of a message, if it may be its beginning.
    fn keep_beginning(&mut self, id: MessageId, body: &Body, fingerprint: Option<Fingerprint>) {
        let answered_twice = body.starts_with(b"+OK");
        if answered_twice {
            self.prefixes.distrust("is answered twice");
        }
        let believable = |it: &Fingerprint| !answered_twice && self.is_believable(id, it);
        if let Some(fingerprint) = fingerprint.filter(believable) {
            self.cache.insert(Fetch::beginning(id), body.clone());
            self.remember(id, fingerprint);
            self.prefixes.came(id);
        }
    }

    /// The beginning was too short for a reader. Lines may be shorter than most, but a second
    /// beginning that is too short means that the message ends there, or that TOP does not work.
    fn fetch_more(&mut self, read: Read, got: Option<(u64, u32)>) {
        match got {
            Some(got) if self.prefixes.are_usable() => {
                let beginning = Fetch::beginning(read.open.id);
                let arrival = self.awaited(beginning, read.until);
                arrival.go_by(got);
                arrival.audience.reads.push(read);
            }
            _ => self.await_whole(read),
        }
    }

    /// Whether what TOP gives agrees with all that RETR has given until now, and so far.
    fn is_believable(&mut self, id: MessageId, beginning: &Fingerprint) -> bool {
        let known = self.known(id);
        let agrees = known.is_none_or(|known| known.is_compatible(beginning));
        let arrival = self.arrivals.get_mut(&Fetch::whole(id));
        let agrees = agrees && arrival.is_none_or(|arrival| arrival.expect(beginning));
        if !agrees {
            self.prefixes.distrust("gives other bytes than RETR");
        }
        agrees
    }

    /// TOP does not give the beginning of a message: those who wait for it need RETR.
    pub fn fetch_whole_instead(&mut self, id: MessageId) {
        let Some(arrival) = self.arrivals.remove(&Fetch::beginning(id)) else {
            return;
        };
        for read in arrival.begun().reads {
            self.await_whole(read);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::cache::Cache;
    use super::super::super::catalog::Message;
    use super::super::super::engine::rig::{Reply, Rig, settings};
    use super::super::super::engine::script::{Reaction, Script};
    use super::super::super::error::Error;
    use super::super::super::handle::Maildrop;
    use super::super::super::locked;
    use super::super::super::octets::Octets;
    use super::super::super::open::OpenMessage;
    use super::super::super::settings::Settings;
    use super::*;

    const TALKATIVE: [&str; 2] = ["TOP", "PIPELINING"];

    /// A message of so many lines.
    fn message(lines: usize) -> String {
        let line = |number| format!("{number:060}\r\n");
        let body: String = (0..lines).map(line).collect();
        format!("Subject: long\r\n\r\n{body}")
    }

    /// A mount of one long message that takes what is longer than a hundred kilobytes for long.
    fn mount(script: Script) -> Rig {
        let settings = Settings {
            long: 100_000,
            ..settings()
        };
        let mut rig = Rig::with(settings, script, Vec::new());
        rig.connect().unwrap();
        rig
    }

    fn serving(message: &str) -> Script {
        Script::of(&[("a", message)]).announcing(&TALKATIVE)
    }

    fn opened(rig: &mut Rig) -> OpenMessage {
        rig.open("a").given().expect("an answer").unwrap()
    }

    fn octets(reply: &Reply<Octets>) -> Vec<u8> {
        reply.given().expect("an answer").unwrap().to_vec()
    }

    #[test]
    fn a_long_message_is_open_at_once_and_its_head_costs_a_top() {
        let message = message(10_000);
        let mut rig = mount(serving(&message));
        let open = opened(&mut rig);
        assert_eq!(rig.script.count("TOP") + rig.script.count("RETR"), 0);
        let head = rig.part(&open, 0, 5000);
        assert!(octets(&head) == message.as_bytes()[..5000]);
        let more = rig.part(&open, 5000, 5000);
        assert!(octets(&more) == message.as_bytes()[5000..10_000]);
        assert_eq!((rig.script.count("TOP"), rig.script.count("RETR")), (1, 0));
    }

    #[test]
    fn a_head_costs_one_top_however_small_the_cache_is() {
        let message = message(10_000);
        let mut rig = mount(serving(&message));
        locked(&rig.maildrop.shared().state).cache = Cache::new(0);
        let open = opened(&mut rig);
        let head = rig.part(&open, 0, 5000);
        assert!(octets(&head) == message.as_bytes()[..5000]);
        assert_eq!((rig.script.count("TOP"), rig.script.count("RETR")), (1, 0));
    }

    #[test]
    fn a_server_whose_lines_are_long_heeds_their_number_nevertheless() {
        let message = format!("\r\n{}", format!("{:5000}\r\n", 0).repeat(2000));
        let script = Script::of(&[("a", &message), ("b", &message)]);
        let mut rig = mount(script.announcing(&TALKATIVE));
        for name in ["a", "b"] {
            let open = rig.open(name).given().unwrap().unwrap();
            let head = rig.part(&open, 0, 50_000);
            assert!(octets(&head) == message.as_bytes()[..50_000]);
        }
        assert_eq!((rig.script.count("TOP"), rig.script.count("RETR")), (2, 0));
    }

    #[test]
    fn a_server_that_gives_far_more_lines_than_it_was_asked_for_is_not_asked_again() {
        let message = message(80_000);
        let script = Script::of(&[("a", &message), ("b", &message)]);
        let mut rig = mount(script.announcing(&TALKATIVE));
        rig.script.react("TOP", &[Reaction::Silence]);
        let open = opened(&mut rig);
        let head = rig.part(&open, 0, 50_000);
        rig.hear(&format!("+OK\r\n{message}.\r\n"));
        assert!(octets(&head) == message.as_bytes()[..50_000]);
        let open = rig.open("b").given().unwrap().unwrap();
        assert!(octets(&rig.part(&open, 0, 50_000)) == message.as_bytes()[..50_000]);
        assert_eq!((rig.script.count("TOP"), rig.script.count("RETR")), (1, 1));
    }

    #[test]
    fn who_reads_on_gets_the_message() {
        let message = message(10_000);
        let mut rig = mount(serving(&message));
        let open = opened(&mut rig);
        let mut read = Vec::new();
        while read.len() < message.len() {
            let part = rig.part(&open, read.len() as u64, 30_000);
            read.extend(octets(&part));
        }
        assert!(read == message.as_bytes());
        assert!(octets(&rig.part(&open, read.len() as u64, 1)).is_empty());
        assert_eq!((rig.script.count("TOP"), rig.script.count("RETR")), (1, 1));
    }

    #[test]
    fn a_new_reader_who_wants_to_see_more_of_the_head_gets_more_of_it() {
        let message = message(40_000);
        let mut rig = mount(serving(&message));
        for length in [5000, 500_000, 300_000] {
            let open = opened(&mut rig);
            let head = rig.part(&open, 0, length);
            assert!(octets(&head) == message.as_bytes()[..length]);
        }
        assert_eq!((rig.script.count("TOP"), rig.script.count("RETR")), (2, 0));
    }

    #[test]
    fn what_has_come_is_handed_out_while_the_rest_arrives() {
        let message = message(10_000);
        for announced in [&["UIDL"][..], &["UIDL", "PIPELINING"]] {
            let script = serving(&message).announcing(announced);
            let mut rig = mount(script.reacting("RETR", &[Reaction::Silence]));
            let open = opened(&mut rig);
            let (start, end) = (
                rig.part(&open, 0, 5000),
                rig.part(&open, 600_000, 1_000_000),
            );
            rig.hear(&format!("+OK\r\n{}", &message[..10_000]));
            assert!(octets(&start) == message.as_bytes()[..5000]);
            assert!(end.given().is_none());
            rig.hear(&format!("{}.\r\n", &message[10_000..]));
            assert!(octets(&end) == message.as_bytes()[600_000..]);
            assert_eq!(rig.script.count("RETR"), 1);
        }
    }

    #[test]
    fn nobody_takes_a_message_of_another_size_than_listed_for_whole_and_the_next_try_is_right() {
        let message = message(10_000);
        for (wrong, length) in [(200_000, 10_000), (1_000_000, 1_000_000)] {
            let mut script = serving(&message);
            script.messages[0].1 = wrong;
            let mut rig = mount(script);
            let open = opened(&mut rig);
            let start = rig.part(&open, 100_000, 90_000);
            assert!(octets(&start) == message.as_bytes()[100_000..190_000]);
            let end = rig.part(&open, 190_000, length).given();
            assert!(matches!(end, Some(Err(Error::Mislisted { .. }))));
            assert!(rig.body("a").as_deref() == Ok(&*message));
        }
    }

    #[test]
    fn a_server_that_lists_wrong_sizes_is_not_relied_on() {
        let message = message(10_000);
        let mut script = Script::of(&[("a", &message), ("b", "short\r\n")]);
        script.messages[1].1 = 5;
        let mut rig = mount(script.announcing(&TALKATIVE));
        rig.body("b").unwrap();
        let open = opened(&mut rig);
        assert!(open.listed.is_none() && open.body.get().is_some());
    }

    #[test]
    fn where_top_is_not_announced_or_refused_the_head_costs_the_message() {
        let message = message(10_000);
        let refusal = Reaction::Say("-ERR no\r\n");
        for (script, tops) in [
            (serving(&message).announcing(&["UIDL"]), 0),
            (serving(&message).reacting("TOP", &[refusal]), 1),
        ] {
            let mut rig = mount(script);
            let open = opened(&mut rig);
            let head = rig.part(&open, 0, 5000);
            assert!(octets(&head) == message.as_bytes()[..5000]);
            assert_eq!(rig.script.count("TOP"), tops);
            assert_eq!(rig.script.count("RETR"), 1);
        }
    }

    #[test]
    fn what_retr_gives_never_follows_what_top_gave_otherwise() {
        let (message, other) = (message(10_000), message(9000).replace("Subject", "Fubject"));
        let mut rig = mount(serving(&message));
        let open = opened(&mut rig);
        octets(&rig.part(&open, 0, 5000));
        rig.script.messages[0].2 = other.clone();
        let next = rig.part(&open, 300_000, 5000).given();
        assert!(matches!(next, Some(Err(Error::Changed))));
        assert!(rig.body("a").as_deref() == Ok(&*other));
        rig.script.messages[0].2 = message;
        assert_eq!(rig.script.count("TOP"), 1);
    }

    #[test]
    fn what_retr_gives_is_held_against_the_longest_beginning_that_top_gave() {
        let message = message(40_000);
        let other = message.replace(&format!("{:060}", 5000), &format!("{:060}", 0));
        let mut rig = mount(serving(&message));
        let (ann, bob) = (opened(&mut rig), opened(&mut rig));
        octets(&rig.part(&ann, 0, 5000));
        rig.script.react("TOP", &[Reaction::Silence]);
        let head = rig.part(&bob, 0, 450_000);
        let _next = rig.part(&ann, 84_000, 5000);
        rig.script.messages[0].2 = other;
        rig.hear(&format!("+OK\r\n{}.\r\n", &message[..17 + 62 * 8000]));
        assert!(octets(&head) == message.as_bytes()[..450_000]);
        let next = rig.part(&bob, 600_000, 5000).given();
        assert!(matches!(next, Some(Err(Error::Changed))));
    }

    #[test]
    fn nothing_is_remembered_of_a_message_that_has_left_the_maildrop() {
        let message = message(10_000);
        let mut rig = mount(Script::of(&[("a", &message), ("b", &message)]).announcing(&TALKATIVE));
        for name in ["a", "b"] {
            let open = rig.open(name).given().unwrap().unwrap();
            octets(&rig.part(&open, 0, 5000));
        }
        let shared = rig.maildrop.shared().state.clone();
        assert_eq!(locked(&shared).beginnings.len(), 2);
        rig.script.messages.remove(0);
        rig.ask(Maildrop::refresh);
        assert_eq!(locked(&shared).beginnings.len(), 1);
        rig.mark("b");
        rig.commit();
        assert_eq!(locked(&shared).beginnings.len(), 0);
        locked(&shared).prefixes.contradicted(MessageId(0));
        assert!(locked(&shared).prefixes.are_usable());
    }

    #[test]
    fn what_came_of_a_message_that_has_left_is_not_held_against_anything() {
        let message = message(10_000);
        let mut rig = mount(serving(&message));
        let open = opened(&mut rig);
        octets(&rig.part(&open, 0, 500_000 + 200_000));
        let shared = rig.maildrop.shared().state.clone();
        let id = rig.id("a");
        rig.script.messages.clear();
        rig.ask(Maildrop::refresh);
        let state = locked(&shared);
        let known = state.catalog.message(id).and_then(Message::fingerprint);
        assert_eq!(known, Some(&Fingerprint::default()));
    }

    #[test]
    fn a_top_that_disagrees_with_what_retr_gave_is_not_used() {
        let message = message(10_000);
        let mut rig = mount(serving(&message));
        assert!(rig.body("a").as_deref() == Ok(&*message));
        locked(&rig.maildrop.shared().state).cache = Cache::new(0);
        let open = opened(&mut rig);
        rig.script.react("TOP", &[Reaction::Silence]);
        let head = rig.part(&open, 0, 5000);
        let lie = message.replace("Subject", "Fubject");
        rig.hear(&format!("+OK\r\n{}.\r\n", &lie[..17 + 62 * 1000]));
        assert!(octets(&head) == message.as_bytes()[..5000]);
        assert_eq!((rig.script.count("TOP"), rig.script.count("RETR")), (1, 2));
    }

    #[test]
    fn a_top_that_is_too_short_is_made_up_for_by_retr() {
        let message = message(10_000);
        let short = Reaction::Say("+OK\r\nSubject: long\r\n\r\n.\r\n");
        let mut rig = mount(serving(&message).reacting("TOP", &[short.clone(), short]));
        let open = opened(&mut rig);
        let head = rig.part(&open, 0, 5000);
        assert!(octets(&head) == message.as_bytes()[..5000]);
        assert_eq!((rig.script.count("TOP"), rig.script.count("RETR")), (2, 1));
    }
}
