//! What a reader without any order makes cross the network, who should pay for nothing else.

use std::io;
use std::thread;
use std::time::Duration;

use super::reading::read;
use super::{POP3FS, disorder};
use crate::measure::Score;
use crate::mount::Mount;
use crate::quantity::Quantity;
use crate::race::Race;
use crate::stage::Stage;

/// Messages read in each run.
const READS: usize = 200;

/// How long nothing must come until it is believed that nothing will.
const SILENCE: Duration = Duration::from_millis(300);

/// Reads messages here and there and looks how much was fetched.
pub fn race(stage: &Stage) -> io::Result<Vec<Race>> {
    let shares: Vec<f64> = (0..stage.runs)
        .map(|_| received_per_octet(stage))
        .collect::<io::Result<_>>()?;
    let score = Score::of(POP3FS, Quantity::Share, shares);
    let title = format!(
        "octets received for each that is read here or there, {}",
        stage.mailbox
    );
    Ok(vec![Race::side_by_side(&title, vec![score])])
}

fn received_per_octet(stage: &Stage) -> io::Result<f64> {
    let mount = Mount::of(&stage.account)?;
    let files = mount.files()?;
    stage.mailbox.expect_count(files.len())?;
    let before = received_in_all(&mount)?;
    let mut asked = 0;
    for place in disorder::places(files.len()).into_iter().take(READS) {
        asked += read(&files[place])?;
    }
    let received = received_in_all(&mount)? - before;
    mount.umount()?;
    Ok(received as f64 / asked as f64)
}

/// Everything received, also what is still under way.
fn received_in_all(mount: &Mount) -> io::Result<u64> {
    let mut received = mount.status()?.transfer.received;
    loop {
        thread::sleep(SILENCE);
        match mount.status()?.transfer.received {
            now if now == received => return Ok(received),
            now => received = now,
        }
    }
}
