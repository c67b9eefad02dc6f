//! Sessions that come and go, and the mail that comes and goes between them.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::Duration;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;
use pop3fs_server::{Fault, Message, Server};

use crate::support::exit_status::NO_PERMISSION;
use crate::support::mailbox::{account, long_text, serving, serving_three, text};
use crate::support::mount::{Mount, Site};
use crate::support::process::{Running, eventually, run, start};
use crate::support::skip::{Need, lacking};
use crate::support::stage::mounted;

/// A session that nobody has needed for a minute is ended, so that other clients can have the
/// mailbox, and begun again when it is needed. Nothing is deleted by that.
///
/// A minute is the default of `--idle`.
#[test]
fn an_idle_session_lets_go_of_the_mailbox_and_comes_back() {
    mounted(serving_three(), &["--idle", "1"], |mount, server| {
        fs::remove_file(mount.file("two")).expect("a file to remove");
        eventually("it is parked", || says(mount, "parked"));
        assert!(logs_in(server), "another client has the mailbox");
        assert_eq!(server.count("DELE"), 0);
        assert_eq!(mount.names(), ["one", "three"]);

        let read = fs::read_to_string(mount.file("one")).expect("a file to read");
        assert_eq!(read, text("one"));
        assert_eq!(server.sessions(), 3);
    });
}

/// With `--idle 0` the session is held, and no other client gets in.
#[test]
fn a_held_session_keeps_the_mailbox() {
    mounted(serving_three(), &["-o", "idle=0"], |mount, server| {
        assert!(!logs_in(server));
        mount.verb("park", &[]).succeeded();
        assert!(says(mount, "parked"));
        assert!(logs_in(server), "parking lets go of it all the same");
    });
}

/// `pop3fs refresh` shows what has come and gone, and says how much.
#[test]
fn a_refresh_tells_the_news() {
    mounted(serving_three(), &[], |mount, server| {
        server.deliver(Message::new("four", text("four").as_bytes()));
        server.deliver(Message::new("five", text("five").as_bytes()));
        server.expunge(b"one");
        assert_eq!(mount.names(), ["one", "three", "two"]);
        let refresh = mount.verb("refresh", &[]).succeeded();
        assert_eq!(refresh.text(), "2 new, 1 gone, 4 in all\n");
        assert_eq!(mount.names(), ["five", "four", "three", "two"]);
        let read = fs::read_to_string(mount.file("four")).expect("a file to read");
        assert_eq!(read, text("four"));
    });
}

/// In a read-only mount, where nothing can be written to, the verbs that change no mailbox work all the
/// same, and the others are refused.
#[test]
fn a_read_only_mailbox_is_refreshed_waited_for_and_parked() {
    let options = ["-o", "ro,idle=0"];
    mounted(serving_three(), &options, |mount, server| {
        server.expunge(b"one");
        let refresh = mount.verb("refresh", &[]).succeeded();
        assert_eq!(refresh.text(), "0 new, 1 gone, 2 in all\n");
        assert_eq!(mount.names(), ["three", "two"]);
        server.deliver(Message::new("four", text("four").as_bytes()));
        let wait = mount.verb("wait", &["--timeout", "60"]).succeeded();
        assert_eq!(wait.text(), "four\n");
        mount.verb("park", &[]).succeeded();
        assert!(says(mount, "parked") && logs_in(server));
        for (verb, arguments) in [("commit", &[][..]), ("undelete", &["--all"])] {
            let refused = mount.verb(verb, arguments);
            assert_eq!(refused.code(), Some(NO_PERMISSION), "{refused:?}");
            assert!(refused.says("mounted read-only (-o ro)"), "{refused:?}");
        }
    });
}

/// SIGHUP to the process is a refresh, too.
#[test]
fn a_hang_up_signal_is_a_refresh() {
    mounted(serving_three(), &[], |mount, server| {
        server.deliver(Message::new("four", text("four").as_bytes()));
        mount.daemon().signal(Signal::SIGHUP);
        eventually("it is shown", || mount.file("four").exists());
    });
}

/// New messages appear, and those that have gone disappear, in a mailbox that stays mounted and is
/// in use; the others keep their inode numbers, what is in the cache, and the files that programs
/// have open.
#[test]
fn a_running_loop_sees_messages_come_and_go() {
    mounted(serving_three(), &["--refresh", "1"], |mount, server| {
        let watcher = Watcher::of(mount);
        watcher.sees("one three two");
        let inode = || fs::metadata(mount.file("two")).expect("a file").ino();
        let (before, mut open) = (inode(), File::open(mount.file("two")).expect("a file"));

        server.deliver(Message::new("four", text("four").as_bytes()));
        server.expunge(b"one");
        watcher.sees("four three two");
        assert!(!mount.file("one").exists());
        assert_eq!(inode(), before);
        let mut octets = String::new();
        open.read_to_string(&mut octets).expect("an open file");
        assert_eq!(octets, text("two"));
        assert_eq!(server.retrieved(b"two"), 1);
    });
}

