//! Many programs reading at once, and programs reading over a link that breaks.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use pop3fs_server::{Fault, Message, Order, Server, When};

use crate::support::mailbox::{account, held_by, long_text, serving, serving_three, text};
use crate::support::mount::Mount;
use crate::support::process::{Outcome, Running, eventually, run, start};
use crate::support::skip::Need;
use crate::support::stage::{mounted, staged};

const READERS: usize = 16;

/// The length of each message: more than one read of the kernel asks for.
const SIZE: usize = 300_000;

/// The length of a message that is read while it arrives.
const LONG: usize = 3 << 20;

/// What is read of it at a time.
const PIECE: usize = 64 * 1024;

/// What a pipe holds (pipe(7)).
const PIPE: usize = 64 * 1024;

/// A message crosses the network once, however many programs read it at once, and not again while
/// it is in the cache.
///
/// All of them get the right octets.
#[test]
fn sixteen_readers_get_the_right_octets_with_one_retr_a_message() {
    let names = numbered(READERS);
    mounted(serving_long(&names), &[], |mount, server| {
        let readers: Vec<(Vec<&String>, Running)> = (0..READERS)
            .map(|first| {
                let order: Vec<&String> = names.iter().cycle().skip(first).take(READERS).collect();
                let reader = start(Command::new("cat").args(&order).current_dir(mount.path()));
                (order, reader)
            })
            .collect();
        for (order, reader) in readers {
            let expected: Vec<u8> = order
                .iter()
                .flat_map(|name| long_text(name, SIZE))
                .collect();
            assert!(reader.finish().succeeded().stdout == expected);
        }
        in_mount(mount, "cat *").succeeded();
        for name in &names {
            assert_eq!(server.retrieved(name.as_bytes()), 1, "RETRs of {name}");
        }
    });
}

/// Programs that want a message while it is still arriving wait for that one arrival.
#[test]
fn readers_of_a_message_that_is_arriving_share_it() {
    mounted(serving_long(&numbered(1)), &[], |mount, server| {
        let gate = server.hold(b"0", SIZE / 2);
        let readers: Vec<Running> = (0..READERS).map(|_| cat(mount, "0")).collect();
        assert!(gate.reached());
        gate.release();
        for reader in readers {
            assert!(reader.finish().succeeded().stdout == long_text("0", SIZE));
        }
        assert_eq!(server.retrieved(b"0"), 1);
    });
}

/// Nobody waits for a log that is not taken, by a disk that hangs or by whoever reads a pipe.
#[test]
fn a_log_that_nobody_takes_delays_nobody() {
    const LOOK_AT_THOUSANDS: &str = r#"
        cd "$0" || exit 1
        for name in $(seq 3000); do [ ! -e missing"$name" ] || exit 1; done
        exec cat one"#;
    staged(serving_three(), &[Need::Fuse], |site, server| {
        mkfifo(&site.log(), Mode::S_IRUSR | Mode::S_IWUSR).expect("a pipe to make");
        let both_ends = File::options().read(true).write(true).open(site.log());
        let mut log = both_ends.expect("a pipe to open");
        let mount = site.mount_with(&account(server), &["-vv"]);
        fs::remove_file(site.log()).expect("a name that nobody needs any more");
        // Where all stands still only a program that can be killed may look.
        let mut looking = Command::new("timeout");
        looking.args(["-s", "KILL", "60", "sh", "-c", LOOK_AT_THOUSANDS]);
        let looked = run(looking.arg(mount.path())).succeeded();
        assert_eq!(looked.text(), text("one"));
        mount.umount().succeeded();

        let mut said = vec![0; PIPE];
        let length = log.read(&mut said).expect("something that was said");
        let said = String::from_utf8_lossy(&said[..length]);
        assert!(said.contains("missing1\""), "{said}");
        assert!(!said.contains("missing3000"), "the pipe was never full");
    });
}

