//! The words after `-o`, as mount(8) and fstab(5) have them, turned into long options.

use std::ffi::OsString;

use clap::{Arg, Args, Command};

use super::Misuse;
use super::typed::MountOptions;

/// What to do with a word we do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It is an error.
    Refuse,
    /// It is skipped, as mount(8) wants it with `-s`.
    Skip,
}

/// Words of mount(8) and fstab(5) that mean nothing to a mailbox, or that hold anyway.
const QUIET: &[&str] = &[
    "_netdev",
    "async",
    "atime",
    "auto",
    "comment",
    "default_permissions",
    "defaults",
    "dev",
    "diratime",
    "dirsync",
    "exec",
    "group",
    "iversion",
    "lazytime",
    "loud",
    "mand",
    "noatime",
    "noauto",
    "nodev",
    "nodiratime",
    "noexec",
    "nofail",
    "nogroup",
    "noiversion",
    "nolazytime",
    "nomand",
    "noowner",
    "norelatime",
    "nostrictatime",
    "nosuid",
    "nosymfollow",
    "nouser",
    "nousers",
    "owner",
    "relatime",
    "rw",
    "silent",
    "strictatime",
    "suid",
    "symfollow",
    "sync",
    "user",
    "users",
];

/// The long options that lists of words stand for, in their order.
///
/// # Errors
///
/// [`Misuse::UnknownWord`] and [`Misuse::WordWithoutValue`].
pub(super) fn to_arguments(lists: &[String], unknown: Unknown) -> Result<Vec<OsString>, Misuse> {
    let options = MountOptions::augment_args(Command::new("options"));
    let mut arguments = Vec::new();
    for word in lists.iter().flat_map(|list| split(list)) {
        if is_quiet(&word) {
            continue;
        }
        match to_argument(&options, &word) {
            Err(Misuse::UnknownWord(word)) if unknown == Unknown::Skip => {
                log::debug!("skipped the mount option '{word}'");
            }
            argument => arguments.push(argument?.into()),
        }
    }
    Ok(arguments)
}

/// `name=value` or `name` as `--name=value` or `--name`, with `_` for `-` in the name allowed.
fn to_argument(options: &Command, word: &str) -> Result<String, Misuse> {
    let (name, value) = name_and_value(word);
    let long = match name {
        "ro" => "read-only".to_owned(),
        _ => name.replace('_', "-"),
    };
    let option = options
        .get_arguments()
        .find(|o| o.get_long() == Some(&long));
    match (option, value) {
        (None, _) => Err(Misuse::UnknownWord(name.to_owned())),
        (Some(option), None) if needs_value(option) => {
            Err(Misuse::WordWithoutValue(name.to_owned()))
        }
        (Some(_), None) => Ok(format!("--{long}")),
        (Some(_), Some(value)) => Ok(format!("--{long}={value}")),
    }
}

fn needs_value(option: &Arg) -> bool {
    option.get_action().takes_values()
}

/// `x-*` and `X-*` belong to whoever put them into fstab.
fn is_quiet(word: &str) -> bool {
    let (name, _) = name_and_value(word);
    name.is_empty() || name.starts_with("x-") || name.starts_with("X-") || QUIET.contains(&name)
}

fn name_and_value(word: &str) -> (&str, Option<&str>) {
    match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    }
}

/// Splits at commas. A backslash takes the next character as it is.
fn split(list: &str) -> Vec<String> {
    let mut words = vec![];
    let mut word = String::new();
    let mut characters = list.chars();
    while let Some(character) = characters.next() {
        match character {
            ',' => words.push(std::mem::take(&mut word)),
            '\\' => word.extend(characters.next()),
            _ => word.push(character),
        }
    }
    words.push(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arguments(list: &str) -> Result<Vec<OsString>, String> {
        to_arguments(&[list.to_owned()], Unknown::Refuse).map_err(|misuse| misuse.to_string())
    }

    #[test]
    fn every_long_option_has_a_word() {
        let options = MountOptions::augment_args(Command::new("options"));
        for long in options.get_arguments().filter_map(Arg::get_long) {
            let underscored = long.replace('-', "_");
            for name in [long, &underscored] {
                let argument = to_argument(&options, &format!("{name}=1")).unwrap();
                assert_eq!(argument, format!("--{long}=1"));
            }
        }
    }

    #[test]
    fn ro_is_read_only() {
        assert_eq!(arguments("ro").unwrap(), ["--read-only"]);
    }

    #[test]
    fn words_of_fstab_are_taken_quietly() {
        let list = "rw,dev,suid,_netdev,nofail,user=bob,noatime,x-systemd.automount,X-mount.mkdir,";
        assert!(arguments(list).unwrap().is_empty());
    }

    #[test]
    fn an_unknown_word_is_named_without_its_value() {
        let error = arguments("ro,passwrd=open sesame").unwrap_err();
        assert_eq!(error, "unknown mount option 'passwrd'");
    }

    #[test]
    fn an_unknown_word_is_skipped_where_mount_says_so() {
        let list = ["ro,foo=bar".to_owned()];
        assert_eq!(to_arguments(&list, Unknown::Skip).unwrap(), ["--read-only"]);
    }

    #[test]
    fn a_word_never_takes_its_value_from_what_follows() {
        let error = arguments("login").unwrap_err();
        assert_eq!(error, "the mount option 'login' needs a value: login=VALUE");
    }

    #[test]
    fn a_comma_in_a_value_is_escaped() {
        let list = r"password_command=pass a\,b\\c,ro";
        assert_eq!(
            arguments(list).unwrap(),
            [r"--password-command=pass a,b\c", "--read-only"]
        );
    }

    proptest! {
        #[test]
        fn escaping_and_splitting_give_the_words_back(words in prop::collection::vec(".*", 1..5)) {
            let escape = |word: &String| word.replace('\\', r"\\").replace(',', r"\,");
            let list: Vec<_> = words.iter().map(escape).collect();
            prop_assert_eq!(split(&list.join(",")), words);
        }
    }
}
