//! What is measured: what people do with a mailbox, each beside the bare client doing the same
//! protocol work.

mod cat;
mod copy;
mod grep;
mod list;
mod remove;
mod wait;
mod walk;

use std::io;

use crate::mailbox::{Kind, Mailbox};
use crate::measure::Score;
use crate::options::Options;
use crate::relay::Distance;
use crate::stage::Stage;

/// The yardstick's name.
const BARE: &str = "bare client";

/// Our name.
const POP3FS: &str = "pop3fs";

/// Something to do with a mailbox.
pub struct Task {
    /// Its name on the command line.
    pub name: &'static str,
    mailbox: Mailbox,
    race: fn(&Stage) -> io::Result<Vec<Race>>,
}

/// Entrants that did the same.
pub struct Race {
    /// What they did.
    pub title: String,
    pub scores: Vec<Score>,
    /// Whether the first is the yardstick of the others.
    measured: bool,
}

/// All there is.
pub const ALL: [Task; 7] = [
    Task {
        name: "list",
        mailbox: Mailbox {
            kind: Kind::Letters,
            count: 10_000,
        },
        race: list::race,
    },
    Task {
        name: "cat",
        mailbox: Mailbox {
            kind: Kind::Single,
            count: 300,
        },
        race: cat::race,
    },
    Task {
        name: "copy",
        mailbox: Mailbox {
            kind: Kind::Letters,
            count: 10_000,
        },
        race: copy::race,
    },
    Task {
        name: "copy",
        mailbox: Mailbox {
            kind: Kind::Mixed,
            count: 2_000,
        },
        race: copy::race,
    },
    Task {
        name: "grep",
        mailbox: Mailbox {
            kind: Kind::Letters,
            count: 10_000,
        },
        race: grep::race,
    },
    Task {
        name: "remove",
        mailbox: Mailbox {
            kind: Kind::Letters,
            count: 1_000,
        },
        race: remove::race,
    },
    Task {
        name: "wait",
        mailbox: Mailbox {
            kind: Kind::Single,
            count: 300,
        },
        race: wait::races,
    },
];

impl Task {
    /// Does it at a distance.
    pub fn run(&self, distance: Distance, options: &Options) -> io::Result<Vec<Race>> {
        let stage = Stage::set(self.mailbox(options), distance, options)?;
        (self.race)(&stage)
    }

    /// Its mailbox; of walks and listings a tenth is enough for a quick look.
    fn mailbox(&self, options: &Options) -> Mailbox {
        let part = if options.quick && self.mailbox.kind != Kind::Single {
            10
        } else {
            1
        };
        Mailbox {
            count: self.mailbox.count / part,
            ..self.mailbox
        }
    }
}

impl Race {
    /// The score of which the others are told as multiples.
    pub fn yardstick(&self) -> Option<&Score> {
        self.scores.first().filter(|_| self.measured)
    }

    /// The first is the yardstick of the others.
    fn against_the_first(title: &str, scores: Vec<Score>) -> Race {
        Race {
            title: title.to_string(),
            scores,
            measured: true,
        }
    }

    /// To be seen together; their ratios say nothing.
    fn side_by_side(title: &str, scores: Vec<Score>) -> Race {
        Race {
            title: title.to_string(),
            scores,
            measured: false,
        }
    }
}
