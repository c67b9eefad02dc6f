//! Mounting as the administrator does: by mount(8) and fstab(5).

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use pop3fs_server::Server;

use crate::support::mailbox::{account, held_by, serving_three};
use crate::support::mount::Site;
use crate::support::process::{Outcome, eventually, run};
use crate::support::skip::{Need, lacking};

const NEEDS: &[Need] = &[Need::Fuse, Need::Root, Need::Program("unshare")];

/// `mount -t fuse.pop3fs SOURCE MOUNTPOINT -o ...` mounts, and `umount` commits.
#[test]
fn mount_finds_the_program_by_its_type() {
    if lacking(NEEDS) {
        return;
    }
    let (server, site) = (serving_three(), Site::new());
    let options = options(&site);
    let source = account(&server).source().to_owned();
    let mail = site.mountpoint().display().to_string();
    in_namespace(
        r#"mount -t fuse.pop3fs "$1" "$2" -o "$3" && rm "$2/two" && umount "$2""#,
        &[&source, &mail, &options],
    )
    .succeeded();
    assert_committed(&server);
}

/// A line in fstab with the type `pop3fs` mounts through `mount.pop3fs`; the options that are for
/// others than the filesystem are taken without a word.
#[test]
fn fstab_mounts_by_the_helper() {
    if lacking(NEEDS) {
        return;
    }
    let (server, site) = (serving_three(), Site::new());
    let (source, options) = (account(&server).source().to_owned(), options(&site));
    let mail = site.mountpoint().display().to_string();
    let fstab = site.beside("fstab").display().to_string();
    let words = format!("noauto,nofail,_netdev,x-systemd.automount,noatime,{options}");
    fs::write(&fstab, format!("{source} {mail} pop3fs {words} 0 0\n")).expect("a file to write");
    in_namespace(
        r#"mount -T "$1" "$2" && findmnt -t fuse.pop3fs "$2" && rm "$2/two" && umount "$2""#,
        &[&fstab, &mail],
    )
    .succeeded();
    assert_committed(&server);
}

/// An option that nobody knows is an error, which mount(8) passes on.
#[test]
fn mount_passes_an_error_on() {
    if lacking(NEEDS) {
        return;
    }
    let (server, site) = (serving_three(), Site::new());
    let options = format!("{},no_such_option", options(&site));
    let source = account(&server).source().to_owned();
    let mail = site.mountpoint().display().to_string();
    let outcome = in_namespace(
        r#"mount -t fuse.pop3fs "$1" "$2" -o "$3""#,
        &[&source, &mail, &options],
    );
    assert!(!outcome.status.success(), "{outcome:?}");
    assert!(outcome.says("no_such_option"), "{outcome:?}");
}

/// Users who are not root mount through fusermount3; the mount has the same type and names the same
/// source.
#[test]
fn users_mount_by_fusermount() {
    if lacking(NEEDS) || lacking(&[Need::Program("setpriv")]) {
        return;
    }
    let (server, site) = (serving_three(), Site::new());
    let options = options(&site);
    site.give_to(NOBODY);
    let source = account(&server).source().to_owned();
    let mail = site.mountpoint().display().to_string();
    let outcome = in_namespace(
        AS_NOBODY,
        &[
            r#"pop3fs "$1" "$2" -o "$3" && findmnt -n -o FSTYPE,SOURCE "$2" && rm "$2/two" && pop3fs umount "$2""#,
            &source,
            &mail,
            &options,
        ],
    )
    .succeeded();
    assert!(outcome.says("fuse.pop3fs"), "{outcome:?}");
    assert!(outcome.says("127.0.0.1"), "{outcome:?}");
    assert!(outcome.says("1 deleted, 2 left"), "{outcome:?}");
    assert_committed(&server);
}

/// What an fstab says of a mailbox in clear.
fn options(site: &Site) -> String {
    let password = site.beside("password");
    fs::write(&password, "secret\n").expect("a file to write");
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).expect("our own file");
    let (password, state) = (password.display(), site.state());
    format!(
        "tls=off,password_file={password},state_dir={}",
        state.display()
    )
}

/// Runs a script where pop3fs is installed: in a mount namespace of its own, so that nobody else
/// sees the installation.
fn in_namespace(script: &str, arguments: &[&str]) -> Outcome {
    let program = Path::new(env!("CARGO_BIN_EXE_pop3fs"));
    let helpers = tempfile::tempdir().expect("a temporary directory");
    symlink(program, helpers.path().join("mount.pop3fs")).expect("a link to create");
    let programs = program.parent().expect("a directory");
    run(Command::new("unshare")
        .args(["-m", "sh", "-c", INSTALLED, "sh"])
        .args([programs, helpers.path()])
        .arg(script)
        .args(arguments))
}

/// Shows the program in /usr/local/bin and the helper in /sbin, and goes on with the script.
const INSTALLED: &str = r#"
mount --bind "$1" /usr/local/bin &&
mount -t overlay overlay -o "lowerdir=$2:/usr/sbin" /usr/sbin || exit
script=$3
shift 3
exec sh -c "$script" sh "$@"
"#;

/// A user who is not root.
const NOBODY: u32 = 65_534;

/// Goes on with a script as somebody who is not root, with a /dev/fuse that is open to all, as it
/// is on most systems.
const AS_NOBODY: &str = r#"
mount -t tmpfs tmpfs /mnt &&
mknod /mnt/fuse c 10 229 &&
chmod 666 /mnt/fuse &&
mount --bind /mnt/fuse /dev/fuse || exit
script=$1
shift
exec setpriv --reuid 65534 --regid 65534 --clear-groups sh -c "$script" sh "$@"
"#;

#[track_caller]
fn assert_committed(server: &Server) {
    eventually("the commit is done", || held_by(server) == ["one", "three"]);
}
