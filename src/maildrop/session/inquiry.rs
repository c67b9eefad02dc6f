//! What is asked once somebody is logged in: what the server can do for this one, and what there is.
//!
//! All goes out in one write where PIPELINING is announced.

use std::collections::VecDeque;

use crate::pop3::{Capabilities, Command, CommandError, Connection, Reply, listing::drop_listing};

use super::sign_in::Outcome;
use super::{Exchange, Happening, Listing, Refusal, SessionError};

/// The questions, and what has been answered so far.
pub(in super::super) struct Inquiry {
    /// Whether messages are known by their unique-ids, and would be lost without.
    unique_ids_matter: bool,
    /// Whether the server may be asked several questions at once, where it announces that.
    pipelining: bool,
    /// What is still to be asked, in this order: some servers change sizes when they are asked for
    /// unique-ids.
    questions: VecDeque<Exchange>,
    /// How many messages there are, by STAT.
    count: Option<u64>,
    /// What UIDL was refused with.
    no_unique_ids: Option<Reply>,
    listing: Listing,
}

impl Inquiry {
    /// To be begun after the login, for messages whose names end in this suffix.
    pub fn new(unique_ids_matter: bool, pipelining: bool, suffix: &str) -> Self {
        Self {
            unique_ids_matter,
            pipelining,
            questions: VecDeque::from([Exchange::Stat, Exchange::Uidl, Exchange::List]),
            count: None,
            no_unique_ids: None,
            listing: Listing::new(suffix),
        }
    }

