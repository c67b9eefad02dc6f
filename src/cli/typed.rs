//! What was typed: the grammar of the command line, read by clap.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};

use super::route_request::RouteOptions;
use super::tls_request::TlsOptions;
use super::verbs::{Manner, Terms};
use super::{LoginMethod, Marked, Misuse, MountRequest, Request, Stop, option_words, value};

const USAGE: &str = "pop3fs [OPTIONS] SOURCE MOUNTPOINT
       pop3fs umount|commit|status|undelete|refresh|wait|park MOUNTPOINT ...";

/// Mount a POP3 mailbox as a directory, or speak to one that is mounted.
#[derive(Debug, Parser)]
#[command(
    name = "pop3fs",
    version,
    override_usage = USAGE,
    args_override_self = true,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true,
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    after_help = "Every long option is also a mount option: -o login=NAME,exact_sizes,ro"
)]
pub(super) struct Typed {
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
    /// pop3s://[LOGIN@]HOST[:PORT] (TLS, port 995) or pop3://... (STLS required, port 110)
    #[arg(required = true, value_name = "SOURCE")]
    pub(super) source: Option<String>,
    /// An empty directory
    #[arg(required = true, value_name = "MOUNTPOINT")]
    pub(super) mountpoint: Option<PathBuf>,
    #[command(flatten)]
    pub(super) options: MountOptions,
    /// Mount options, as fstab(5) has them; a comma in a value is written \,
    #[arg(short = 'o', value_name = "OPTION[,OPTION...]")]
    words: Vec<String>,
}

/// The options of a mount.
#[derive(Args, Debug)]
pub(super) struct MountOptions {
    /// The name to log in with, where SOURCE has none
    #[arg(long, value_name = "NAME", value_parser = value::login)]
    pub(super) login: Option<String>,
    /// Encryption: required, or off, which needs a pop3:// source
    #[arg(
        long,
        value_enum,
        default_value = "required",
        value_name = "POLICY",
        hide_possible_values = true
    )]
    pub(super) tls: TlsPolicy,
    /// Allow --tls off to a server that is not on this machine
    #[arg(long)]
    pub(super) insecure_cleartext: bool,
    #[command(flatten)]
    pub(super) tls_options: TlsOptions,
    #[command(flatten)]
    pub(super) route: RouteOptions,
    /// How to log in (plain, scram-sha-256, xoauth2, apop, ...), in place of the strongest way
    /// that both sides have
    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub(super) auth: Option<LoginMethod>,
    /// The language of the server's messages, where it has more than one: de, pt-BR, ...
    #[arg(long, value_name = "TAG", value_parser = value::language)]
    pub(super) language: Option<String>,
    /// Run this program (without a shell) and take its first line as the password
    #[arg(long, value_name = "COMMAND")]
    pub(super) password_command: Option<String>,
    /// Run this program (without a shell) and take its first line as an OAuth 2 token
    #[arg(
        long,
        value_name = "COMMAND",
        conflicts_with_all = ["password_command", "password_file", "keyring"]
    )]
    pub(super) token_command: Option<String>,
    /// Take the first line of this file, which nobody else may read, as the password
    #[arg(long, value_name = "FILE")]
    pub(super) password_file: Option<PathBuf>,
    /// Take the password from the desktop's keyring: host HOST service pop3 user LOGIN
    #[arg(long)]
    pub(super) keyring: bool,
    /// An ending for all file names, such as .eml
    #[arg(long, value_name = "ENDING", value_parser = value::suffix)]
    pub(super) suffix: Option<String>,
    /// Refuse to remove messages (-o ro)
    #[arg(long)]
    pub(super) read_only: bool,
    /// Let other users in as far as file modes allow
    #[arg(long)]
    pub(super) allow_other: bool,
    /// The owner of all files, where it is not you
    #[arg(long, value_name = "NUMBER", value_parser = value::user)]
    pub(super) uid: Option<u32>,
    /// The group of all files, where it is not yours
    #[arg(long, value_name = "NUMBER", value_parser = value::group)]
    pub(super) gid: Option<u32>,
    /// The permissions of all files; directories may be searched by those who may read
    #[arg(long, value_name = "OCTAL", value_parser = value::mode)]
    pub(super) mode: Option<u16>,
    /// Look whether the messages are gone after each commit, also where no verb waits for it
    #[arg(long)]
    pub(super) verify_commit: bool,
    /// Delete at most so many messages in one session, so that a lost link loses less
    #[arg(long, value_name = "NUMBER", value_parser = value::count)]
    pub(super) commit_every: Option<u64>,
    /// Refuse to delete more messages than so many that were never read, unless a verb says --yes
    #[arg(long, value_name = "NUMBER", value_parser = value::bound)]
    pub(super) delete_guard: Option<u64>,
    /// Mount also on a directory that is not empty, and hide what is in it
    #[arg(long)]
    pub(super) nonempty: bool,
    /// Learn all exact sizes first, for programs that trust a size seen before opening
    #[arg(long)]
    pub(super) exact_sizes: bool,
    /// Memory for messages that were read
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = value::size)]
    pub(super) cache_size: u64,
    /// Fetch no message that is longer, nor more of one than that
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    pub(super) max_message_size: Option<u64>,
    /// The most to fetch before it is asked for, when programs walk the mailbox; 0 for nothing
    #[arg(long, value_name = "SIZE", value_parser = value::size)]
    pub(super) read_ahead: Option<u64>,
    /// Fetch long messages whole even for who only looks at their beginning
    #[arg(long)]
    pub(super) no_top: bool,
    /// How long a program waits for the server before its read or write fails
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = value::timeout)]
    pub(super) timeout: u64,
    /// End the session with the server when nobody has needed it for so long; 0 to hold it
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = value::interval)]
    pub(super) idle: u64,
    /// While the mailbox is in use, look for new mail this often; 0 for never
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = value::interval)]
    pub(super) refresh: u64,
    /// Where marks are kept, in place of ~/.local/state/pop3fs
    #[arg(long, value_name = "DIR")]
    pub(super) state_dir: Option<PathBuf>,
    /// Append messages to this file, in place of the account's log in the state directory
    #[arg(long, value_name = "FILE")]
    pub(super) log: Option<PathBuf>,
    /// Keep the rights that a mount does not need
    #[arg(long)]
    pub(super) no_sandbox: bool,
    /// Say more; twice: also each request of the kernel
    #[arg(short, long, action = ArgAction::Count)]
    pub(super) verbose: u8,
    /// Stay in the foreground
    #[arg(short, long)]
    pub(super) foreground: bool,
    /// The same as -f -v
    #[arg(short, long)]
    pub(super) debug: bool,
}

