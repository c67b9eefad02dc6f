//! What is measured: what people do with a mailbox, each beside somebody who does the same.

use std::time::Duration;

use pop3fs_server::Distance;

use crate::mailbox::{Kind, Mailbox};
use crate::options::Options;
use crate::server::Software;
use crate::setting::Setting;
use crate::tasks::{
    Task, cat, copy, demand, directory, download, grep, head, list, lockstep, peek, processors,
    random, remove, search, size, stream, wait,
};

/// Tasks that fit in one table.
pub struct Chapter {
    /// Its name.
    pub title: &'static str,
    columns: Columns,
    /// Its rows.
    pub tasks: &'static [Task],
}

/// What differs from column to column.
#[derive(Clone, Copy)]
enum Columns {
    /// The distances that were asked for.
    Links,
    /// Nothing: there is one column, without any distance.
    Near,
    /// The distance, on a narrow line.
    Narrow,
    /// The size of the mailbox.
    Sizes,
}

/// 10,000 messages of about 4 KB.
const LETTERS: Mailbox = Mailbox::new(Kind::Letters, 10_000);

/// 2,000 messages with a median of 8 KB and a mean of 60 KB.
const MIXED: Mailbox = Mailbox::new(Kind::Mixed, 2_000);

/// Messages of 8 KB, to be looked at one by one.
const SINGLE: Mailbox = Mailbox::new(Kind::Single, 3_000);

/// The same, for tasks that take their time.
const FEW: Mailbox = Mailbox::new(Kind::Single, 300);

/// A very large mailbox, of which no message is read.
const NOTES: Mailbox = Mailbox::new(Kind::Notes, 100_000);

/// Messages with large attachments.
const HUGE: Mailbox = Mailbox::new(Kind::Huge, 2);

/// A message larger than the cache.
const GIANT: Mailbox = Mailbox::new(Kind::Giant, 1);

/// Bits a second of a line on which it shows who fetches more than he needs.
const NARROW: u64 = 20_000_000;

/// All there is.
pub const CHAPTERS: [Chapter; 8] = [
    Chapter {
        title: "At a distance",
        columns: Columns::Links,
        tasks: &[
            Task::new("list", LETTERS, list::race),
            Task::new("list", NOTES, list::race),
            Task::new("cat", SINGLE, cat::race),
            Task::new("copy", LETTERS, copy::race),
            Task::new("copy", MIXED, copy::race),
            Task::new("grep", LETTERS, grep::race),
            Task::new("peek", MIXED, peek::race),
            Task::new("download", LETTERS, download::races),
            Task::new("download", MIXED, download::races),
            Task::new("remove", LETTERS, remove::race),
            Task::new("demand", LETTERS, demand::race),
            Task::new("demand", MIXED, demand::race),
            Task::new("random", LETTERS, random::race),
        ],
    },
    Chapter {
        title: "Real mail",
        columns: Columns::Links,
        tasks: &[
            Task::of_real_mail("real-copy", copy::race),
            Task::of_real_mail("real-grep", grep::race),
        ],
    },
    Chapter {
        title: "The head of a large message on a narrow line",
        columns: Columns::Narrow,
        tasks: &[Task::new("head", HUGE, head::race)],
    },
    Chapter {
        title: "A message larger than the cache",
        columns: Columns::Near,
        tasks: &[Task::new("stream", GIANT, stream::races)],
    },
    Chapter {
        title: "Without the network, beside the same files on tmpfs",
        columns: Columns::Near,
        tasks: &[
            Task::new("search", LETTERS, search::race),
            Task::new("directory", NOTES, directory::races),
            Task::new("wait", FEW, wait::races),
        ],
    },
    Chapter {
        title: "What it costs to wake another processor",
        columns: Columns::Near,
        tasks: &[Task::new("processors", LETTERS, processors::races)],
    },
    Chapter {
        title: "From a thousand to a million messages",
        columns: Columns::Sizes,
        tasks: &[Task::new("size", NOTES, size::races)],
    },
    Chapter {
        title: "A server that pipelines nothing, in clear",
        columns: Columns::Near,
        tasks: &[Task::new("lockstep", FEW, lockstep::race).served_by(Software::OneAtATime)],
    },
];

/// What tasks are called on the command line.
pub fn task_names() -> Vec<&'static str> {
    let tasks = CHAPTERS.iter().flat_map(|chapter| chapter.tasks);
    let mut names: Vec<&str> = tasks.map(|task| task.name).collect();
    names.dedup();
    names
}

impl Chapter {
    /// The columns of the table.
    pub fn settings(&self, options: &Options) -> Vec<Setting> {
        let far = |distance: &Distance| Setting {
            distance: *distance,
            count: None,
        };
        match self.columns {
            Columns::Links => options.links.iter().map(far).collect(),
            Columns::Near => vec![far(&Distance::NONE)],
            Columns::Narrow => [20, 100].map(|ms| far(&narrow(ms))).to_vec(),
            Columns::Sizes => [1_000, 10_000, 100_000, 1_000_000]
                .map(|count| Setting {
                    distance: Distance::NONE,
                    count: Some(options.part_of(count)),
                })
                .to_vec(),
        }
    }
}

fn narrow(ms: u64) -> Distance {
    Distance {
        round_trip: Duration::from_millis(ms),
        bandwidth: Some(NARROW),
    }
}
