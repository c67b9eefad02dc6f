//! A running server.

use crate::builder::{Builder, Config};
use crate::conversation::Conversation;
use crate::fault::{Fault, When};
use crate::gate::Gate;
use crate::listener::listen;
use crate::message::Message;
use crate::plan::Place;
use crate::shared::Shared;
use crate::store::{Held, Maildir, Mbox, Memory, Store};
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

/// A running server. It stops, and cuts its connections, when it is dropped.
///
/// # Panics
///
/// Methods that look at or change a maildrop on disk panic if the disk refuses: the test that asked cannot go on.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// Dropped to stop the listener.
    running: Option<UnixStream>,
    listener: Option<JoinHandle<()>>,
}

impl Server {
    /// A server of a list in memory.
    pub fn with_messages(messages: Vec<Message>) -> Builder {
        Builder::new(Ok(Box::new(Memory::new(messages))))
    }

    /// A server of a Maildir's new/ and cur/. QUIT deletes files.
    pub fn with_maildir(path: impl AsRef<Path>) -> Builder {
        Builder::new(Maildir::open(path.as_ref()).map(boxed))
    }

    /// A server of an mbox. QUIT rewrites it.
    pub fn with_mbox(path: impl AsRef<Path>) -> Builder {
        Builder::new(Mbox::open(path.as_ref()).map(boxed))
    }

    /// A server of the files in a directory and those below it, each a message, named and ordered by
    /// its file's name.
    ///
    /// They are read once and kept in memory: QUIT leaves the directory as it is.
    pub fn with_files(path: impl AsRef<Path>) -> Builder {
        Builder::new(Memory::read(path.as_ref()).map(boxed))
    }

    pub(crate) fn start(
        store: Box<dyn Store>,
        address: SocketAddr,
        config: Config,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        // Waiting is poll's part.
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (running, stop) = UnixStream::pair()?;
        let shared = Shared::new(config, store);
        let listening = Arc::clone(&shared);
        Ok(Self {
            shared,
            address,
            running: Some(running),
            listener: Some(thread::spawn(move || listen(&listening, &listener, &stop))),
        })
    }

    pub(crate) fn aside(store: Box<dyn Store>, config: Config) -> Self {
        Self {
            shared: Shared::new(config, store),
            address: (Ipv4Addr::UNSPECIFIED, 0).into(),
            running: None,
            listener: None,
        }
    }

    /// A session without a socket.
    pub fn converse(&self) -> Conversation {
        Conversation::new(Arc::clone(&self.shared))
    }

    /// Where it listens; port 0 where it does not.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What the maildrop holds now, the oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.held()
            .iter()
            .map(|held| held.message.clone())
            .collect()
    }

    /// The unique-ids of what the maildrop holds now, the oldest first.
    pub fn unique_ids(&self) -> Vec<Vec<u8>> {
        self.held()
            .iter()
            .map(|held| held.message.unique_id.clone())
            .collect()
    }

    fn held(&self) -> Vec<Arc<Held>> {
        self.shared
            .store
            .lock()
            .messages()
            .expect("the maildrop is readable")
    }

    /// A message arrives. Sessions see it from the next one on. An mbox gives it a unique-id of its own.
    pub fn deliver(&self, message: Message) {
        self.shared
            .store
            .lock()
            .deliver(message)
            .expect("the maildrop is writable");
    }

    /// Another client deletes this message, or all that share its unique-id, also in the midst of a session.
    pub fn expunge(&self, unique_id: &[u8]) {
        self.expunge_if(|message| message.unique_id == unique_id);
    }

    /// Another client deletes these messages, also in the midst of a session.
    pub fn expunge_if(&self, unwanted: impl Fn(&Message) -> bool) {
        let mut gone = self.held();
        gone.retain(|held| unwanted(&held.message));
        self.shared
            .store
            .lock()
            .remove(&gone)
            .expect("the maildrop is writable");
    }

    /// How many commands of that verb have come so far.
    pub fn count(&self, verb: &str) -> usize {
        self.shared.record.lock().count(verb)
    }

    /// How many RETRs of that message have come so far.
    pub fn retrieved(&self, unique_id: &[u8]) -> usize {
        self.shared.record.lock().retrieved(unique_id)
    }

    /// How many connections have been accepted so far, whatever came of them.
    pub fn connections(&self) -> u64 {
        self.shared.connections()
    }

    /// How many logins have succeeded so far.
    pub fn sessions(&self) -> usize {
        self.shared.record.lock().logins()
    }

    /// The command lines that have come so far, secrets replaced by `***`.
    pub fn commands(&self) -> Vec<String> {
        self.shared.record.lock().commands()
    }

    /// Misbehaves in one more way from now on.
    pub fn fault(&self, fault: Fault) {
        self.shared.script.lock().add(fault);
    }

    /// Behaves again. Gates stay.
    pub fn clear_faults(&self) {
        self.shared.script.lock().clear();
    }

    /// Cuts every connection now.
    pub fn cut(&self) {
        self.shared.cut_all();
    }

    /// Closes new connections without a word from now on.
    pub fn close_door(&self) {
        self.shared.door_open.store(false, Ordering::Relaxed);
    }

    /// Talks to new connections again.
    pub fn open_door(&self) {
        self.shared.door_open.store(true, Ordering::Relaxed);
    }

    /// Holds RETR of this message back after so many octets of it, or just before its end.
    pub fn hold(&self, unique_id: &[u8], after_octets: usize) -> Gate {
        let when = When::every("RETR").about(unique_id);
        Gate::new(
            self.shared
                .script
                .lock()
                .hold(when, Place::Body(after_octets)),
        )
    }

    /// Holds replies back. The commands have been carried out by then.
    pub fn hold_reply(&self, when: When) -> Gate {
        Gate::new(self.shared.script.lock().hold(when, Place::Start))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut server = f.debug_struct("Server");
        server.field("address", &self.address);
        server.finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.running.take());
        if let Some(listener) = self.listener.take() {
            // A thread's panic has been reported already.
            let _ = listener.join();
        }
    }
}

fn boxed<T: Store + 'static>(store: T) -> Box<dyn Store> {
    Box::new(store)
}
