//! Who keeps a mount from being unmounted.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};

use super::mountinfo::true_path;
use super::server::processes;
use crate::keeper;

/// A process that uses a mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub pid: u32,
    /// The program's name, which the program can choose.
    pub program: String,
    /// What it uses.
    pub held: Held,
}

/// What a process uses of a mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Its working directory, or its root, is there.
    Directory,
    /// It has this open.
    File(PathBuf),
}

/// The processes that use the mount at a path, as far as we may see them; none where nobody keeps
/// it from being unmounted, for all that can be told.
///
/// # Errors
/// The path cannot be resolved.
pub fn holders(at: &Path) -> io::Result<Option<Vec<Holder>>> {
    let at = true_path(at)?;
    let seen = || processes().filter_map(|pid| holder(pid, &at)).collect();
    match probe(&at) {
        Probed::Free => Ok(None),
        Probed::Busy => Ok(Some(seen())),
        Probed::Unknown => Ok(Some(seen()).filter(|holders: &Vec<_>| !holders.is_empty())),
    }
}

enum Probed {
    Free,
    Busy,
    Unknown,
}

/// Asks the kernel, which tells root only: the first of two unmounts of an unused mount marks it
/// as expired and does no more (umount(2), `MNT_EXPIRE`).
fn probe(at: &Path) -> Probed {
    match umount2(at, MntFlags::MNT_EXPIRE | MntFlags::UMOUNT_NOFOLLOW) {
        Err(Errno::EAGAIN) => Probed::Free,
        Err(Errno::EBUSY) => Probed::Busy,
        _ => Probed::Unknown,
    }
}

/// What the links say is text, so no filesystem is asked, whatever it is busy with. Processes in
/// other mount namespaces use copies of the mount, which hold up nobody here.
fn holder(pid: u32, at: &Path) -> Option<Holder> {
    let process = PathBuf::from(format!("/proc/{pid}"));
    if pid == std::process::id() || !is_in_our_namespace(&process) {
        return None;
    }
    let program = fs::read_to_string(process.join("comm")).unwrap_or_default();
    let program = program.trim_end().to_owned();
    // It makes and removes names for those who watch, and is gone from there in a moment.
    if program.as_bytes() == keeper::NAME.to_bytes() {
        return None;
    }
    Some(Holder {
        pid,
        program,
        held: held(&process, at)?,
    })
}

fn is_in_our_namespace(process: &Path) -> bool {
    let own = fs::read_link("/proc/self/ns/mnt").ok();
    own.is_some() && fs::read_link(process.join("ns/mnt")).ok() == own
}

fn held(process: &Path, at: &Path) -> Option<Held> {
    let below = |link: PathBuf| fs::read_link(link).ok().filter(|path| path.starts_with(at));
    if ["cwd", "root"]
        .iter()
        .any(|link| below(process.join(link)).is_some())
    {
        return Some(Held::Directory);
    }
    let descriptors = fs::read_dir(process.join("fd")).ok()?.flatten();
    let open = descriptors.filter_map(|entry| below(entry.path()));
    open.min().map(Held::File)
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) ", self.program, self.pid)?;
        match &self.held {
            Held::Directory => f.write_str("works in it"),
            Held::File(path) => write!(f, "has {} open", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::process::{Child, Command, Stdio};

    /// A process that waits until it is told to end.
    fn waiting(command: &mut Command) -> Child {
        command.stdin(Stdio::piped()).spawn().unwrap()
    }

    fn end(mut child: Child) {
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn a_process_that_works_in_a_directory_holds_it() {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().canonicalize().unwrap();
        let child = waiting(Command::new("cat").current_dir(&at));
        let holder = holder(child.id(), &at).unwrap();
        assert_eq!(holder.held, Held::Directory);
        assert!(holder.to_string().ends_with("works in it"));
        assert_eq!(holder.pid, child.id());
        end(child);
    }

    #[test]
    fn a_process_that_has_a_file_open_holds_its_directory_and_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().canonicalize().unwrap();
        let file = File::create(at.join("one")).unwrap();
        let child = waiting(Command::new("cat").stderr(file));
        let held = |at: &Path| holder(child.id(), at).map(|holder| holder.held);
        assert_eq!(held(&at), Some(Held::File(at.join("one"))));
        assert_eq!(held(&at.join("o")), None);
        end(child);
    }

    #[test]
    fn nobody_holds_an_empty_directory() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(holders(directory.path()).unwrap(), None);
    }
}
