//! `.pop3fs/events`: what happens, as it happens.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::Signal;
use pop3fs_server::{Fault, Message, When};
use serde_json::Value;

use crate::support::exit_status::TEMPORARY_FAILURE;
use crate::support::mailbox::{serving_three, text};
use crate::support::mount::{Mount, pop3fs};
use crate::support::process::{Running, eventually, run, start};
use crate::support::stage::mounted;

/// Longer than anything here takes, in milliseconds.
const PATIENCE: u16 = 60_000;

/// The file events in the control directory tells what happens, one line of JSON for each event, to
/// any number of programs, each from the time it opened the file. They may read and wait, or poll.
#[test]
fn every_reader_is_told_what_happens_since_it_opened_the_file() {
    mounted(serving_three(), &[], |mount, _| {
        let mut early = Watcher::open(mount);
        fs::remove_file(mount.file("one")).expect("a file to remove");
        let mut late = Watcher::open(mount);
        mount.verb("undelete", &["one"]).succeeded();
        fs::remove_file(mount.file("two")).expect("a file to remove");
        mount.verb("commit", &[]).succeeded();

        let about_one = |what| format!(r#"{what} "one" {}"#, text("one").len());
        assert_eq!(early.next(), about_one("marked"));
        for watcher in [&mut early, &mut late] {
            assert_eq!(watcher.next(), about_one("unmarked"));
            assert!(watcher.next().starts_with(r#"marked "two""#));
            let committed = watcher.await_event("committed");
            assert_eq!(committed["deleted"], 1);
            assert_eq!(committed["remaining"], 2);
            assert_eq!(committed["complete"], true);
        }
    });
}

/// Mail that arrives and mail that vanishes is told with the next listing.
#[test]
fn mail_that_comes_and_goes_is_told() {
    mounted(serving_three(), &[], |mount, server| {
        let mut watcher = Watcher::open(mount);
        server.expunge(b"two");
        server.deliver(Message::new("four", b"new\r\n"));
        mount.verb("refresh", &[]).succeeded();
        watcher.await_event("parked");
        assert!(watcher.next().starts_with(r#"vanished "two""#));
        assert_eq!(watcher.next(), r#"arrived "four" 5"#);
        assert_eq!(watcher.await_event("connected")["messages"], 3);
    });
}

/// The loss of a session is told with its reason.
#[test]
fn a_lost_session_is_told() {
    mounted(serving_three(), &[], |mount, server| {
        let mut watcher = Watcher::open(mount);
        server.fault(Fault::CutWithin(When::first("RETR"), 5));
        run(Command::new("cat").arg(mount.file("one"))).succeeded();
        let reason = watcher.await_event("lost")["reason"].clone();
        assert_eq!(reason, "the server hung up");
        watcher.await_event("connected");
    });
}

/// A program that waits for an event delays nobody, however many there are, and can be interrupted
/// or killed at any time.
#[test]
fn those_who_wait_for_events_are_in_nobodys_way() {
    mounted(serving_three(), &[], |mount, _| {
        let mut waiting: Vec<Running> = (0..8).map(|_| waiting_cat(mount)).collect();
        assert_eq!(
            fs::read(mount.file("one")).expect("a file to read"),
            text("one").as_bytes()
        );
        fs::remove_file(mount.file("two")).expect("a file to remove");
        for cat in &waiting {
            eventually("it is told", || cat.output().contains("marked"));
        }

        let signals = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL];
        for (signal, cat) in signals.into_iter().zip(waiting.drain(..3)) {
            cat.signal(signal);
            assert_eq!(cat.finish().code(), None, "{signal} ends it");
        }
    });
}

/// A program that does not want to wait is told so, and can be woken instead.
#[test]
fn events_can_be_polled_for() {
    mounted(serving_three(), &[], |mount, _| {
        let mut events = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(mount.file(".pop3fs/events"))
            .expect("events to open");
        let mut octets = [0; 1000];
        let nothing = events.read(&mut octets).expect_err("nothing to read");
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);

        let epoll = Epoll::new(EpollCreateFlags::empty()).expect("an epoll instance");
        let wanted = EpollEvent::new(EpollFlags::EPOLLIN, 0);
        epoll.add(&events, wanted).expect("events to watch");
        let mut ready = [EpollEvent::empty()];
        let glance = epoll.wait(&mut ready, EpollTimeout::ZERO);
        assert_eq!(glance, Ok(0));
        let path = mount.file("one");
        let remover = std::thread::spawn(move || fs::remove_file(path));
        assert_eq!(epoll.wait(&mut ready, PATIENCE), Ok(1));
        remover.join().expect("a remover").expect("a removed file");
        let length = events.read(&mut octets).expect("an event");
        assert!(octets[..length].ends_with(b"\n"));
        assert_eq!(epoll.wait(&mut ready, EpollTimeout::ZERO), Ok(0));
    });
}

/// Whoever still waits for events when the mailbox is unmounted comes to the end of the file, after
/// the commit.
#[test]
fn events_end_with_the_mount() {
    mounted(serving_three(), &[], |mount, _| {
        let cat = waiting_cat(mount);
        fs::remove_file(mount.file("two")).expect("a file to remove");
        mount.daemon().signal(Signal::SIGTERM);
        let told = cat.finish().succeeded().text();
        let last = told.lines().last().expect("an event");
        assert!(last.contains(r#""event":"committed""#), "{told}");
        mount.daemon().await_end();
    });
}

/// Programs that walk the control directory do not come upon a file that never ends.
#[test]
fn events_are_not_listed() {
    mounted(serving_three(), &[], |mount, _| {
        let listed = mount.names_in(".pop3fs");
        assert_eq!(listed, ["ctl", "deleted", "last-commit", "status"]);
        let grep = run(Command::new("grep")
            .args(["-r", "pid"])
            .arg(mount.file(".pop3fs")));
        assert!(grep.says("\"pid\":"), "{grep:?}");
    });
}

/// The shell's own `read` takes the events line by line.
#[test]
fn a_shell_reads_events_line_by_line() {
    mounted(serving_three(), &[], |mount, _| {
        let script = "while read -r event; do echo \"got $event\"; done < .pop3fs/events";
        let mut shell = Command::new("sh");
        let shell = start(shell.args(["-c", script]).current_dir(mount.path()));
        await_opening(&shell);
        for name in ["one", "two"] {
            fs::remove_file(mount.file(name)).expect("a file to remove");
        }
        eventually("both are read", || shell.output().lines().count() == 2);
        assert!(shell.output().lines().all(|line| line.starts_with("got {")));
    });
}

/// The verb wait returns when so many messages have arrived as it is told to wait for, and names
/// them.
#[test]
fn new_mail_can_be_waited_for() {
    mounted(serving_three(), &[], |mount, server| {
        let mut waiting = start(waiting_for(mount).args(["--new", "2"]));
        await_opening(&waiting);
        for name in ["four", "five"] {
            server.deliver(Message::new(name, b"new\r\n"));
            assert!(!waiting.has_ended());
            mount.verb("refresh", &[]).succeeded();
        }
        assert_eq!(waiting.finish().succeeded().text(), "four\nfive\n");
    });
}

/// Mail that is there already when it is waited for is not new, unless no listing has shown it.
#[test]
fn mail_is_looked_for_at_once() {
    mounted(serving_three(), &[], |mount, server| {
        server.deliver(Message::new("four", b"new\r\n"));
        let found = run(&mut waiting_for(mount)).succeeded();
        assert_eq!(found.text(), "four\n");
    });
}

/// Waiting for mail ends with exit status 1 when its time is over, and by a signal at any time.
#[test]
fn waiting_for_mail_has_an_end() {
    mounted(serving_three(), &[], |mount, _| {
        let in_vain = run(waiting_for(mount).args(["--timeout", "1"]));
        assert_eq!(in_vain.code(), Some(1), "{in_vain:?}");
        assert!(in_vain.says("no new mail"));

        let waiting = start(&mut waiting_for(mount));
        await_opening(&waiting);
        waiting.signal(Signal::SIGINT);
        assert_eq!(waiting.finish().code(), None);

        let waiting = start(&mut waiting_for(mount));
        await_opening(&waiting);
        mount.verb("umount", &["--lazy"]).succeeded();
        let unmounted = waiting.finish();
        assert_eq!(unmounted.code(), Some(TEMPORARY_FAILURE), "{unmounted:?}");
        assert!(unmounted.says("was unmounted"));
    });
}

fn waiting_for(mount: &Mount) -> Command {
    let mut wait = pop3fs();
    wait.arg("wait").arg(mount.path());
    wait
}

/// A program that reads events, and can wait no longer than a test may.
struct Watcher {
    file: File,
    text: String,
}

impl Watcher {
    fn open(mount: &Mount) -> Self {
        let file = File::open(mount.file(".pop3fs/events")).expect("events to open");
        let text = String::new();
        Self { file, text }
    }

    /// The next event.
    fn next_event(&mut self) -> Value {
        while !self.text.contains('\n') {
            let mut awaited = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
            assert_eq!(poll(&mut awaited, PollTimeout::from(PATIENCE)), Ok(1));
            let mut octets = [0; 100];
            let length = self.file.read(&mut octets).expect("events to read");
            self.text += std::str::from_utf8(&octets[..length]).expect("ASCII");
        }
        let (line, rest) = self.text.split_once('\n').expect("a line");
        let event: Value = serde_json::from_str(line).expect("JSON");
        self.text = rest.to_owned();
        assert!(event["time"].is_i64());
        event
    }

    /// The next event about a message: what happened, its name and its size.
    fn next(&mut self) -> String {
        let event = self.next_event();
        let what = event["event"].as_str().expect("a name");
        format!("{what} {} {}", event["name"], event["size"])
    }

    /// The next event of a kind.
    fn await_event(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next_event();
            if event["event"] == kind {
                return event;
            }
        }
    }
}

/// A `cat` that has opened the events.
fn waiting_cat(mount: &Mount) -> Running {
    let cat = start(Command::new("cat").arg(mount.file(".pop3fs/events")));
    await_opening(&cat);
    cat
}

/// Waits until a program has opened the events.
fn await_opening(program: &Running) {
    let files = format!("/proc/{}/fd", program.id());
    eventually("the program opens the events", || {
        let open = fs::read_dir(&files).into_iter().flatten().flatten();
        let mut targets = open.filter_map(|file| fs::read_link(file.path()).ok());
        targets.any(|target| target.ends_with(".pop3fs/events"))
    });
}