/// Whether the connection must be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TlsPolicy {
    /// It must.
    Required,
    /// It is not.
    Off,
}

/// How a verb has the mount commit.
#[derive(Args, Debug)]
pub(super) struct CommitTerms {
    /// Take the server's word for it that the messages are gone, and do not look
    #[arg(long)]
    no_verify: bool,
    /// Delete also what the mount's --delete-guard would keep
    #[arg(short, long)]
    yes: bool,
}

impl From<CommitTerms> for Terms {
    fn from(typed: CommitTerms) -> Self {
        Self {
            verify: !typed.no_verify,
            even_unread: typed.yes,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Delete the marked messages on the server, say what happened, and unmount
    #[command(visible_alias = "unmount")]
    Umount {
        /// Where the mailbox is mounted
        mountpoint: PathBuf,
        /// Also if somebody uses it: what is open can be read on for a few seconds
        #[arg(short, long)]
        lazy: bool,
        /// At once, without a commit, whatever goes on; what is marked stays marked
        #[arg(short, long, conflicts_with = "lazy")]
        force: bool,
        #[command(flatten)]
        terms: CommitTerms,
    },
    /// Delete the marked messages on the server, and say what happened
    Commit {
        /// Where the mailbox is mounted
        mountpoint: PathBuf,
        #[command(flatten)]
        terms: CommitTerms,
    },
    /// Say how the mount is doing
    Status {
        /// Where the mailbox is mounted
        mountpoint: PathBuf,
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Bring removed messages back, as long as they are not committed
    #[command(
        override_usage = "pop3fs undelete MOUNTPOINT NAME...\n       pop3fs undelete MOUNTPOINT --all"
    )]
    Undelete {
        /// Where the mailbox is mounted
        mountpoint: PathBuf,
        /// The names they had
        #[arg(required_unless_present = "all", value_name = "NAME")]
        names: Vec<String>,
        /// All of them
        #[arg(long, conflicts_with = "names")]
        all: bool,
    },
    /// Look for new mail now
    Refresh {
        /// Where the mailbox is mounted
        mountpoint: PathBuf,
    },
    /// Wait for new mail, and name it; the exit status is 1 if none has come in time
    Wait {
        /// Where the mailbox is mounted
        mountpoint: PathBuf,
        /// How many messages to wait for
        #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = value::count)]
        new: u64,
        /// How long to wait at most, in place of for ever
        #[arg(long, value_name = "SECONDS", value_parser = value::patience)]
        timeout: Option<u64>,
    },
    /// Let go of the mailbox on the server, until a program needs it again
    Park {
        /// Where the mailbox is mounted
        mountpoint: PathBuf,
    },
}

/// Reads a command line. The words after `-o` go before the options proper, which so have the
/// last say.
pub(super) fn parse(arguments: &[OsString]) -> Result<Typed, Stop> {
    check_first_word(arguments)?;
    let typed = Typed::try_parse_from(arguments)?;
    if typed.words.is_empty() {
        return Ok(typed);
    }
    let (program, rest) = arguments.split_at(arguments.len().min(1));
    let words = option_words::to_arguments(&typed.words, option_words::Unknown::Refuse)?;
    let all = program.iter().chain(&words).chain(rest);
    Ok(Typed::try_parse_from(all)?)
}

/// The first word is an option, a verb or a source. What looks like none of them is named: without a
/// colon there is no password in it.
fn check_first_word(arguments: &[OsString]) -> Result<(), Misuse> {
    let Some(word) = arguments.get(1).map(|word| word.to_string_lossy()) else {
        return Ok(());
    };
    let is_known = word.starts_with('-')
        || word.contains([':', '@'])
        || Typed::command().find_subcommand(&*word).is_some();
    if is_known {
        Ok(())
    } else {
        Err(Misuse::NoVerb(word.into_owned()))
    }
}

impl TryFrom<Typed> for Request {
    type Error = Stop;

