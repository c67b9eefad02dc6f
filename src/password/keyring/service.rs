//! The Secret Service, as far as it is needed to look something up (Secret Service API draft, 0.2).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use dbus::arg::{AppendAll, ReadAll, Variant};
use dbus::channel::{BusType, Channel};
use dbus::message::MatchRule;
use dbus::{Message, Path};
use zeroize::Zeroizing;

use super::seal::{ALGORITHM, Offer};
use crate::password::KeyringFault;
use crate::pop3::text;

/// Whose methods are called, and on which object.
type Target<'a> = (&'static str, &'a str, &'static str);

const NAME: &str = "org.freedesktop.secrets";
const SERVICE: Target<'_> = (
    NAME,
    "/org/freedesktop/secrets",
    "org.freedesktop.Secret.Service",
);
const BUS: Target<'_> = (
    "org.freedesktop.DBus",
    "/org/freedesktop/DBus",
    "org.freedesktop.DBus",
);
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";

/// In the place of a prompt, where none is needed.
const NO_PROMPT: &str = "/";

/// The secret's session, the parameters of its cipher, itself, its type.
type Sealed = (Path<'static>, Vec<u8>, Vec<u8>, String);

/// The way to it.
pub(super) struct Service {
    bus: Channel,
    bound: Duration,
    deadline: Instant,
}

/// What fits a search.
pub(super) struct Found {
    pub unlocked: Vec<Path<'static>>,
    pub locked: Vec<Path<'static>>,
}

impl Service {
    /// The way to it, for so long.
    pub fn connect(bound: Duration) -> Result<Self, KeyringFault> {
        Ok(Self {
            deadline: Instant::now() + bound,
            bus: Channel::get_private(BusType::Session)?,
            bound,
        })
    }

    /// The items that have all of these attributes.
    pub fn search<const N: usize>(
        &self,
        attributes: [(&str, &str); N],
    ) -> Result<Found, KeyringFault> {
        let attributes = HashMap::from(attributes);
        let (unlocked, locked) = self.call(SERVICE, "SearchItems", (attributes,))?;
        Ok(Found { unlocked, locked })
    }

    /// Unlocks an item; a person may have to be asked for it.
    pub fn unlock(&self, item: &Path<'static>) -> Result<(), KeyringFault> {
        let items = vec![item.clone()];
        let (_, prompt): (Vec<Path<'_>>, Path<'_>) = self.call(SERVICE, "Unlock", (items,))?;
        match &*prompt {
            NO_PROMPT => Ok(()),
            prompt => self.prompt(prompt),
        }
    }

    fn prompt(&self, prompt: &str) -> Result<(), KeyringFault> {
        let mut completed = MatchRule::new_signal(PROMPT, "Completed");
        completed.path = Some(prompt.to_owned().into());
        let () = self.call(BUS, "AddMatch", (completed.match_str(),))?;
        // It belongs to no window.
        let () = self.call((NAME, prompt, PROMPT), "Prompt", ("",))?;
        while !self.left().is_zero() {
            let message = self.bus.blocking_pop_message(self.left())?;
            if let Some(message) = message.filter(|message| completed.matches(message)) {
                let (dismissed, _): (bool, Variant<Box<dyn dbus::arg::RefArg>>) =
                    message.read_all()?;
                return if dismissed {
                    Err(KeyringFault::Locked)
                } else {
                    Ok(())
                };
            }
        }
        Err(KeyringFault::TimedOut { bound: self.bound })
    }

    /// What is kept in an item that is unlocked.
    pub fn secret(&self, item: &Path<'static>) -> Result<Zeroizing<Vec<u8>>, KeyringFault> {
        let offer = Offer::new()?;
        let half = Variant(offer.public()?);
        let (theirs, session): (Variant<Vec<u8>>, Path<'static>) =
            self.call(SERVICE, "OpenSession", (ALGORITHM, half))?;
        let ((_, vector, octets, _),): (Sealed,) =
            self.call((NAME, item, ITEM), "GetSecret", (session,))?;
        offer.agree(&theirs.0)?.open(&vector, &octets)
    }

    fn call<A: AppendAll, R: ReadAll>(
        &self,
        (name, object, interface): Target<'_>,
        method: &str,
        arguments: A,
    ) -> Result<R, KeyringFault> {
        let message = Message::call_with_args(name, object, interface, method, arguments);
        let answer = self.bus.send_with_reply_and_block(message, self.left())?;
        Ok(answer.read_all()?)
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl From<dbus::Error> for KeyringFault {
    fn from(error: dbus::Error) -> Self {
        if error.name() == Some("org.freedesktop.Secret.Error.IsLocked") {
            return Self::Locked;
        }
        let words = error.message().unwrap_or("no reason is given");
        Self::Refused {
            words: text::printable(words.as_bytes()),
        }
    }
}
