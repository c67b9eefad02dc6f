//! Mounting as the administrator does: by mount(8) and fstab(5).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use pop3fs_server::Server;

use crate::support::mailbox::{account, held_by, serving_three};
use crate::support::mount::Site;
use crate::support::namespace::{NEEDS, NOBODY, in_namespace};
use crate::support::process::eventually;
use crate::support::stage::{played_by_nobody, staged};

/// `mount -t fuse.pop3fs SOURCE MOUNTPOINT -o ...` mounts, and `umount` commits.
#[test]
fn mount_finds_the_program_by_its_type() {
    staged(serving_three(), NEEDS, |site, server| {
        let options = options(site);
        let source = account(server).source().to_owned();
        let mail = site.mountpoint().display().to_string();
        in_namespace(
            r#"mount -t fuse.pop3fs "$1" "$2" -o "$3" && rm "$2/two" && umount "$2""#,
            &[&source, &mail, &options],
        )
        .succeeded();
        assert_committed(server);
    });
}

/// A line in fstab with the type `pop3fs` mounts through `mount.pop3fs`; the options that are for
/// others than the filesystem are taken without a word.
#[test]
fn fstab_mounts_by_the_helper() {
    staged(serving_three(), NEEDS, |site, server| {
        let (source, options) = (account(server).source().to_owned(), options(site));
        let mail = site.mountpoint().display().to_string();
        let fstab = site.beside("fstab").display().to_string();
        let words = format!("noauto,nofail,_netdev,x-systemd.automount,noatime,{options}");
        fs::write(&fstab, format!("{source} {mail} pop3fs {words} 0 0\n"))
            .expect("a file to write");
        in_namespace(
            r#"mount -T "$1" "$2" && findmnt -t fuse.pop3fs "$2" && rm "$2/two" && umount "$2""#,
            &[&fstab, &mail],
        )
        .succeeded();
        assert_committed(server);
    });
}

/// A line in fstab with the option `user` lets that user mount and unmount. mount(8) takes the
/// variable HOME away: the marks are kept where the system says that the user is at home.
#[test]
fn fstab_lets_a_user_mount() {
    staged(serving_three(), NEEDS, |site, server| {
        let (mail, home) = (site.mountpoint(), site.home());
        let (source, password) = (account(server).source().to_owned(), password(site));
        let words = format!("noauto,user,tls=off,password_file={}", password.display());
        let (mail, home) = (mail.display().to_string(), home.display().to_string());
        site.give_to(NOBODY);
        in_namespace(
            MOUNT_BY_FSTAB_AS_NOBODY,
            &[&format!("{source} {mail} pop3fs {words} 0 0"), &mail, &home],
        )
        .succeeded();
        assert_committed(server);
        let marks = format!("{home}/.local/state/pop3fs");
        assert!(fs::exists(marks).expect("root may look"));
    });
}

const MOUNT_BY_FSTAB_AS_NOBODY: &str = r#"
set -e
mkdir /mnt/etc
echo "$1" >/mnt/etc/fstab
echo "nobody:x:65534:65534::$3:/bin/sh" >/mnt/etc/passwd
mount -t overlay overlay -o lowerdir=/mnt/etc:/etc /etc
chown nobody "$3"
nobody mount "$2"
nobody rm "$2/two"
nobody umount "$2"
"#;

/// An option that nobody knows is an error, which mount(8) passes on.
#[test]
fn mount_passes_an_error_on() {
    staged(serving_three(), NEEDS, |site, server| {
        let options = format!("{},no_such_option", options(site));
        let source = account(server).source().to_owned();
        let mail = site.mountpoint().display().to_string();
        let outcome = in_namespace(
            r#"mount -t fuse.pop3fs "$1" "$2" -o "$3""#,
            &[&source, &mail, &options],
        );
        assert!(!outcome.status.success(), "{outcome:?}");
        assert!(outcome.says("no_such_option"), "{outcome:?}");
    });
}

/// Users who are not root mount through fusermount3; the mount has the same type and names the same
/// source.
#[test]
fn users_mount_by_fusermount() {
    played_by_nobody(serving_three(), MOUNT_AS_NOBODY, |played, server| {
        let outcome = played.succeeded();
        assert!(outcome.says("fuse.pop3fs"), "{outcome:?}");
        assert!(outcome.says("127.0.0.1"), "{outcome:?}");
        assert!(outcome.says("1 deleted, 2 left"), "{outcome:?}");
        assert_committed(server);
    });
}

const MOUNT_AS_NOBODY: &str = r#"
set -e
nobody pop3fs "$1" "$2" -o "$3"
findmnt -n -o FSTYPE,SOURCE "$2"
nobody rm "$2/two"
nobody pop3fs umount "$2"
"#;

/// What an fstab says of a mailbox in clear.
fn options(site: &Site) -> String {
    let (password, state) = (password(site), site.state());
    format!(
        "tls=off,password_file={},state_dir={}",
        password.display(),
        state.display()
    )
}

/// A file that holds the password.
fn password(site: &Site) -> PathBuf {
    let file = site.beside("password");
    fs::write(&file, "secret\n").expect("a file to write");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("our own file");
    file
}

#[track_caller]
fn assert_committed(server: &Server) {
    eventually("the commit is done", || held_by(server) == ["one", "three"]);
}
