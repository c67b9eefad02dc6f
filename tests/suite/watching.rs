//! Programs that watch the mailbox by inotify(7), as file managers do.

use std::fs;
use std::os::fd::AsFd;
use std::process::Command;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, SFlag, mknod};
use pop3fs_server::{Message, Server};

use crate::support::mailbox::{account, held_by, serving_three};
use crate::support::mount::Mount;
use crate::support::process::{Running, eventually, start};
use crate::support::skip::Need;
use crate::support::stage::{mounted, staged};

/// Longer than anything here takes, in milliseconds.
const PATIENCE: u16 = 60_000;

/// Programs that watch the mailbox with inotify(7) are told of messages that arrive and vanish.
///
/// The server hears nothing of it, and nothing is marked.
#[test]
fn watchers_are_told_of_mail_that_comes_and_goes() {
    for options in [&[][..], &["--exact-sizes"]] {
        mounted(serving_three(), options, are_told);
    }
}

/// The same where others may use the mailbox as well, which root may always let them.
#[test]
fn watchers_are_told_of_mail_in_a_mailbox_for_all() {
    let needs = [Need::Fuse, Need::Root];
    staged(serving_three(), &needs, |site, server| {
        let mount = site.mount_with(&account(server), &["--allow-other"]);
        are_told(&mount, server);
    });
}

#[track_caller]
fn are_told(mount: &Mount<'_>, server: &Server) {
    let mut watch = Watch::on(mount);
    server.deliver(Message::new("four", b"new\r\n"));
    server.expunge(b"two");
    mount.verb("refresh", &[]).succeeded();
    assert_eq!(watch.next(), "deleted two");
    assert_eq!(watch.next(), "created four");
    assert_eq!(mount.names(), ["four", "one", "three"]);
    assert_eq!(mount.names_in(".pop3fs/deleted"), [""; 0]);
    let read = fs::read(mount.file("four")).expect("a file to read");
    assert_eq!(read, b"new\r\n");
    assert_eq!(held_by(server), ["one", "three", "four"]);
    assert_eq!(server.count("DELE"), 0);
}

/// A message that is brought back by the verb appears, one that is moved back is moved: each is told
/// once. What programs do themselves is told as ever.
#[test]
fn watchers_are_told_of_marks_that_are_taken_off() {
    mounted(serving_three(), &[], |mount, _| {
        let mut watch = Watch::on(mount);
        fs::remove_file(mount.file("one")).expect("a file to remove");
        assert_eq!(watch.next(), "deleted one");
        mount.verb("undelete", &["one"]).succeeded();
        assert_eq!(watch.next(), "created one");
        fs::remove_file(mount.file("two")).expect("a file to remove");
        assert_eq!(watch.next(), "deleted two");
        let marked = mount.file(".pop3fs/deleted/two");
        fs::rename(marked, mount.file("two")).expect("a file to move back");
        assert_eq!(watch.next(), "moved two");
        fs::remove_file(mount.file("three")).expect("a file to remove");
        assert_eq!(watch.next(), "deleted three");
        assert_eq!(mount.names(), ["one", "two"]);
    });
}

/// All of it is told while other programs look at the same names all the time, and none of them is
/// held up for good.
#[test]
fn watchers_are_told_while_others_look_at_the_same_names() {
    const COUNT: usize = 200;
    mounted(serving_three(), &[], |mount, server| {
        let mut watch = Watch::on(mount);
        let names: Vec<String> = (0..COUNT).map(|number| number.to_string()).collect();
        let lookers: Vec<Running> = (0..2).map(|_| looking(mount)).collect();
        deliver(server, &names);
        mount.verb("refresh", &[]).succeeded();
        assert!(
            names
                .iter()
                .all(|name| watch.next() == format!("created {name}"))
        );
        names
            .iter()
            .for_each(|name| server.expunge(name.as_bytes()));
        mount.verb("refresh", &[]).succeeded();
        assert!(
            names
                .iter()
                .all(|name| watch.next() == format!("deleted {name}"))
        );
        drop(lookers);
        assert_eq!(mount.names(), ["one", "three", "two"]);
    });
}

/// In a read-only mount mail comes and goes without a word to watchers, for nothing can be made
/// there.
#[test]
fn a_read_only_mailbox_is_not_told_of_but_shows_what_there_is() {
    mounted(serving_three(), &["-o", "ro"], |mount, server| {
        let watch = Watch::on(mount);
        server.expunge(b"two");
        mount.daemon().signal(Signal::SIGHUP);
        eventually("it is gone", || mount.names() == ["one", "three"]);
        assert!(watch.is_silent());
    });
}

/// Nobody else can make a message.
#[test]
fn a_message_is_not_made() {
    mounted(serving_three(), &[], |mount, _| {
        let made = mknod(&mount.file("new"), SFlag::S_IFREG, Mode::S_IRUSR, 0);
        assert_eq!(made, Err(Errno::EPERM));
    });
}

/// A program that asks for every name that there will be, again and again, until it is dropped.
fn looking(mount: &Mount) -> Running {
    let script = "while :; do for n in $(seq 0 199); do test -e $n; done; ls; done > /dev/null";
    let mut shell = Command::new("sh");
    start(shell.args(["-c", script]).current_dir(mount.path()))
}

fn deliver(server: &Server, names: &[String]) {
    for name in names {
        server.deliver(Message::new(name.as_str(), b"new\r\n"));
    }
}

/// A watch on the root of a mount.
struct Watch {
    inotify: Inotify,
    events: Vec<String>,
}

impl Watch {
    fn on(mount: &Mount) -> Self {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK).expect("inotify");
        let wanted = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVE;
        inotify.add_watch(&mount.path(), wanted).expect("a watch");
        let events = Vec::new();
        Self { inotify, events }
    }

    /// The next event: what happened to which name.
    fn next(&mut self) -> String {
        if self.events.is_empty() {
            let mut awaited = [PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN)];
            assert_eq!(poll(&mut awaited, PollTimeout::from(PATIENCE)), Ok(1));
            let events = self.inotify.read_events().expect("events to read");
            let told = |event: nix::sys::inotify::InotifyEvent| {
                let name = event.name.expect("a name").into_string().expect("ASCII");
                format!("{} {name}", verb(event.mask))
            };
            self.events.extend(events.into_iter().map(told));
        }
        self.events.remove(0)
    }

    fn is_silent(&self) -> bool {
        matches!(self.inotify.read_events(), Err(Errno::EAGAIN))
    }
}

fn verb(mask: AddWatchFlags) -> &'static str {
    match mask {
        AddWatchFlags::IN_CREATE => "created",
        AddWatchFlags::IN_DELETE => "deleted",
        AddWatchFlags::IN_MOVED_TO => "moved",
        _ => "something else",
    }
}
