//! What the library logs on a test's own thread.

use std::cell::RefCell;
use std::sync::Once;

use log::{LevelFilter, Log, Metadata, Record};

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what is logged on this thread from now on.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Ears).expect("the only logger");
        log::set_max_level(LevelFilter::Debug);
    });
    LINES.with_borrow_mut(Vec::clear);
}

/// Whether something was logged that holds these words.
pub fn has_heard(words: &str) -> bool {
    LINES.with_borrow(|lines| lines.iter().any(|line| line.contains(words)))
}

/// All of it.
pub fn heard() -> Vec<String> {
    LINES.with_borrow(Clone::clone)
}

struct Ears;

impl Log for Ears {
    fn enabled(&self, _: &Metadata) -> bool {
        true
    }

    fn log(&self, record: &Record) {
        let line = format!("{}: {}", record.level(), record.args());
        LINES.with_borrow_mut(|lines| lines.push(line));
    }

    fn flush(&self) {}
}
