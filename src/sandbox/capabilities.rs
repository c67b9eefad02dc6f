//! What root may, and an ordinary user may not.

use caps::errors::CapsError;
use caps::{CapSet, Capability};

/// What a thread keeps of it goes with these: what is not permitted is not in effect, and what is not
/// inheritable is not ambient.
const OWN: [CapSet; 2] = [CapSet::Inheritable, CapSet::Permitted];

/// Gives all of it up, in this thread and those that it will start.
///
/// # Errors
///
/// The kernel refused it.
pub(super) fn give_up() -> Result<(), CapsError> {
    // Whoever lacks this one cannot bound them, and has none either that could be bounded.
    if caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP)? {
        caps::clear(None, CapSet::Bounding)?;
    }
    OWN.into_iter().try_for_each(|set| caps::clear(None, set))
}
