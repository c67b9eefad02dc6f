//! What was asked for on the command line.

use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use pop3fs_server::Distance;

use crate::chapter::task_names;
use crate::tasks::Task;

/// How to call it; cargo adds `--bench` itself.
pub fn usage() -> String {
    format!(
        "\
usage: cargo bench --bench mount -- [--quick] [--alone] [--tls] [--runs N] [--links LIST] [--mail DIR] [--only LIST]
  --quick       mailboxes a tenth as large
  --alone       without other downloaders
  --tls         over TLS instead of in clear
  --runs N      runs of each, interleaved (5)
  --links LIST  round trips in ms, each with a bandwidth if limited (0,20,100,20@100M: the last is 20 ms and 100 Mbit/s)
  --mail DIR    real mail as well: a message in each file in DIR and below
  --only LIST   of {}",
        task_names().join(",")
    )
}

/// What to measure, and how thoroughly.
#[derive(Clone, Debug)]
pub struct Options {
    pub quick: bool,
    pub alone: bool,
    pub tls: bool,
    pub runs: usize,
    pub links: Vec<Distance>,
    pub mail: Option<PathBuf>,
    only: Vec<String>,
}

impl Options {
    /// Understands arguments; none if nothing is to be measured: somebody wants to know how, or the
    /// benchmarks are only run along with the tests.
    pub fn parse(arguments: impl Iterator<Item = String>) -> io::Result<Option<Options>> {
        let mut measure = false;
        let mut options = Options::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| unknown(&argument));
            match argument.as_str() {
                "--bench" => measure = true,
                "--help" => return Ok(None),
                "--quick" => options.quick = true,
                "--alone" => options.alone = true,
                "--tls" => options.tls = true,
                "--runs" => options.runs = value()?.parse().map_err(|_| unknown(&argument))?,
                "--links" => options.links = list(&value()?)?,
                "--mail" => options.mail = Some(value()?.into()),
                "--only" => options.only = tasks(&value()?)?,
                _ => return Err(unknown(&argument)),
            }
        }
        Ok(measure.then_some(options))
    }

    /// Whether a task was asked for.
    pub fn includes(&self, task: &Task) -> bool {
        let is_named = self.only.is_empty() || self.only.iter().any(|name| name == task.name);
        is_named && (self.mail.is_some() || !task.wants_real_mail())
    }

    /// How many of so many messages there should be: a tenth is enough for a quick look.
    pub fn part_of(&self, count: usize) -> usize {
        if self.quick { count / 10 } else { count }
    }
}

impl Default for Options {
    fn default() -> Options {
        let links = [(0, None), (20, None), (100, None), (20, Some(100_000_000))];
        Options {
            quick: false,
            alone: false,
            tls: false,
            runs: 5,
            links: links
                .map(|(ms, bandwidth)| Distance {
                    round_trip: Duration::from_millis(ms),
                    bandwidth,
                })
                .to_vec(),
            mail: None,
            only: Vec::new(),
        }
    }
}

fn list<T: FromStr>(text: &str) -> io::Result<Vec<T>> {
    text.split(',')
        .map(|item| item.parse().map_err(|_| unknown(item)))
        .collect()
}

/// Names of tasks, all of which there are.
fn tasks(text: &str) -> io::Result<Vec<String>> {
    let names: Vec<String> = list(text)?;
    match names
        .iter()
        .find(|name| !task_names().contains(&name.as_str()))
    {
        Some(stray) => Err(unknown(stray)),
        None => Ok(names),
    }
}

fn unknown(argument: &str) -> io::Error {
    io::Error::other(format!("cannot understand {argument:?}\n{}", usage()))
}