    /// Somebody is logged in: sends the first question.
    pub(super) fn begin(
        &mut self,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<(), CommandError> {
        if capabilities.differs_by_login() {
            self.questions.push_front(Exchange::OwnCapa);
        }
        self.ask(capabilities, connection)
    }

    /// Takes a line of a listing.
    pub(super) fn line(&mut self, question: Exchange, line: &[u8]) -> Result<(), SessionError> {
        match question {
            Exchange::Uidl => self.listing.unique_id(line),
            Exchange::List => self.listing.size(line),
            _ => Ok(()),
        }
    }

    /// A question about the listing has been answered. None but the last decides: servers disagree
    /// with themselves, and refuse what there is nothing to say about.
    pub(super) fn answered(
        &mut self,
        question: Exchange,
        reply: Option<Reply>,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<Outcome, SessionError> {
        let count = |reply: &Reply| drop_listing(reply.text()).map(|(messages, _)| messages);
        match question {
            Exchange::OwnCapa => {}
            Exchange::Stat => self.count = reply.filter(Reply::is_ok).as_ref().and_then(count),
            Exchange::Uidl => self.no_unique_ids = reply,
            _ => return Ok(self.conclude(reply, capabilities)),
        }
        self.ask(capabilities, connection)?;
        Ok(Outcome::GoesOn)
    }

    /// Asks the next question, or all where the server takes them at once.
    fn ask(
        &mut self,
        capabilities: &Capabilities,
        connection: &mut Connection<Exchange>,
    ) -> Result<(), CommandError> {
        while let Some(question) = self.questions.pop_front() {
            let command = match question {
                Exchange::OwnCapa => Command::Capa,
                Exchange::Stat => Command::Stat,
                Exchange::Uidl => Command::Uidl,
                _ => Command::List,
            };
            connection.send(&command, question)?;
            if !(self.pipelining && capabilities.pipelining()) {
                break;
            }
        }
        Ok(())
    }

    /// All questions have been asked; LIST may have been refused.
    ///
    /// Where messages had unique-ids, or the server announces them, a listing without them is not
    /// taken, whether UIDL was refused or lists nothing: every message would pass for another, and
    /// all marks would be void.
    fn conclude(&mut self, no_sizes: Option<Reply>, capabilities: &Capabilities) -> Outcome {
        let unique_ids_matter = self.unique_ids_matter || capabilities.uidl();
        let matters =
            |reply: &Reply| unique_ids_matter || Refusal::of(reply) != Refusal::Unexplained;
        let no_unique_ids = self.no_unique_ids.take().filter(matters);
        let listing = std::mem::take(&mut self.listing);
        let is_empty = self.count == Some(0) && listing.is_empty();
        let refused = |during, reply| Outcome::Happened(Happening::Refused { during, reply });
        match (no_sizes, no_unique_ids) {
            (Some(reply), _) if !is_empty => refused(Exchange::List, reply),
            (None, Some(reply)) if !listing.is_empty() => refused(Exchange::Uidl, reply),
            (None, None) if unique_ids_matter && listing.lacks_unique_ids() => {
                Outcome::Happened(Happening::NoUniqueIds)
            }
            _ => Outcome::Listed(listing),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::engine::rig::{Rig, kind, outcomes, settings, verified};
    use super::super::super::engine::script::{Reaction, Script};
    use super::super::super::error::{Error, OutageKind};
    use super::super::super::report::Outcome as Deletion;

    /// What STAT says of an empty maildrop.
    const NONE: &str = "+OK 0 0\r\n";

    /// A server that is asked one question at a time, and one that is asked all at once.
    const ANNOUNCED: [&[&str]; 2] = [&["UIDL"], &["UIDL", "PIPELINING"]];

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    fn sign_in(script: Script) -> (Result<(), Error>, Rig) {
        let mut rig = Rig::new(script);
        (rig.connect(), rig)
    }

    #[test]
    fn the_listing_is_asked_for_at_once_where_the_server_takes_it() {
        let (result, rig) = sign_in(mailbox().announcing(&["PIPELINING", "USER"]));
        assert_eq!(result, Ok(()));
        assert_eq!(rig.script.bursts.last().unwrap(), &["STAT", "UIDL", "LIST"]);
        assert_eq!(rig.maildrop.totals().messages, 2);
    }

    #[test]
    fn a_server_that_hangs_up_on_a_burst_is_asked_one_by_one_in_the_next_session() {
        let script = mailbox().announcing(&["PIPELINING"]);
        let (result, rig) = sign_in(script.reacting("STAT", &[Reaction::HangUp]));
        assert_eq!(result, Ok(()));
        assert_eq!(rig.script.sessions, 2);
        let again = &rig.script.bursts[rig.script.bursts.len() - 3..];
        assert_eq!(again, [["STAT"], ["UIDL"], ["LIST"]]);
    }

    #[test]
    fn a_delay_of_this_login_s_own_is_asked_for_once_it_is_in() {
        let worst = Reaction::Say("+OK\r\nLOGIN-DELAY 900 USER\r\nPIPELINING\r\n.\r\n");
        let own = Reaction::Say("+OK\r\nLOGIN-DELAY 60\r\nUIDL\r\n.\r\n");
        let mut rig = Rig::new(mailbox().reacting("CAPA", &[worst, own]));
        assert_eq!(rig.connect(), Ok(()));
        assert_eq!(rig.script.bursts.last().unwrap()[0], "CAPA");
        assert_eq!(
            rig.maildrop.status().link.capabilities,
            ["LOGIN-DELAY 60", "UIDL"]
        );
        assert_eq!(rig.maildrop.totals().messages, 2);
    }

    #[test]
    fn an_empty_maildrop_may_refuse_every_question() {
        let no = || [Reaction::Say("-ERR nothing there\r\n")];
        for capabilities in ANNOUNCED {
            let script = Script::of(&[]).announcing(capabilities);
            let (result, rig) = sign_in(script.reacting("UIDL", &no()).reacting("LIST", &no()));
            assert_eq!(result, Ok(()), "{capabilities:?}");
            assert_eq!(rig.maildrop.totals().messages, 0);
        }
    }

    #[test]
    fn a_unique_id_that_is_empty_is_one_for_all_that() {
        let empty = Reaction::Say("+OK\r\n1\r\n2 \r\n.\r\n");
        let (result, rig) = sign_in(mailbox().announcing(&["UIDL"]).reacting("UIDL", &[empty]));
        assert_eq!(result, Ok(()));
        assert_eq!(rig.maildrop.totals().messages, 2);
    }

    #[test]
    fn stat_decides_nothing() {
        for words in ["-ERR no\r\n", "+OK\r\n", NONE] {
            for capabilities in ANNOUNCED {
                let script = mailbox().announcing(capabilities);
                let (result, rig) = sign_in(script.reacting("STAT", &[Reaction::Say(words)]));
                assert_eq!(result, Ok(()), "{words}");
                assert_eq!(rig.maildrop.totals().messages, 2, "{words}");
            }
        }
    }

    #[test]
    fn a_listing_that_is_refused_is_a_failure_whatever_stat_says_where_there_are_messages() {
        for stat in [Reaction::Honest, Reaction::Say(NONE)] {
            let script = mailbox().reacting("STAT", &[stat]);
            let no = Reaction::Say("-ERR out of memory\r\n");
            let (result, _) = sign_in(script.reacting("LIST", &[no]));
            assert_eq!(kind(result), Some(OutageKind::Busy));
        }
    }

    #[test]
    fn a_commit_is_not_verified_by_stat() {
        for capabilities in ANNOUNCED {
            let mut rig = sign_in(mailbox().announcing(capabilities)).1;
            rig.mark("a");
            rig.script.react("STAT", &[Reaction::Say(NONE)]);
            let forgetful = Reaction::SayAndHangUp("+OK\r\n");
            rig.script.react("QUIT", &[forgetful]);
            let report = rig.commit_on(verified()).report();
            assert!(report.verified && !report.complete);
            assert_eq!(rig.maildrop.totals().messages, 2);
        }
    }

    #[test]
    fn a_server_may_have_no_unique_ids() {
        let no = Reaction::Say("-ERR what?\r\n");
        let (result, mut rig) = sign_in(mailbox().reacting("UIDL", &[no]));
        assert_eq!(result, Ok(()));
        assert_eq!(rig.body("%no-unique-id~2").as_deref(), Ok("two\r\n"));
    }

    #[test]
    fn a_listing_that_has_lost_all_unique_ids_is_not_taken() {
        let none = Reaction::Say("+OK\r\n.\r\n");
        let announced = mailbox()
            .announcing(&["UIDL"])
            .reacting("UIDL", std::slice::from_ref(&none));
        assert_eq!(kind(sign_in(announced).0), Some(OutageKind::Busy));
        let (_, mut rig) = sign_in(mailbox());
        rig.mark("b");
        rig.cut();
        rig.script.react("UIDL", &[none]);
        assert_eq!(kind(rig.connect()), Some(OutageKind::Busy));
        let marks = (rig.maildrop.status().marked, rig.journal.marks().len());
        assert_eq!(marks, (1, 1));
    }

    #[test]
    fn a_commit_calls_nothing_gone_for_a_listing_without_unique_ids() {
        let (_, mut rig) = sign_in(mailbox());
        rig.mark("a");
        rig.cut();
        let none = Reaction::Say("+OK\r\n.\r\n");
        rig.script.react("UIDL", &[none]);
        let answer = rig.commit();
        rig.pass(Duration::from_secs(60));
        let report = answer.report();
        assert_eq!(outcomes(&report), [Deletion::Deleted]);
        assert_eq!(rig.script.left(), ["b"]);
    }

    #[test]
    fn unique_ids_that_the_server_has_are_not_done_without() {
        let no = Reaction::Say("-ERR out of order\r\n");
        let later = Reaction::Say("-ERR [SYS/TEMP] later\r\n");
        let announced = mailbox()
            .announcing(&["UIDL"])
            .reacting("UIDL", std::slice::from_ref(&no));
        assert_eq!(kind(sign_in(announced).0), Some(OutageKind::Busy));
        let temporary = mailbox().reacting("UIDL", &[later]);
        assert_eq!(kind(sign_in(temporary).0), Some(OutageKind::Busy));
        let (_, mut rig) = sign_in(mailbox());
        rig.mark("b");
        let refusing = mailbox().reacting("UIDL", std::slice::from_ref(&no));
        let mut next = Rig::with(settings(), refusing, rig.journal.marks());
        assert_eq!(kind(next.connect()), Some(OutageKind::Busy));
        rig.cut();
        rig.script.react("UIDL", &[no]);
        assert_eq!(kind(rig.connect()), Some(OutageKind::Busy));
        assert_eq!(rig.journal.marks().len(), 1);
        assert_eq!(rig.maildrop.status().marked, 1);
    }
}
