//! What the process that serves the mailbox has given up.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use nix::unistd::Pid;

use crate::support::mailbox::{account, held_by, serving_three};
use crate::support::mount::{Mount, Site};
use crate::support::namespace::{NEEDS, NOBODY, in_namespace};
use crate::support::skip::{Need, lacking};
use crate::support::stage::{mounted, staged};

/// Every thread of the daemon has given up what `status` says, and its keeper has given up nothing.
#[test]
fn every_thread_has_given_up_what_status_says() {
    mounted(serving_three(), &[], |mount, _| {
        let given_up = given_up(mount);
        assert!(given_up.starts_with(&["no-new-privileges".into(), "capabilities".into()]));
        let filtered = given_up.contains(&"system-calls".to_owned());
        let ours = of_thread(Path::new("/proc/thread-self"));
        let expected = Restrictions {
            no_new_privileges: "1".to_owned(),
            seccomp: if filtered { "2" } else { "0" }.to_owned(),
            capabilities: CAPABILITIES.map(|_| NONE.to_owned()),
            // An ordinary user cannot bound what is not there.
            bounds: if ours.capabilities[0] == NONE {
                ours.bounds.clone()
            } else {
                NONE.to_owned()
            },
        };
        let threads = threads(mount.daemon().id());
        assert!(threads.len() > 5, "{threads:?}");
        assert!(threads.iter().all(|it| *it == expected), "{threads:?}");
        let keeper = mount.daemon().keeper().expect("a keeper");
        assert!(self::threads(keeper).iter().all(|it| *it == ours));
        let said = mount.verb("status", &[]);
        assert!(said.says(&given_up.join(", ")), "{said:?}");
    });
}

/// With `--no-sandbox` nothing is given up, and `status` says that too.
#[test]
fn nothing_is_given_up_where_that_is_not_wanted() {
    mounted(serving_three(), &["--no-sandbox"], |mount, _| {
        assert_eq!(given_up(mount), [""; 0]);
        let ours = of_thread(Path::new("/proc/thread-self"));
        let threads = threads(mount.daemon().id());
        assert!(threads.iter().all(|it| *it == ours), "{threads:?}");
        assert!(mount.verb("status", &[]).says("sandbox   none"));
    });
}

/// Root mounts where only another user may look, and the process that serves the mailbox needs no
/// such right for that.
#[test]
fn root_mounts_in_a_private_directory_of_another_user() {
    if lacking(&[Need::Fuse, Need::Root]) {
        return;
    }
    let (server, site) = (serving_three(), Site::new());
    let private = Permissions::from_mode(0o700);
    fs::set_permissions(site.mountpoint(), private).expect("our own directory");
    chown(site.mountpoint(), Some(NOBODY), None).expect("a directory to give away");
    let mount = site.mount(&account(&server));
    assert!(given_up(&mount).contains(&"capabilities".to_owned()));
    fs::remove_file(mount.file("two")).expect("a message to remove");
    mount.umount().succeeded();
    assert_eq!(server.unique_ids(), [&b"one"[..], b"three"]);
}

/// Root with the home of another user, as from `sudo -E`, leaves nothing there, and needs no right to
/// look into it.
#[test]
fn root_keeps_no_marks_in_the_home_of_another_user() {
    if lacking(NEEDS) {
        return;
    }
    let (server, site) = (serving_three(), Site::new());
    let home = site.home();
    fs::set_permissions(&home, Permissions::from_mode(0o700)).expect("our own directory");
    chown(&home, Some(NOBODY), None).expect("a directory to give away");
    let account = account(&server);
    let mountpoint = site.mountpoint();
    let arguments = [
        account.source(),
        mountpoint.to_str().expect("a path in ASCII"),
        account.password(),
        home.to_str().expect("a path in ASCII"),
    ];
    in_namespace(MOUNTED_FROM_ANOTHER_HOME, &arguments).succeeded();
    let left = fs::read_dir(&home).expect("a directory");
    assert_eq!(left.count(), 0);
    assert_eq!(server.unique_ids(), [&b"one"[..], b"three"]);
}

/// What root keeps is seen in the namespace only.
const MOUNTED_FROM_ANOTHER_HOME: &str = r#"
mount -t tmpfs tmpfs /var/lib &&
unset XDG_STATE_HOME &&
export POP3FS_PASSWORD="$3" HOME="$4" &&
pop3fs -o tls=off "$1" "$2" &&
rm "$2/two" &&
ls /var/lib/pop3fs/*.journal &&
pop3fs umount "$2"
"#;

/// Marks are kept, and the journal is written anew, where the process that serves the mailbox may make no
/// file, and has no right to look.
#[test]
fn marks_are_kept_where_the_process_may_not_go() {
    staged(
        serving_three(),
        &[Need::Fuse, Need::Root],
        |site, server| {
            let above = site.beside("");
            fs::set_permissions(&above, Permissions::from_mode(0o700)).expect("our own directory");
            chown(&above, Some(NOBODY), None).expect("a directory to give away");
            let mount = site.mount(&account(server));
            assert!(given_up(&mount).contains(&"capabilities".to_owned()));
            let journal = || fs::metadata(site.journal()).expect("a journal to look at");
            let before = journal();
            mount.remove(&["two"]);
            mount.verb("commit", &[]).succeeded();
            assert_eq!(held_by(server), ["one", "three"]);
            let after = journal();
            assert_ne!(before.ino(), after.ino(), "another file is in its place");
            mount.remove(&["one"]);
            assert!(journal().len() > after.len());
            mount.umount().succeeded();
            assert_eq!(held_by(server), ["three"]);
        },
    );
}

/// What `status` says for programs.
fn given_up(mount: &Mount<'_>) -> Vec<String> {
    let text = mount.verb("status", &["--json"]).succeeded().text();
    let status: serde_json::Value = serde_json::from_str(&text).expect("an object");
    serde_json::from_value(status["sandbox"].clone()).expect("a list")
}

/// The capabilities that a thread has, and those that others get of it.
const CAPABILITIES: [&str; 4] = ["CapPrm:", "CapEff:", "CapInh:", "CapAmb:"];

/// No capabilities.
const NONE: &str = "0000000000000000";

/// What the kernel tells of a thread (proc_pid_status(5)).
#[derive(Debug, PartialEq, Eq)]
struct Restrictions {
    no_new_privileges: String,
    seccomp: String,
    capabilities: [String; 4],
    bounds: String,
}

fn threads(process: Pid) -> Vec<Restrictions> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("threads");
    threads
        .map(|entry| of_thread(&entry.expect("a thread").path()))
        .collect()
}

fn of_thread(thread: &Path) -> Restrictions {
    let status = fs::read_to_string(thread.join("status")).expect("a thread's status");
    let field = |name: &str| {
        let found = status.lines().find_map(|line| line.strip_prefix(name));
        found.expect("a field").trim().to_owned()
    };
    Restrictions {
        no_new_privileges: field("NoNewPrivs:"),
        seccomp: field("Seccomp:"),
        capabilities: CAPABILITIES.map(field),
        bounds: field("CapBnd:"),
    }
}