/// A short message that is as long as listed takes one question of the kernel to be read, which is that
/// it be opened.
#[test]
fn a_short_message_takes_one_question() {
    mounted(serving_three(), &["-vv"], |mount, _| {
        mount.names();
        let inode = metadata(mount, "one").ino();
        in_mount(mount, "cat one").succeeded();
        eventually("it is closed", || {
            asked_about(mount, inode) == ["open", "release"]
        });
    });
}

/// Dates of many messages that have been read come with the next listing, and are not asked for one by
/// one.
#[test]
fn a_listing_has_the_dates_of_what_was_read() {
    let letter = b"Date: Thu, 1 Jan 2004 00:00:00 +0000\r\n\r\n";
    let names = numbered(3);
    let letters = names.iter().map(|name| Message::new(&**name, letter));
    mounted(serving(letters.collect()), &["-vv"], |mount, _| {
        mount.names();
        let inodes = names.iter().map(|name| metadata(mount, name).ino());
        let inodes: Vec<u64> = inodes.collect();
        in_mount(mount, "cat *").succeeded();
        let asked = |inode: &u64| asked_about(mount, *inode);
        let is_closed = |inode| asked(inode).contains(&"release".to_owned());
        eventually("all are closed", || inodes.iter().all(is_closed));
        mount.names();
        for name in &names {
            assert_eq!(metadata(mount, name).mtime(), 1_072_915_200);
        }
        mount.umount().succeeded();
        let is_asked_for = |inode| asked(inode).contains(&"getattr".to_owned());
        assert!(!inodes.iter().any(is_asked_for));
    });
}

/// What the kernel has asked about a file so far, as far as the log has it.
fn asked_about(mount: &Mount, inode: u64) -> Vec<String> {
    let log = fs::read_to_string(mount.site().log()).expect("a log");
    let requests = log.lines().filter_map(|line| line.split_once("TRACE] "));
    let of_it = requests.filter_map(|(_, request)| {
        let (operation, words) = request.split_once('(')?;
        let about = words.split([',', ')']).next();
        (about == Some(&inode.to_string())).then(|| operation.to_owned())
    });
    of_it.collect()
}

fn metadata(mount: &Mount, name: &str) -> Metadata {
    fs::metadata(mount.file(name)).expect("a file to stat")
}

/// Listing a directory, looking at attributes, reading what is in memory and removing never wait
/// for the network; only with `exact_sizes` may looking at the attributes of a message. A program
/// that waits for the server delays nobody who does not need it.
#[test]
fn a_waiting_reader_delays_nobody_else() {
    mounted(serving_long(&numbered(3)), &[], |mount, server| {
        cat(mount, "1").finish().succeeded();

        let gate = server.hold(b"0", SIZE / 2);
        let mut waiting = cat(mount, "0");
        assert!(gate.reached());
        in_mount(mount, "ls -l . .pop3fs").succeeded();
        in_mount(mount, "stat 0 1 2").succeeded();
        in_mount(mount, "cat .pop3fs/status").succeeded();
        let cached = in_mount(mount, "cat 1").succeeded();
        assert!(cached.stdout == long_text("1", SIZE));
        in_mount(mount, "rm 2").succeeded();
        assert_eq!(mount.names(), ["0", "1"]);
        assert!(
            !waiting.has_ended(),
            "the reader waits until the gate opens"
        );

        gate.release();
        assert!(waiting.finish().succeeded().stdout == long_text("0", SIZE));
    });
}