/// When a message has other octets than before, as servers add lines to a header between sessions,
/// whoever has it open gets no more of the old ones, but EIO; whoever opens it gets the new ones.
#[test]
fn old_octets_are_never_mixed_with_new_ones() {
    const NAMES: [&str; 3] = ["a", "b", "c"];
    const SIZE: usize = 300_000;
    let message =
        |name: &str, first: &[u8]| Message::new(name, &[first, &long_text(name, SIZE)].concat());
    let server = serving(NAMES.map(|name| message(name, b"")).into());
    mounted(server, &[], |mount, server| {
        let mut before = File::open(mount.file("a")).expect("a file to open");
        before.read_exact(&mut [0; 4096]).expect("its beginning");
        for name in NAMES {
            server.expunge(name.as_bytes());
            server.deliver(message(name, b"Status: RO\r\n"));
        }
        mount.verb("refresh", &[]).succeeded();
        let error = before.read_to_end(&mut Vec::new()).expect_err("a refusal");
        assert_eq!(error.raw_os_error(), Some(Errno::EIO as i32));
        let after = fs::read(mount.file("a")).expect("a file to read");
        let expected = [&b"Status: RO\r\n"[..], &long_text("a", SIZE)].concat();
        assert!(after == expected, "{} octets", after.len());
    });
}

/// A message that goes while a program has it open is read on from memory if it is there whole;
/// else reading it fails with ESTALE.
#[test]
fn a_message_that_goes_while_it_is_open_is_whole_or_stale() {
    const SIZE: usize = 300_000;
    let message = |name| Message::new(name, &long_text(name, SIZE));
    for (cache, held) in [("1M", true), ("0", false)] {
        let server = serving(["long", "other"].map(message).into());
        mounted(server, &["--cache-size", cache], |mount, server| {
            // The size is exact from now on, so that the next open fetches nothing.
            drop(File::open(mount.file("long")).expect("a file to open"));
            eventually("another one takes its place in a small cache", || {
                fs::read(mount.file("other")).expect("a file to read");
                held || mount.verb("status", &[]).says(", 1 messages")
            });
            let mut open = File::open(mount.file("long")).expect("a file to open");
            server.expunge(b"long");
            mount.verb("refresh", &[]).succeeded();
            assert_eq!(mount.names(), ["other"]);

            let mut octets = Vec::new();
            let read = open.read_to_end(&mut octets);
            match held {
                true => assert!(read.is_ok() && octets == long_text("long", SIZE)),
                false => {
                    let errno = read.expect_err("it is nowhere").raw_os_error();
                    assert_eq!(errno, Some(Errno::ESTALE as i32));
                }
            }
        });
    }
}

/// Where the server refuses a message and does not say why, a new session shows whether another
/// client has deleted it: then it disappears, opening it fails with ENOENT and reading it with
/// ESTALE. Else that fails with EIO. No message is looked for twice in vain, nor two in a minute.
#[test]
fn a_refused_message_is_gone_or_an_error() {
    mounted(serving_three(), &["--read-ahead", "0"], |mount, server| {
        server.expunge(b"two");
        let gone = fs::read(mount.file("two")).expect_err("it is deleted");
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
        assert_eq!(
            (mount.names(), server.sessions()),
            (vec!["one".into(), "three".into()], 2)
        );

        server.fault(Fault::refuse_retr("three", "damaged"));
        for _ in 0..2 {
            let damaged = fs::read(mount.file("three")).expect_err("it is refused");
            assert_eq!(damaged.raw_os_error(), Some(Errno::EIO as i32));
        }
        assert!(server.sessions() <= 3);
        let read = fs::read_to_string(mount.file("one")).expect("a file to read");
        assert_eq!(read, text("one"));
    });
}

/// A command, a file or the keyring is asked for the password anew at each login, for it may have
/// changed; one that was typed, or came with the environment, is kept.
#[test]
fn each_login_asks_for_the_password() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let asked = directory.path().join("asked");
    let command = format!("sh -c 'echo >> {}; echo secret'", asked.display());
    let options = ["--password-command", &command, "--idle", "1"];
    mounted(serving_three(), &options, |mount, server| {
        eventually("it is parked", || says(mount, "parked"));
        fs::read(mount.file("one")).expect("a file to read");
        let times = fs::read_to_string(&asked).expect("a file to read").len();
        assert_eq!((times, server.sessions()), (2, 2));
    });
}