    fn try_from(typed: Typed) -> Result<Self, Stop> {
        match typed.verb {
            Some(verb) => Ok(verb.into()),
            None => Ok(Self::Mount(Box::new(MountRequest::try_from(typed)?))),
        }
    }
}

impl From<Verb> for Request {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Umount {
                mountpoint,
                lazy,
                force,
                terms,
            } => Self::Umount {
                mountpoint,
                manner: manner(lazy, force),
                terms: terms.into(),
            },
            Verb::Commit { mountpoint, terms } => Self::Commit {
                mountpoint,
                terms: terms.into(),
            },
            Verb::Status { mountpoint, json } => Self::Status { mountpoint, json },
            Verb::Refresh { mountpoint } => Self::Refresh { mountpoint },
            Verb::Wait {
                mountpoint,
                new,
                timeout,
            } => Self::Wait {
                mountpoint,
                new,
                patience: timeout.map(Duration::from_secs),
            },
            Verb::Park { mountpoint } => Self::Park { mountpoint },
            Verb::Undelete {
                mountpoint,
                names,
                all,
            } => Self::Undelete {
                mountpoint,
                which: if all {
                    Marked::All
                } else {
                    Marked::Named(names)
                },
            },
        }
    }
}

fn manner(lazy: bool, force: bool) -> Manner {
    match (lazy, force) {
        (_, true) => Manner::Forcibly,
        (true, false) => Manner::Lazily,
        (false, false) => Manner::Plainly,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, Command};
    use std::collections::BTreeSet;

    const MANUAL: &str = include_str!("../../man/pop3fs.1");

    fn long_options(command: &Command) -> BTreeSet<&str> {
        let verbs = command.get_subcommands().flat_map(Command::get_arguments);
        command
            .get_arguments()
            .chain(verbs)
            .filter_map(Arg::get_long)
            .collect()
    }

    /// The options that have an item of their own.
    fn documented() -> BTreeSet<&'static str> {
        let items = MANUAL.lines().filter(|line| line.starts_with(".It "));
        items
            .flat_map(|item| item.split("Fl Fl ").skip(1))
            .filter_map(|option| option.split(' ').next())
            .collect()
    }

    #[test]
    fn the_grammar_is_sound() {
        Typed::command().debug_assert();
    }

    #[test]
    fn undelete_without_a_name_tells_of_all() {
        let refused = Typed::try_parse_from(["pop3fs", "undelete", "mail"]).unwrap_err();
        assert!(refused.to_string().contains("undelete MOUNTPOINT --all"));
    }

    #[test]
    fn the_manual_has_all_options_and_no_others() {
        let mut command = Typed::command();
        command.build();
        assert_eq!(documented(), long_options(&command));
    }
}