/// A message of more than a mebibyte is read while it arrives, and who looks only at its beginning
/// fetches no more than that, but for one who walks over a link that brings the whole hardly later.
/// Where the server's LIST is too small for such a message, whoever reads on to its end gets all of it;
/// whoever stops at the size that he was shown, and anybody where LIST is too large, gets an error in
/// place of the end, and is right when he opens it again. A server that is wrong often is believed no
/// longer.
#[test]
fn a_long_message_is_read_while_it_arrives_and_its_beginning_by_itself() {
    let long = |name: &str| long_text(name, LONG);
    let message = |name: &str| Message::new(name, &long(name));
    // Nobody is misled by the size of a message that was fetched ahead.
    mounted(
        serving(vec![message("a"), message("b")]),
        &["--read-ahead", "0"],
        |mount, server| {
            for look in ["head -c 4096 a", "head -n 9 a", "grep -m1 ^Subject: a"] {
                let seen = in_mount(mount, look).succeeded().stdout;
                assert!(long("a").starts_with(&seen) && !seen.is_empty(), "{look}");
            }
            assert_eq!(server.retrieved(b"a"), 0);

            let gate = server.hold(b"b", LONG / 2);
            let mut reader = File::open(mount.path().join("b")).expect("a file");
            let mut read = vec![0; LONG / 4];
            for piece in read.chunks_mut(PIECE) {
                reader.read_exact(piece).expect("octets that are there");
            }
            assert!(gate.reached());
            gate.release();
            reader.read_to_end(&mut read).expect("the rest");
            assert!(read == long("b"));
            assert_eq!(server.retrieved(b"b"), 1);
        },
    );
    let octets = LONG as u64;
    for (listed, look, is_misled) in [
        (octets - 1000, "cat c", false),
        (octets - 1000, "tar -cf- c | tar -xOf-", true),
        (octets + 1000, "cat c", true),
    ] {
        let wrong = |name: &str| message(name).listed(listed);
        let messages = vec![wrong("c"), wrong("d")];
        mounted(serving(messages), &["--read-ahead", "0"], |mount, _| {
            let first = in_mount(mount, look);
            assert!(is_misled || first.stdout == long("c"), "{look}");
            assert!(!is_misled || !first.stderr.is_empty(), "{look}");
            assert!(in_mount(mount, look).succeeded().stdout == long("c"));
            assert!(in_mount(mount, "cat d").succeeded().stdout == long("d"));
        });
    }
}

/// Programs that take one look at each of many long messages, as file managers do, fetch no message for
/// it, however much they read at a time, up to a mebibyte.
#[test]
fn one_look_at_the_beginning_of_each_long_message_fetches_none_of_them() {
    let names = numbered(4);
    let message = |name: &String| Message::new(name.as_str(), &long_text(name, LONG));
    for at_once in [4 << 10, 64 << 10, 128 << 10, 256 << 10, 1 << 20] {
        let server = serving(names.iter().map(message).collect());
        mounted(server, &["--read-ahead", "0"], |mount, server| {
            for name in &names {
                let mut look = vec![0; at_once];
                let mut file = File::open(mount.file(name)).expect("a file");
                file.read_exact(&mut look).expect("a beginning");
                assert!(long_text(name, LONG).starts_with(&look), "{name}");
            }
            mount.umount().succeeded();
            for name in &names {
                assert_eq!(server.retrieved(name.as_bytes()), 0, "{name}, {at_once}");
            }
        });
    }
}

/// The octets of a file are those of its message, or the read fails. They are never those of
/// another message, never padded, never cut.
///
/// The link breaks within every message, early or late, and the server numbers the messages
/// otherwise in each session.
#[test]
fn a_broken_link_mixes_cuts_and_pads_nothing() {
    let names = numbered(8);
    mounted(serving_long(&names), &[], |mount, server| {
        for (round, name) in names.iter().enumerate() {
            let whole = long_text(name, SIZE);
            server.fault(Fault::Order(Order::Shuffled(round as u64)));
            server.fault(Fault::CutWithin(
                When::first("RETR"),
                SIZE * round / names.len(),
            ));
            let first = cat(mount, name).finish();
            if first.status.success() {
                assert!(first.stdout == whole, "{name} is something else");
            } else {
                assert!(whole.starts_with(&first.stdout), "{name} begins otherwise");
            }
            server.clear_faults();
            assert!(cat(mount, name).finish().succeeded().stdout == whole);
        }
    });
}

/// No read waits longer than the time-out: when it is over, the read fails.
#[test]
fn a_read_fails_when_its_time_is_over() {
    let timeout = &["--timeout", "5"];
    mounted(serving_long(&numbered(1)), timeout, |mount, server| {
        let gate = server.hold(b"0", SIZE / 2);
        let outcome = cat(mount, "0").finish();
        assert!(gate.reached());
        assert!(outcome.says("timed out"), "{outcome:?}");
        assert!(!outcome.status.success(), "{outcome:?}");
    });
}

