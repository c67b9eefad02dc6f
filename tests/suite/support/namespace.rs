//! Scripts that run where pop3fs is installed: in a mount namespace of their own, so that nobody
//! else sees the installation.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::account::Account;
use super::mount::Site;
use super::process::{Outcome, run};
use super::skip::Need;

/// What the scripts cannot do without.
pub const NEEDS: &[Need] = &[
    Need::Fuse,
    Need::Root,
    Need::Program("unshare"),
    Need::Program("setpriv"),
];

/// A user who is not root; in a script, `nobody COMMAND` runs a command as this one.
pub const NOBODY: u32 = 65_534;

/// Runs a script that mounts a mailbox in clear where all belongs to nobody. `$1` is its source, `$2`
/// the mountpoint, `$3` the options; the password is in the environment.
#[track_caller]
pub fn for_nobody(script: &str, site: &Site, account: &Account) -> Outcome {
    site.give_to(NOBODY);
    let mountpoint = site.mountpoint().display().to_string();
    let options = format!("tls=off,state_dir={}", site.state().display());
    let script = format!("export POP3FS_PASSWORD=$4\n{script}");
    let arguments = [account.source(), &mountpoint, &options, account.password()];
    in_namespace(&script, &arguments)
}

/// Runs a script; its arguments are `$1`, `$2` and so on.
#[track_caller]
pub fn in_namespace(script: &str, arguments: &[&str]) -> Outcome {
    let program = Path::new(env!("CARGO_BIN_EXE_pop3fs"));
    let helpers = tempfile::tempdir().expect("a temporary directory");
    let helper = helpers.path().join("mount.pop3fs");
    // There everybody gets at it, wherever it was built.
    symlink("/usr/local/bin/pop3fs", helper).expect("a link to create");
    let programs = program.parent().expect("a directory");
    run(Command::new("unshare")
        .args(["-m", "sh", "-c", &format!("{INSTALLED}\n{script}"), "sh"])
        .args([programs, helpers.path()])
        .args(arguments))
}

/// Shows the program in /usr/local/bin and the helper in /sbin, and a /dev/fuse that is open to
/// all, as it is on most systems. `daemon MOUNTPOINT` prints the number of the process that serves
/// it.
const INSTALLED: &str = r#"
mount --bind "$1" /usr/local/bin &&
mount -t overlay overlay -o "lowerdir=$2:/usr/sbin" /usr/sbin &&
mount -t tmpfs tmpfs /mnt &&
mknod /mnt/fuse c 10 229 &&
chmod 666 /mnt/fuse &&
mount --bind /mnt/fuse /dev/fuse || exit
shift 2

as() {
  user=$1
  shift
  setpriv --reuid "$user" --regid "$user" --clear-groups "$@"
}
nobody() { as 65534 "$@"; }
daemon() { nobody pop3fs status "$1" | sed -n 's/^process *//p'; }
"#;
