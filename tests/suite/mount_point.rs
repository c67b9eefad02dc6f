//! What may be mounted where.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::account::Account;
use crate::support::exit_status::NO_INPUT;
use crate::support::mailbox::{account, held_by, serving_three, serving_three_for};
use crate::support::mount::is_mounted;
use crate::support::namespace::{NEEDS, for_nobody};
use crate::support::process::{run, start};
use crate::support::skip::Need;
use crate::support::stage::{mounted, played_by_nobody, staged};
use pop3fs_server::When;

/// A mount left by a process that has died is cleared away by the next mount of the same mailbox at
/// that place, by the same user; a mount of anything else is not.
#[test]
fn a_mount_of_the_same_mailbox_takes_the_place_of_a_dead_one() {
    staged(serving_three(), &[Need::Fuse], |site, server| {
        let killed = site.mount(&account(server));
        killed.remove(&["two"]);
        killed.kill();

        let other = serving_three_for("bob", "secret");
        let refused = run(&mut site.command(&Account::in_clear("bob", "secret", other.port())));
        assert_eq!(refused.code(), Some(NO_INPUT), "{refused:?}");
        assert!(refused.says("whose process has died"), "{refused:?}");
        assert!(refused.says(account(server).source()), "{refused:?}");
        assert_eq!(other.sessions(), 0);

        let next = site.mount(&account(server));
        assert!(next.said().contains("cleared away"), "{}", next.said());
        assert_eq!(next.names_in(".pop3fs/deleted"), ["two"]);
        next.umount().succeeded();
        assert_eq!(held_by(server), ["one", "three"]);
    });
}

/// The same for users who are not root, through fusermount3.
#[test]
fn users_clear_away_their_own_dead_mount() {
    played_by_nobody(serving_three(), MOUNT_TWICE_AS_NOBODY, |played, server| {
        played.succeeded();
        assert_eq!(held_by(server), ["one", "three"]);
    });
}

const MOUNT_TWICE_AS_NOBODY: &str = r#"
set -ex
nobody pop3fs "$1" "$2" -o "$3"
nobody rm "$2/two"
kill -9 "$(daemon "$2")"
until flock -n "${3#*state_dir=}"/*.lock true; do :; done
nobody pop3fs "$1" "$2" -o "$3"
nobody pop3fs umount "$2"
"#;

/// A directory that its user cannot look into is no mount point, and is not said to be full.
#[test]
fn a_directory_that_cannot_be_looked_into_is_told_from_a_full_one() {
    staged(serving_three(), NEEDS, |site, server| {
        let closed = fs::Permissions::from_mode(0o300);
        fs::set_permissions(site.mountpoint(), closed).expect("our own directory");
        let mount = r#"nobody pop3fs "$1" "$2" -o "$3""#;
        let refused = for_nobody(mount, site, &account(server));
        assert_eq!(refused.code(), Some(NO_INPUT), "{refused:?}");
        assert!(refused.says("Permission denied"), "{refused:?}");
        assert_eq!(server.sessions(), 0);
    });
}

/// Users mount on directories that they may write to, and that are theirs where only owners remove, as
/// in /tmp; root mounts on those of others too.
#[test]
fn users_mount_on_their_own_directories() {
    played_by_nobody(serving_three(), MOUNT_ON_OTHERS, |played, server| {
        let played = played.succeeded();
        assert_eq!(played.stderr.matches("it belongs to others").count(), 2);
        assert_eq!(server.sessions(), 1, "root's");
    });
}

const MOUNT_ON_OTHERS: &str = r#"
set -e
chown 1 "$2"
for mode in 755 1777; do
    chmod $mode "$2"
    status=0
    nobody pop3fs "$1" "$2" -o "$3" || status=$?
    test $status = 66
done
chown -R root "${3##*=}"
pop3fs "$1" "$2" -o "$3"
pop3fs umount "$2"
"#;

/// A second mailbox is not mounted over one that is there, nor any over files that would be hidden,
/// unless nonempty was given.
#[test]
fn nothing_is_hidden_by_a_mount() {
    mounted(serving_three(), &[], |mount, server| {
        let site = mount.site();
        let refused = run(&mut site.command(&account(server)));
        assert_eq!(refused.code(), Some(NO_INPUT), "{refused:?}");
        assert!(refused.says("mounted there already"), "{refused:?}");
        assert_eq!(mount.names(), ["one", "three", "two"]);
        mount.umount().succeeded();

        fs::write(mount.file("draft"), "").expect("a file to write");
        let refused = run(&mut site.command(&account(server)));
        assert_eq!(refused.code(), Some(NO_INPUT), "{refused:?}");
        assert!(refused.says("nonempty"), "{refused:?}");

        let over = site.mount_with(&account(server), &["-o", "nonempty"]);
        assert_eq!(over.names(), ["one", "three", "two"]);
        over.umount().succeeded();
        assert!(mount.file("draft").exists());
    });
}

/// A link that is put in the place of the mount point meanwhile leads nowhere.
#[test]
fn a_link_swapped_underneath_leads_nowhere() {
    staged(serving_three(), &[Need::Fuse], |site, server| {
        let other = site.beside("other");
        fs::create_dir(&other).expect("a directory to create");
        let login = server.hold_reply(When::login());
        let mounting = start(&mut site.command(&account(server)));
        assert!(login.reached());
        fs::remove_dir(site.mountpoint()).expect("a directory to remove");
        symlink(&other, site.mountpoint()).expect("a link to make");
        login.release();
        let refused = mounting.finish();
        assert_eq!(refused.code(), Some(NO_INPUT), "{refused:?}");
        assert!(refused.says("led elsewhere"), "{refused:?}");
        assert!(!is_mounted(&other));
    });
}
