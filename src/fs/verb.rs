//! What can be written to `.pop3fs/ctl`.

use super::Error;

/// The longest write to `ctl` that is looked at, in octets: a verb, a blank, a name and a newline
/// are well below it.
const LONGEST: usize = 1024;

/// One verb.
///
/// ```text
/// verb = ("commit" / "undelete" SP name / "undelete-all") [LF]
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// Delete the marked messages on the server.
    Commit,
    /// Take the mark off the message of this name.
    Undelete(String),
    /// Take all marks off.
    UndeleteAll,
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
            None if line == "commit" => Ok(Self::Commit),
            None if line == "undelete-all" => Ok(Self::UndeleteAll),
            Some(("undelete", name)) if !name.is_empty() => Ok(Self::Undelete(name.to_owned())),
            _ => Err(Error::UnknownVerb),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_verb_may_end_with_a_newline_as_echo_writes_it() {
        assert_eq!(Verb::parse(b"commit"), Ok(Verb::Commit));
        assert_eq!(Verb::parse(b"commit\n"), Ok(Verb::Commit));
        assert_eq!(Verb::parse(b"undelete-all\n"), Ok(Verb::UndeleteAll));
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
