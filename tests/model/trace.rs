//! What happens in a run, step by step: told where one run is replayed, kept where two are compared, and of all runs
//! the order in which kinds of things happened.

use std::cell::RefCell;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What becomes of the words.
#[derive(Default)]
enum Words {
    #[default]
    Dropped,
    Printed,
    Kept(String),
}

#[derive(Default)]
struct Trace {
    words: Words,
    kinds: DefaultHasher,
}

thread_local! {
    static TRACE: RefCell<Trace> = RefCell::default();
}

/// Prints what happens on this thread from now on, and shows the program's own log.
pub fn print() {
    TRACE.with_borrow_mut(|trace| trace.words = Words::Printed);
    env_logger::Builder::from_default_env()
        .format_timestamp(None)
        .init();
}

/// All that happens in a deed on this thread, in words.
pub fn of(deed: impl FnOnce()) -> String {
    TRACE.with_borrow_mut(|trace| trace.words = Words::Kept(String::new()));
    deed();
    match TRACE.take().words {
        Words::Kept(text) => text,
        Words::Dropped | Words::Printed => String::new(),
    }
}

/// A digest of the kinds of things that happened on this thread since the last time, in their order.
pub fn take_schedule() -> u64 {
    TRACE.with_borrow_mut(|trace| std::mem::take(&mut trace.kinds).finish())
}

/// Something of a kind happens.
pub fn happens(kind: &(impl Hash + ?Sized), words: fmt::Arguments<'_>) {
    TRACE.with_borrow_mut(|trace| {
        kind.hash(&mut trace.kinds);
        match &mut trace.words {
            Words::Dropped => {}
            Words::Printed => println!("{words}"),
            Words::Kept(text) => text.push_str(&format!("{words}\n")),
        }
    });
}

/// Tells one thing that happens. What kind it is, the words show that are the same each time; or it is said.
macro_rules! tell {
    (kind $kind:expr, $($words:tt)*) => {
        crate::trace::happens($kind, format_args!($($words)*))
    };
    ($format:literal $($words:tt)*) => {
        crate::trace::happens($format, format_args!($format $($words)*))
    };
}

pub(crate) use tell;
