//! The front of a keyring that is locked, and asks a person to unlock it: GNOME's does that on a desktop
//! only.

use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use dbus::arg::Variant;
use dbus::channel::Channel;
use dbus::{Message, Path};

use super::Bus;

const NAME: &str = "org.freedesktop.secrets";

const PROMPT: &str = "/org/freedesktop/secrets/prompt/p1";

/// How often to look whether it is to stop.
const GLANCE: Duration = Duration::from_millis(10);

/// What it says once it is unlocked, and asked for more.
const EMPTY: &CStr = c"there is nothing behind this";

/// A front with a person who answers; stopped when dropped.
pub struct Locked {
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Locked {
    /// Puts one on a bus, with somebody who unlocks it or not.
    pub fn start(bus: &Bus, consent: bool) -> Self {
        let mut channel = Channel::open_private(&bus.address()).expect("a bus");
        channel.register().expect("a bus");
        take_name(&channel);
        let stopped = Arc::new(AtomicBool::new(false));
        let is_stopped = Arc::clone(&stopped);
        let serve = move || {
            while !is_stopped.load(Ordering::Relaxed) {
                let message = channel.blocking_pop_message(GLANCE).expect("a bus");
                message
                    .into_iter()
                    .for_each(|it| answer(&channel, &it, consent));
            }
        };
        Self {
            stopped,
            thread: Some(thread::spawn(serve)),
        }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic has been reported already.
            let _ = thread.join();
        }
    }
}

fn take_name(channel: &Channel) {
    let bus = "org.freedesktop.DBus";
    let take = Message::call_with_args(bus, "/", bus, "RequestName", (NAME, 0_u32));
    let patience = Duration::from_secs(60);
    let taken = channel.send_with_reply_and_block(take, patience);
    taken.expect("a name that nobody has");
}

fn answer(channel: &Channel, message: &Message, consent: bool) {
    let send = |answer: Message| {
        channel.send(answer).expect("a bus");
    };
    let nothing = Vec::<Path<'_>>::new();
    let item = vec![Path::from("/org/freedesktop/secrets/collection/login/1")];
    match message.member().as_deref() {
        Some("SearchItems") => send(message.return_with_args((nothing, item))),
        Some("Unlock") => send(message.return_with_args((nothing, Path::from(PROMPT)))),
        Some("Prompt") => {
            send(message.method_return());
            let interface = "org.freedesktop.Secret.Prompt";
            let completed = Message::new_signal(PROMPT, interface, "Completed");
            send(
                completed
                    .expect("a signal")
                    .append2(!consent, Variant(item)),
            );
        }
        Some("OpenSession") => {
            send(message.error(&"org.freedesktop.DBus.Error.Failed".into(), EMPTY));
        }
        // The bus's own.
        _ => {}
    }
}
