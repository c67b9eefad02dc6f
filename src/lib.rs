//! pop3fs mounts a POP3 mailbox as a directory. This page is its architecture.
//!
//! # The rooms
//!
//! ```text
//! main -> run -> { cli, password, programs, daemon, signals, sandbox, fuse, fs, maildrop, net, pop3 }
//! fuse -> fs -> maildrop -> { net, pop3 }        { password, net } -> { programs, private_file, pop3 }
//! { run, fuse, net } -> keeper
//! ```
//!
//! An arrow is an import, and there are no others; a test holds the code to that.
//!
//! | room | what it knows |
//! |---|---|
//! | [`run`] | composition: build, mount, wait, commit, choose the exit status |
//! | [`cli`] | what was typed, what is meant, and the verbs, which speak through `.pop3fs/` |
//! | [`password`] | where passwords come from |
//! | [`private_file`] | files with secrets in them, which nobody else may use |
//! | [`programs`] | other programs, run without a shell, and what they complain of |
//! | [`daemon`], [`signals`] | going to the background; signals as messages |
//! | [`keeper`], [`sandbox`] | a process that keeps the rights which ours gives up; giving them up |
//! | [`fuse`] | the kernel, by way of the fuser crate: a thin adapter, mounting and unmounting |
//! | [`fs`] | the tree in plain types: nodes, attributes, handles, control files, the errno table |
//! | [`maildrop`] | the mailbox as messages: catalog, journal, cache, read-ahead, engine |
//! | [`pop3`] | the protocol, without sockets, threads or clock; it could be published as it stands |
//! | [`net`] | names to sockets, proxies, TLS, one non-blocking stream |
//!
//! # How data flows
//!
//! ```text
//! kernel -> fuse::Adapter -> fs::Tree -> maildrop::Maildrop -- in memory? --> answered at once
//!                                             |
//!                                             `-- else the request waits, with its answer in it
//! maildrop::Engine, stepped by its driver, the only owner of the session:
//!     scheduler -> session -> pop3::Connection -> net::Stream -> server
//!     server -> net::Stream -> pop3::Connection -> a body grows -> those who wait are answered
//! ```
//!
//! - **The dispatch threads never wait.** What is in memory is answered on them; all else is
//!   answered later, by whoever has it. There are two, so that no single answer holds up the rest.
//! - **The engine is a step function.** What happened and the time go in; octets, answers and
//!   orders come out. No thread, socket, clock, disk or chance is in it, so a test plays the whole
//!   life of a mount (links lost at any octet, commits, crashes) from one seed.
//! - **The driver** has the thread, the stream and the time, and does what it is told.
//! - **One thread waits for the disk**, for messages that are too long for memory, and for the
//!   journal where a mark is taken off, which is answered once no loss of power can bring it back, or
//!   where it is written anew. Whoever waits for the disk is answered by the deadline in any case.
//!   What has still to be written is counted; where it is too much, the server waits. The log has
//!   threads of its own, so that nobody who has something to say waits for the disk, or the terminal.
//! - **One lock** holds the mailbox in memory, for moments, never over I/O or an answer. The
//!   journal has its own, taken first, so that its records are in the order of the marks; it is held
//!   while one is added to what the system keeps in memory of a file, which takes long only where the
//!   disk hangs; one dispatch thread is lost to that at most, as whoever finds the lock taken leaves
//!   the record to the thread that waits. The journal is written anew beside the old one, and the lock
//!   taken to put it in its place.
//! - **Message-numbers** are valid for one session, which owns them; nobody else ever sees one.
//!   Messages are found again by unique-id, size and place among their likes.
//! - **Sizes** in a listing are estimates. A message is fetched when it is opened, and the kernel
//!   corrected before the program goes on. What a message's octets were is remembered as digests,
//!   so that a second RETR cannot mix with the first.
//! - **The keeper** is forked before there is a second thread, and before anything comes from the
//!   server. It alone mounts and unmounts, finds passwords, makes files and runs programs; all it can be asked for
//!   is fixed before. So our process gives up everything else, in all of its threads. It is missed at once
//!   where it is killed; the lock on the journal is held by both, to the end of the last.
//! - **Who watches by inotify** is told of nothing that the kernel is only told of. So the keeper makes
//!   and removes the names that came and went through our own mount, as a program would; its
//!   requests are known by the number of its thread, and change nothing.
//! - **Whoever waits can be interrupted.** The crate that speaks to the kernel refuses to be told of
//!   interruptions. So those who wait in open(2) or read(2), for a verb, a move or events are looked at
//!   ten times a second, and go on with EINTR where a signal is pending that asks them to end.
//! - **Sessions** come and go: one that has no work is ended before long, one that is lost is made
//!   good, and a new one is made to see new mail, for no other shows it. The clock goes on while
//!   the machine sleeps, as servers do.
//! - **A commit** is one transaction in a session of its own: a fresh listing, DELE for every mark,
//!   QUIT, its answer. Where the answer is lost, the next listing decides; the verbs have one held
//!   against the answer in any case. A message is deleted only if it is listed as it was when it
//!   was marked; where the server is known to add header lines to messages, it may have grown by them.
//!   Marks of another mount are held against the headers that TOP gives, too, ahead of that session;
//!   those of messages that only their places tell apart, in each session, and that session deletes.
//!
//! # Promises
//!
//! 1. Nothing is deleted on the server except messages that were marked, and only by a commit that
//!    was asked for.
//! 2. The bytes of a file are the bytes of the message, or the read fails; never a mixture, never
//!    padded, never cut.
//! 3. After a commit that says so, the marked messages are gone and all others are there.
//! 4. No operation on the mount outlasts its deadline, whatever the server does; operations that
//!    need no network never wait.
//! 5. No input from the server, the user or the kernel makes the daemon panic, loop, or grow
//!    without bound.
//! 6. No secret appears in a log, an error, a process list, an environment, or `.pop3fs/`.
//! 7. Nobody but the mounter sees anything, unless `allow_other` was asked for. Nothing goes over
//!    the network in clear unless asked for by name.
//! 8. The process that hears from the server can do nothing but serve its mailbox, as far as the kernel
//!    can see to it.

// Promise 5: what comes from outside is asked for its parts, and may not have them.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

pub mod cli;
pub mod daemon;
pub mod fs;
pub mod fuse;
pub mod keeper;
pub mod maildrop;
pub mod net;
pub mod password;
pub mod pop3;
pub mod private_file;
pub mod programs;
pub mod run;
pub mod sandbox;
pub mod signals;