/// When the link breaks, the program that needed it gets its answer or an error in time, and the
/// next one gets a new connection. The messages are found again by their unique-ids.
///
/// While there is no server, nobody waits who does not need it.
#[test]
fn without_a_server_a_read_fails_in_time_and_the_mount_heals() {
    mounted(
        serving_long(&numbered(2)),
        &["--timeout", "5"],
        |mount, server| {
            cat(mount, "0").finish().succeeded();
            server.fault(Fault::Order(Order::Reversed));
            server.close_door();
            server.cut();

            assert!(!cat(mount, "1").finish().status.success());
            let cached = cat(mount, "0").finish().succeeded();
            assert!(cached.stdout == long_text("0", SIZE));

            server.open_door();
            eventually("a read works again", || {
                cat(mount, "1").finish().status.success()
            });
            let healed = cat(mount, "1").finish().succeeded();
            assert!(healed.stdout == long_text("1", SIZE));
        },
    );
}

/// A program that waits for the server can be interrupted or killed at any time.
///
/// One who wants the end of a short message waits while he opens it, and of a long one while he
/// reads. That others have the message afterwards shows that what it asked for goes on.
#[test]
fn a_waiting_reader_can_be_interrupted() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL] {
        interrupt_reader(signal, SIZE);
        interrupt_reader(signal, LONG);
    }
}

fn interrupt_reader(signal: Signal, size: usize) {
    let message = Message::new("0", &long_text("0", size));
    mounted(serving(vec![message]), &[], |mount, server| {
        let gate = server.hold(b"0", size / 2);
        let waiting = start(Command::new("tail").arg("-c9").arg(mount.file("0")));
        assert!(gate.reached());
        let other = cat(mount, "0");
        waiting.signal(signal);
        assert_eq!(waiting.finish().code(), None, "{signal} ends it");
        gate.release();
        assert!(other.finish().succeeded().stdout == long_text("0", size));
        assert_eq!(server.retrieved(b"0"), 1);
    });
}

/// A signal that does not ask a program to end does not disturb it while it opens a file.
#[test]
fn a_waiting_reader_is_not_disturbed_by_its_timers() {
    mounted(serving_long(&numbered(1)), &["-vv"], |mount, server| {
        let gate = server.hold(b"0", SIZE / 2);
        let script = "trap 'echo woken >&2' USR1; exec 3< 0; cat <&3";
        let mut shell = Command::new("sh");
        let shell = start(shell.args(["-c", script]).current_dir(mount.path()));
        assert!(gate.reached());
        shell.signal(Signal::SIGUSR1);
        let interrupted = cat(mount, "0");
        eventually("both open it", || {
            let log = fs::read_to_string(mount.site().log()).expect("a log");
            log.matches(" open(").count() == 2
        });
        interrupted.signal(Signal::SIGINT);
        interrupted.finish();
        gate.release();
        let read = shell.finish().succeeded();
        assert!(read.stdout == long_text("0", SIZE));
        assert_eq!(read.stderr, "woken\n");
    });
}

/// A link that breaks before the commit is made again for it; the messages that were removed are
/// deleted, and no others.
#[test]
fn a_commit_makes_the_connection_it_needs() {
    mounted(serving_long(&numbered(3)), &[], |mount, server| {
        in_mount(mount, "rm 1").succeeded();
        server.cut();
        mount.umount().succeeded();
        assert_eq!(held_by(server), ["0", "2"]);
    });
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

fn serving_long(names: &[String]) -> Server {
    let message = |name: &String| Message::new(name.as_str(), &long_text(name, SIZE));
    serving(names.iter().map(message).collect())
}

fn cat(mount: &Mount, name: &str) -> Running {
    start(Command::new("cat").arg(mount.file(name)))
}

fn in_mount(mount: &Mount, script: &str) -> Outcome {
    run(Command::new("sh")
        .args(["-c", script])
        .current_dir(mount.path()))
}