/// A login that the server refuses is not tried again for five minutes, and longer each further
/// time, but by the verb refresh; programs that need the server meanwhile fail with EACCES at once.
#[test]
fn a_refused_login_is_not_tried_in_a_loop() {
    mounted(serving_three(), &[], |mount, server| {
        server.fault(Fault::refuse_login("[AUTH] expired", 2));
        server.cut();
        for _ in 0..20 {
            let error = fs::read(mount.file("one")).expect_err("no login");
            assert_eq!(error.raw_os_error(), Some(Errno::EACCES as i32));
        }
        let refresh = mount.verb("refresh", &[]);
        assert!(
            refresh.says("the login or the password is not right"),
            "{refresh:?}"
        );
        assert_eq!(server.count("PASS") + server.count("AUTH"), 3);

        mount.verb("refresh", &[]).succeeded();
        let read = fs::read_to_string(mount.file("one")).expect("a file to read");
        assert_eq!(read, text("one"));
    });
}

/// A process that gets no time for longer than the server waits, as in a machine that sleeps, goes on with
/// another session: whoever waits for it gets the message, and new mail is found.
#[test]
fn a_process_that_was_stopped_goes_on_where_the_mailbox_stands() {
    mounted(impatient(), &[], |mount, server| {
        mount.daemon().signal(Signal::SIGSTOP);
        eventually("the server has given it up", || logs_in(server));
        server.deliver(Message::new("four", text("four").as_bytes()));
        server.expunge(b"one");
        let cat = start(Command::new("cat").arg(mount.file("two")));
        mount.daemon().signal(Signal::SIGCONT);
        assert_eq!(cat.finish().succeeded().text(), text("two"));
        mount.verb("refresh", &[]).succeeded();
        assert_eq!(mount.names(), ["four", "three", "two"]);
    });
}

/// Of three messages, and hangs up when nothing is said for half a second.
fn impatient() -> Server {
    let messages = serving_three().messages();
    let server = Server::with_messages(messages).idle(Duration::from_millis(500));
    server.start().expect("a server on loopback")
}

/// While another client has the mailbox, programs that need the server wait, and go on when it is
/// free; if it stays in use, they fail.
#[test]
fn a_mailbox_in_use_is_waited_for() {
    mounted(serving_three(), &["--idle", "1"], |mount, server| {
        eventually("it is parked", || says(mount, "parked"));
        let other = log_in(server).expect("the mailbox is free");
        let reader = start(Command::new("cat").arg(mount.file("one")));
        eventually("it is told why", || {
            let status = mount.verb("status", &[]).succeeded();
            status.says("another client has the mailbox: \"[IN-USE]")
        });
        drop(other);
        assert_eq!(reader.finish().succeeded().text(), text("one"));
    });
    let impatient = ["--idle", "1", "--timeout", "5"];
    mounted(serving_three(), &impatient, |mount, server| {
        eventually("it is parked", || says(mount, "parked"));
        let _other = log_in(server).expect("the mailbox is free");
        let reader = start(Command::new("cat").arg(mount.file("one"))).finish();
        // One more login may be under way when the time is over.
        let errors = ["Input/output error", "Connection timed out"];
        assert!(errors.iter().any(|error| reader.says(error)), "{reader:?}");
    });
}

/// A link that dies without a word is noticed in half the time that a program may wait, 5 seconds at
/// least and 30 at most, so that it can have its answer over another one. Of a link that a program
/// holds, that program must notice it.
#[test]
fn a_dead_link_is_noticed_in_time() {
    dying(|network, mount, _| {
        network.set("down");
        start(Command::new("cat").arg(mount.file("one")))
    });
}

/// So is one that dies in the middle of a message, when nothing of ours is left to acknowledge.
#[test]
fn a_link_that_dies_within_a_message_is_noticed_in_time() {
    dying(|network, mount, server| {
        let gate = server.hold(b"one", text("one").len() / 2);
        let reader = start(Command::new("cat").arg(mount.file("one")));
        assert!(gate.reached());
        network.set("down");
        reader
    });
}

/// So is one from an address that this machine has no more, as after a change of networks.
#[test]
fn a_link_from_a_former_address_is_noticed_in_time() {
    dying(|network, mount, _| {
        network.come_from("10.0.0.2");
        network.forget("10.0.0.1");
        start(Command::new("cat").arg(mount.file("one")))
    });
}

