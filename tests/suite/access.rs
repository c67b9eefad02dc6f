//! Who gets in.

use crate::support::exit_status::OS_ERROR;
use crate::support::mailbox::{held_by, serving_three, text};
use crate::support::stage::played_by_nobody;

/// Nobody else gets in, root included, unless `allow_other` was given.
///
/// Root is refused by the kernel, whatever the permissions are; where root has mounted, there is
/// only everybody else to refuse.
#[test]
fn nobody_else_gets_in() {
    let script = MOUNT_AS_NOBODY_THEN_AS_ROOT;
    played_by_nobody(serving_three(), script, |played, server| {
        played.succeeded();
        assert_eq!(server.count("RETR"), 3, "one for each mount");
    });
}

/// With `uid`, `gid` and `mode` messages belong to others and are open to others, as far as
/// `allow_other` lets them in. Directories may be entered by those who may read messages; removing is
/// for those who may write, and what names or deletes messages in the control directory is the owner's
/// alone.
#[test]
fn others_own_the_messages_and_get_at_them_as_the_mode_says() {
    played_by_nobody(serving_three(), MOUNT_FOR_OTHERS, |played, server| {
        let played = played.succeeded();
        assert_eq!(
            played.text(),
            OWNED_BY_OTHERS.to_owned() + &text("one").repeat(2)
        );
        assert_eq!(held_by(server), ["one", "three"]);
    });
}

/// A user who is not root shares a mailbox with `allow_other` only where the machine's administrator lets
/// users do so; else nothing is mounted, and the way out is told.
#[test]
fn users_share_a_mailbox_only_where_the_machine_lets_them() {
    played_by_nobody(serving_three(), SHARE_AS_NOBODY, |played, _| {
        let played = played.succeeded();
        let way_out = "user_allow_other in /etc/fuse.conf";
        assert!(played.stderr.contains(way_out), "{played:?}");
        assert_eq!(played.text(), format!("{OS_ERROR}\n{}", text("one")));
    });
}

const SHARE_AS_NOBODY: &str = r#"
set -e
echo '#user_allow_other' >/mnt/fuse.conf
mount --bind /mnt/fuse.conf /etc/fuse.conf
status=0
nobody pop3fs "$1" "$2" -o "$3,allow_other" || status=$?
echo $status
echo user_allow_other >/mnt/fuse.conf
nobody pop3fs "$1" "$2" -o "$3,allow_other,mode=644"
as 1 cat "$2/one"
nobody pop3fs umount "$2" >/dev/null
"#;

/// The verbs say that a mailbox is another user's, and leave it as it is.
#[test]
fn the_verbs_know_what_is_another_users() {
    let script = SPEAK_TO_ANOTHER_USERS_MOUNT;
    played_by_nobody(serving_three(), script, |played, _| {
        let played = played.succeeded();
        assert_eq!(played.text(), "77\n".repeat(4));
        let lines: Vec<_> = played.stderr.lines().collect();
        let is_told = |line: &&str| line.starts_with("pop3fs: ") && line.contains("another user's");
        assert_eq!(lines.iter().filter(|line| is_told(line)).count(), 4);
        assert_eq!(lines.len(), 4, "{lines:?}");
    });
}

const SPEAK_TO_ANOTHER_USERS_MOUNT: &str = r#"
set -e
nobody pop3fs "$1" "$2" -o "$3"
for verb in status commit umount 'umount --force'; do
    status=0
    as 1 pop3fs $verb "$2" || status=$?
    echo $status
done
nobody pop3fs umount "$2" >/dev/null
"#;

/// Whoever is outside the pid namespace of the process that serves a mount is served as others are,
/// by a mount that is read-only as well.
#[test]
fn a_mount_serves_programs_of_other_pid_namespaces() {
    played_by_nobody(serving_three(), SERVE_FROM_A_PID_NAMESPACE, |played, _| {
        let shown = played.succeeded().text();
        assert_eq!(shown, text("one") + &text("one"));
    });
}

const SERVE_FROM_A_PID_NAMESPACE: &str = r#"
set -e
chown -R root "${3##*=}"
for manner in rw ro; do
    unshare --pid --fork pop3fs -f "$1" "$2" -o "$3,$manner" 2>/dev/null &
    until findmnt "$2" >/dev/null; do kill -0 $!; done
    cat "$2/one"
    umount "$2"
    wait $!
done
"#;

const MOUNT_FOR_OTHERS: &str = r#"
owner() { as 1 "$@"; }
member() { setpriv --reuid 3 --regid 2 --clear-groups "$@"; }
refused() { "$@" 2>&1 | grep -q 'Permission denied'; }
set -e

chown -R root "${3##*=}"
pop3fs "$1" "$2" -o "$3,uid=1,gid=2,mode=640"
refused owner cat "$2/one"
pop3fs umount "$2" >/dev/null

pop3fs "$1" "$2" -o "$3,allow_other,uid=1,gid=2,mode=640"
cd "$2"
stat -c '%u:%g %a %n' . one .pop3fs .pop3fs/deleted .pop3fs/ctl .pop3fs/status
owner cat one
member cat one
refused member rm -f three
refused member cat .pop3fs/status
refused as 4 cat one
owner rm two
owner cat .pop3fs/deleted/two >/dev/null
cd /
pop3fs umount "$2" >/dev/null
"#;

const OWNED_BY_OTHERS: &str = "\
1:2 750 .
1:2 640 one
1:2 750 .pop3fs
1:2 750 .pop3fs/deleted
1:2 200 .pop3fs/ctl
1:2 400 .pop3fs/status
";

/// Prints and checks each step.
const MOUNT_AS_NOBODY_THEN_AS_ROOT: &str = r#"
somebody() { as 1 "$@"; }
refused() { "$@" 2>&1 | grep 'Permission denied'; }
set -ex

nobody pop3fs "$1" "$2" -o "$3,mode=644"
nobody cat "$2/one"
refused cat "$2/one"
refused somebody cat "$2/one"
nobody pop3fs umount "$2"

chown -R root "${3##*=}"
pop3fs "$1" "$2" -o "$3,mode=644"
cat "$2/one"
refused somebody cat "$2/one"
pop3fs umount "$2"

pop3fs "$1" "$2" -o "$3,mode=644,allow_other"
somebody cat "$2/one"
pop3fs umount "$2"
"#;
