//! What the process that serves the mailbox has given up.

use std::fs;
use std::path::Path;

use nix::unistd::Pid;

use crate::support::mailbox::serving_three;
use crate::support::mount::Mount;
use crate::support::process::eventually;
use crate::support::stage::mounted;

/// Every thread of the daemon has given up what `status` says, and its keeper has given up nothing.
#[test]
fn every_thread_has_given_up_what_status_says() {
    mounted(serving_three(), &[], |mount, _| {
        let given_up = given_up(mount);
        assert!(given_up.contains(&"no-new-privileges".to_owned()));
        let filtered = given_up.contains(&"system-calls".to_owned());
        let expected = restrictions("1", if filtered { "2" } else { "0" });
        let threads = threads(mount.daemon().id());
        assert!(threads.len() > 5, "{threads:?}");
        assert!(threads.iter().all(|it| *it == expected), "{threads:?}");
        let keeper = mount.daemon().keeper().expect("a keeper");
        let ours = of_thread(Path::new("/proc/thread-self"));
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

/// The keeper holds no connection to the kernel, which would keep the mount from ending, and ends
/// with the daemon, however that ends.
#[test]
fn the_keeper_ends_with_the_daemon() {
    mounted(serving_three(), &[], |mount, _| {
        let keeper = mount.daemon().keeper().expect("a keeper");
        let descriptors = fs::read_dir(format!("/proc/{keeper}/fd")).expect("descriptors");
        let mut opened = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        assert!(!opened.any(|it| it == Path::new("/dev/fuse")));
        mount.kill();
        eventually("the keeper ends", || mount.daemon().keeper().is_none());
    });
}

/// What `status` says for programs.
fn given_up(mount: &Mount<'_>) -> Vec<String> {
    let text = mount.verb("status", &["--json"]).succeeded().text();
    let status: serde_json::Value = serde_json::from_str(&text).expect("an object");
    serde_json::from_value(status["sandbox"].clone()).expect("a list")
}

/// What the kernel tells of a thread (proc_pid_status(5)).
#[derive(Debug, PartialEq, Eq)]
struct Restrictions {
    no_new_privileges: String,
    seccomp: String,
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
    restrictions(&field("NoNewPrivs:"), &field("Seccomp:"))
}

fn restrictions(no_new_privileges: &str, seccomp: &str) -> Restrictions {
    Restrictions {
        no_new_privileges: no_new_privileges.to_owned(),
        seccomp: seccomp.to_owned(),
    }
}
