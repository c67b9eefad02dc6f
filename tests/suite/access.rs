//! Who gets in.

use crate::support::mailbox::{serving_three, text};
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
