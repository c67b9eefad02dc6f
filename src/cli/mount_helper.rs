//! Called by mount(8): `mount.pop3fs SOURCE MOUNTPOINT [-sfnv] [-o WORDS] [-t TYPE]`.
//!
//! mount.fuse(8), which serves `mount -t fuse.pop3fs`, calls `pop3fs SOURCE MOUNTPOINT -o WORDS`
//! instead, which needs nothing from here.

use std::ffi::OsString;

use clap::{ArgAction, Parser};

use super::option_words::{self, Unknown};
use super::{MountRequest, Request, Stop, typed};

/// Mount a POP3 mailbox as a directory, when mount(8) asks for it
///
/// Its arguments are those that mount(8) describes under EXTERNAL HELPERS. People use mount -t pop3fs,
/// a line in fstab, or pop3fs itself.
#[derive(Debug, Parser)]
#[command(name = "mount.pop3fs", args_override_self = true)]
struct HelperArguments {
    /// pop3s://[LOGIN@]HOST[:PORT] (TLS, port 995) or pop3://... (STLS required, port 110)
    source: OsString,
    /// An empty directory
    mountpoint: OsString,
    /// Tolerate unknown mount options
    #[arg(short)]
    sloppy: bool,
    /// Do everything but mount
    #[arg(short)]
    fake: bool,
    /// Leave /etc/mtab alone, which is always done
    #[arg(short)]
    _no_mtab: bool,
    /// Say more; twice: also each request of the kernel
    #[arg(short, action = ArgAction::Count)]
    verbose: u8,
    /// The long options of pop3fs: login=NAME,exact_sizes,ro; pop3fs --help lists them
    #[arg(short = 'o', value_name = "OPTION[,OPTION...]")]
    words: Vec<String>,
    /// The type, which is always pop3fs
    #[arg(short = 't', value_name = "TYPE")]
    _filesystem_type: Option<String>,
    /// The mount namespace, which mount(8) has entered
    #[arg(short = 'N', value_name = "NAMESPACE")]
    _namespace: Option<String>,
}

/// Understands mount(8)'s arguments.
pub(super) fn parse(arguments: &[OsString]) -> Result<Request, Stop> {
    request(arguments).map_err(Stop::of_helper)
}

fn request(arguments: &[OsString]) -> Result<Request, Stop> {
    let helper = HelperArguments::try_parse_from(arguments)?;
    let mut mount = MountRequest::try_from(typed::parse(&as_typed(&helper)?)?)?;
    mount.called_by_mount = true;
    if helper.fake {
        Ok(Request::Pretend)
    } else {
        Ok(Request::Mount(Box::new(mount)))
    }
}

/// The command line that a person would have typed.
fn as_typed(helper: &HelperArguments) -> Result<Vec<OsString>, Stop> {
    let unknown = if helper.sloppy {
        Unknown::Skip
    } else {
        Unknown::Refuse
    };
    let mut line = vec![OsString::from("pop3fs")];
    line.extend(option_words::to_arguments(&helper.words, unknown)?);
    line.extend((0..helper.verbose).map(|_| OsString::from("-v")));
    line.push("--".into());
    line.extend([helper.source.clone(), helper.mountpoint.clone()]);
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{mount, parsed};
    use super::*;

    #[test]
    fn mount_calls_its_helper_in_a_way_of_its_own() {
        let request =
            mount("/sbin/mount.pop3fs pop3s://ann@h /mnt -v -n -o rw,uid=5,_netdev -t pop3fs");
        assert!(request.called_by_mount);
        assert!(!request.foreground);
        assert_eq!((request.uid, request.verbosity), (Some(5), 1));
        assert!(mount("mount.fuse.pop3fs pop3s://h /mnt").called_by_mount);
    }

    #[test]
    fn the_helper_has_a_help_for_people() {
        let help = match parsed("mount.pop3fs --help") {
            Err(Stop::Information(text)) => text,
            other => panic!("{other:?}"),
        };
        assert!(
            help.contains("mount -t pop3fs") && help.contains("pop3fs --help"),
            "{help}"
        );
    }

    #[test]
    fn mount_may_ask_to_pretend_and_to_be_lenient() {
        let pretended = parsed("mount.pop3fs pop3s://h /mnt -f");
        assert!(matches!(pretended, Ok(Request::Pretend)));
        assert!(mount("mount.pop3fs pop3s://h /mnt -s -o ro,colour=red").read_only);
    }

    #[test]
    fn mount_gets_the_status_it_knows() {
        for line in [
            "mount.pop3fs pop3s://h",
            "mount.pop3fs http://h /mnt",
            "mount.pop3fs pop3s://h /mnt -o colour=red",
        ] {
            assert!(
                matches!(parsed(line), Err(Stop::UsageOfHelper(_))),
                "{line}"
            );
        }
    }
}