/// Has a program read `one` while the link dies, as it is told to; it gets its answer over another.
fn dying(read: impl FnOnce(&Network, &Mount, &Server) -> Running) {
    if lacking(&[Need::Fuse, Need::Root, Need::Program("ip")]) {
        return;
    }
    let network = Network::of_this_thread();
    let message = Message::new("one", text("one").as_bytes());
    let server = Server::with_messages(vec![message]).lock_maildrop(false);
    let server = server.start().expect("a server on loopback");
    let site = Site::new();
    let mount = site.mount_with(&account(&server), &["--timeout", "20"]);
    let reader = read(&network, &mount, &server);
    eventually("the link is given up", || {
        let log = fs::read_to_string(site.log()).expect("a log");
        log.contains("the link to the server broke: Connection timed out")
    });
    network.set("up");
    assert_eq!(reader.finish().succeeded().text(), text("one"));
    assert_eq!(server.sessions(), 2);
}

/// A network with nothing in it but this machine.
struct Network;

impl Network {
    /// One that this thread, and whatever it starts, has to itself.
    fn of_this_thread() -> Self {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network of our own");
        let network = Self;
        network.set("up");
        network.come_from("10.0.0.1");
        network
    }

    fn set(&self, state: &str) {
        self.ip(&["link", "set", "lo", state]);
    }

    /// Gives the machine this address as well, from which it makes new connections to loopback.
    fn come_from(&self, address: &str) {
        self.ip(&["address", "add", address, "dev", "lo"]);
        let loopback = ["route", "replace", "local", "127.0.0.1", "dev", "lo"];
        self.ip(&[&loopback[..], &["table", "local", "src", address]].concat());
    }

    fn forget(&self, address: &str) {
        self.ip(&["address", "delete", address, "dev", "lo"]);
    }

    fn ip(&self, arguments: &[&str]) {
        run(Command::new("ip").args(arguments)).succeeded();
    }
}

/// Whether `pop3fs status` says so of the session.
fn says(mount: &Mount, state: &str) -> bool {
    let status = mount.verb("status", &[]).succeeded().text();
    status.contains(&format!("session   {state}\n"))
}

/// Whether another client gets at the mailbox.
fn logs_in(server: &Server) -> bool {
    log_in(server).is_some()
}

/// Another client's session, if it gets one.
fn log_in(server: &Server) -> Option<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).expect("a connection");
    write!(&stream, "USER ann\r\nPASS secret\r\n").expect("a connection");
    let replies = BufReader::new(&stream).lines().map_while(Result::ok);
    // Before it are the greeting and the answer to USER.
    let password = replies.take(3).last();
    let is_in = password.is_some_and(|reply| reply.starts_with("+OK"));
    is_in.then_some(stream)
}

/// A shell that lists the mailbox again and again.
struct Watcher<'a> {
    mount: &'a Mount<'a>,
    _shell: Running,
}

impl<'a> Watcher<'a> {
    fn of(mount: &'a Mount) -> Self {
        let script = "while ls > ../seen.new; do mv ../seen.new ../seen; done";
        let shell = start(
            Command::new("sh")
                .args(["-c", script])
                .current_dir(mount.path()),
        );
        Self {
            mount,
            _shell: shell,
        }
    }

    /// Waits until it has seen these names.
    #[track_caller]
    fn sees(&self, names: &str) {
        let seen = self.mount.path().with_file_name("seen");
        eventually(&format!("{names} is seen"), || {
            let seen = fs::read_to_string(&seen).unwrap_or_default();
            seen.split_whitespace().eq(names.split(' '))
        });
    }
}

/// Where the system cannot wait for a link, for want of memory say, the mount gets slow, and nothing
/// worse; the log says so once.
#[test]
fn a_wait_that_the_system_refuses_makes_the_mount_slow() {
    mounted(serving_three(), &[], |mount, _| {
        // poll(2) takes no more descriptors than may be open.
        allow_descriptors(mount, "1:");
        for name in ["one", "two", "three"] {
            let read = fs::read_to_string(mount.file(name)).expect("a file to read");
            assert_eq!(read, text(name));
        }
        allow_descriptors(mount, "1024:");
        mount.verb("refresh", &[]).succeeded();
        let log = fs::read_to_string(mount.site().log()).expect("a log");
        assert_eq!(
            log.matches("cannot wait for the server").count(),
            1,
            "{log}"
        );
    });
}

fn allow_descriptors(mount: &Mount, soft_limit: &str) {
    let daemon = mount.daemon().id().to_string();
    let limit = format!("--nofile={soft_limit}");
    run(Command::new("prlimit").args(["--pid", &daemon, &limit])).succeeded();
}
