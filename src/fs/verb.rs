//! What can be written to `.pop3fs/ctl`, or asked of `.pop3fs/status` where nothing can be written.

use super::Error;
use crate::maildrop::Terms;

/// The longest write to `ctl` that is looked at, in octets: a verb, a blank, a name and a newline
/// are well below it.
const LONGEST: usize = 1024;

/// `refresh nowait`, `park nowait`, `sync` and `look nowait` as requests of ioctl(2): `_IO(0xF3, 1)` and
/// so on.
const REFRESH: u32 = 0xF301;
const PARK: u32 = 0xF302;
const SYNC: u32 = 0xF303;
const LOOK: u32 = 0xF304;

/// One verb.
///
/// ```text
/// verb = ("commit" *(SP term) / ("refresh" / "look" / "park") [SP "nowait"] / "undelete" SP name /
///         "undelete-all" / "sync") [LF]
/// term = "last" / "verify" / "no-verify" / "yes" / "nowait"
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// Delete the marked messages on the server.
    Commit {
        /// On what terms.
        terms: Terms,
        /// Whether the write is to return at once; `status` tells when it is done.
        nowait: bool,
    },
    /// List the maildrop anew.
    Refresh {
        /// Whether the write is to return at once.
        nowait: bool,
    },
    /// The same, but for a login that was refused just now.
    Look {
        /// Whether the write is to return at once.
        nowait: bool,
    },
    /// End the session until it is needed.
    Park {
        /// Whether the write is to return at once.
        nowait: bool,
    },
    /// Take the mark off the message of this name.
    Undelete(String),
    /// Take all marks off.
    UndeleteAll,
    /// Nothing but what every verb waits for: that the kernel knows of all changes.
    Sync,
}

impl Verb {
    /// Reads one write to `ctl`; a write holds exactly one verb.
    pub(super) fn parse(written: &[u8]) -> Result<Self, Error> {
        if written.len() > LONGEST {
            return Err(Error::UnknownVerb);
        }
        let line = written.strip_suffix(b"\n").unwrap_or(written);
        let line = std::str::from_utf8(line).map_err(|_| Error::UnknownVerb)?;
        match line.split_once(' ') {
            None if line == "commit" => Self::commit(""),
            Some(("commit", words)) => Self::commit(words),
            None if line == "refresh" => Ok(Self::Refresh { nowait: false }),
            None if line == "look" => Ok(Self::Look { nowait: false }),
            None if line == "park" => Ok(Self::Park { nowait: false }),
            Some(("refresh", "nowait")) => Ok(Self::Refresh { nowait: true }),
            Some(("look", "nowait")) => Ok(Self::Look { nowait: true }),
            Some(("park", "nowait")) => Ok(Self::Park { nowait: true }),
            None if line == "undelete-all" => Ok(Self::UndeleteAll),
            None if line == "sync" => Ok(Self::Sync),
            Some(("undelete", name)) if !name.is_empty() => Ok(Self::Undelete(name.to_owned())),
            _ => Err(Error::UnknownVerb),
        }
    }

    /// The verb that ioctl(2) asks `status` for.
    pub(super) fn requested(request: u32) -> Result<Self, Error> {
        match request {
            REFRESH => Ok(Self::Refresh { nowait: true }),
            PARK => Ok(Self::Park { nowait: true }),
            SYNC => Ok(Self::Sync),
            LOOK => Ok(Self::Look { nowait: true }),
            _ => Err(Error::UnknownRequest),
        }
    }

    fn commit(words: &str) -> Result<Self, Error> {
        let (mut terms, mut nowait) = (Terms::default(), false);
        for word in words.split_whitespace() {
            match word {
                "last" => terms.is_last = true,
                "verify" => terms.verify = Some(true),
                "no-verify" => terms.verify = Some(false),
                "yes" => terms.even_unread = true,
                "nowait" => nowait = true,
                _ => return Err(Error::UnknownVerb),
            }
        }
        Ok(Self::Commit { terms, nowait })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn commit(terms: Terms, nowait: bool) -> Result<Verb, Error> {
        Ok(Verb::Commit { terms, nowait })
    }

    #[test]
    fn a_verb_may_end_with_a_newline_as_echo_writes_it() {
        let plain = commit(Terms::default(), false);
        assert_eq!(Verb::parse(b"commit"), plain);
        assert_eq!(Verb::parse(b"commit\n"), plain);
        assert_eq!(Verb::parse(b"undelete-all\n"), Ok(Verb::UndeleteAll));
        assert_eq!(Verb::parse(b"sync\n"), Ok(Verb::Sync));
    }

    #[test]
    fn a_commit_takes_its_terms_in_any_order() {
        let last = Terms {
            is_last: true,
            ..Terms::default()
        };
        let verified = Terms {
            verify: Some(true),
            ..last
        };
        assert_eq!(Verb::parse(b"commit last\n"), commit(last, false));
        assert_eq!(Verb::parse(b"commit nowait last"), commit(last, true));
        assert_eq!(Verb::parse(b"commit last nowait"), commit(last, true));
        assert_eq!(Verb::parse(b"commit verify last"), commit(verified, false));
        let sure = Terms {
            even_unread: true,
            ..Terms::default()
        };
        assert_eq!(Verb::parse(b"commit yes"), commit(sure, false));
    }

    #[test]
    fn a_refresh_and_parking_may_be_waited_for_or_not() {
        for (words, nowait) in [("", false), (" nowait", true)] {
            let parse = |verb| Verb::parse(format!("{verb}{words}\n").as_bytes());
            assert_eq!(parse("refresh"), Ok(Verb::Refresh { nowait }));
            assert_eq!(parse("look"), Ok(Verb::Look { nowait }));
            assert_eq!(parse("park"), Ok(Verb::Park { nowait }));
        }
        assert_eq!(Verb::parse(b"park later"), Err(Error::UnknownVerb));
    }

    #[test]
    fn no_request_is_taken_for_a_verb_but_those_that_change_no_mailbox() {
        let requested = (0..=0xFFFF).filter_map(|request| Verb::requested(request).ok());
        let (refresh, park) = (Verb::Refresh { nowait: true }, Verb::Park { nowait: true });
        let look = Verb::Look { nowait: true };
        assert_eq!(
            requested.collect::<Vec<_>>(),
            [refresh, park, Verb::Sync, look]
        );
    }

    #[test]
    fn undelete_takes_the_rest_of_the_line_as_the_name() {
        assert_eq!(
            Verb::parse(b"undelete a b\n"),
            Ok(Verb::Undelete("a b".into()))
        );
    }

    #[test]
    fn whatever_is_not_a_verb_is_refused() {
        let wrong: [&[u8]; 10] = [
            b"",
            b"\n",
            b"commit\n\n",
            b"commit now",
            b" commit",
            b"COMMIT",
            b"undelete",
            b"undelete ",
            b"undelete-all x",
            b"\xff",
        ];
        for written in wrong {
            assert_eq!(Verb::parse(written), Err(Error::UnknownVerb));
        }
    }

    proptest! {
        #[test]
        fn any_name_without_a_newline_can_be_undeleted(name in "[^\n]{1,200}") {
            let written = format!("undelete {name}\n");
            prop_assert_eq!(Verb::parse(written.as_bytes()), Ok(Verb::Undelete(name)));
        }

        #[test]
        fn no_write_makes_it_panic(written: Vec<u8>) {
            let _ = Verb::parse(&written);
        }
    }
}
