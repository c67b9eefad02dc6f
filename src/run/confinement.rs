//! What the process needs once it has entrusted the rest to the keeper.

use std::path::PathBuf;

use crate::cli::MountRequest;
use crate::net::directories_of_authorities;
use crate::sandbox::{self, Needs};

use super::route;

/// What the C library and OpenSSL read when they look up a name or judge a certificate, which may be
/// whenever a connection is made. Files in them are replaced by others of the same name, so that
/// the directories are what can be named. What is not there is left out.
const SYSTEM: &[&str] = &[
    "/etc",
    "/usr",
    "/lib",
    "/lib64",
    // Distributions that keep all of it elsewhere.
    "/nix/store",
    "/gnu/store",
    // Where /etc/resolv.conf leads to.
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
    "/mnt/wsl",
];

/// The table of mounts, and the signals of those who wait.
const PROCESSES: &str = "/proc";

/// What the standard streams are in the background.
const NOTHING: &str = "/dev/null";

/// Gives up what is not needed, unless that is not wanted; what of it is in force. No other thread may
/// exist yet.
pub(super) fn enter(request: &MountRequest) -> Vec<&'static str> {
    if request.sandbox {
        sandbox::enter(&needs(request)).names()
    } else {
        Vec::new()
    }
}

fn needs(request: &MountRequest) -> Needs {
    let mut read: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    read.extend(directories_of_authorities());
    read.push(PROCESSES.into());
    Needs {
        read,
        write: vec![NOTHING.into()],
        ports: route::ports(request),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, read_dir};
    use std::io::{self, ErrorKind};
    use std::thread;

    use super::*;
    use crate::cli::{self, Request};

    fn request() -> MountRequest {
        let words = ["pop3fs", "pop3s://ann@pop.example.org", "/mnt"];
        match cli::parse(words.map(Into::into)) {
            Ok(Request::Mount(request)) => *request,
            _ => panic!("a mount is asked for"),
        }
    }

    fn is_refused<T>(result: &io::Result<T>) -> bool {
        let refused = |error: &io::Error| error.kind() == ErrorKind::PermissionDenied;
        result.as_ref().is_err_and(refused)
    }

    /// As one of the state directory, where other mailboxes have theirs. A thread of its own is the only one
    /// that is restricted.
    #[test]
    fn no_file_of_the_user_is_opened_made_or_replaced() {
        let state = tempfile::tempdir().unwrap();
        let [journal, draft] = ["bob.journal", "bob.journal.new"].map(|it| state.path().join(it));
        fs::write(&journal, "").unwrap();
        let scenario = move || {
            let files = enter(&request()).contains(&"files");
            assert_eq!(is_refused(&File::open(&journal)), files);
            assert_eq!(
                is_refused(&File::options().append(true).open(&journal)),
                files
            );
            assert_eq!(is_refused(&read_dir(state.path())), files);
            assert_eq!(is_refused(&File::create(&draft)), files);
            assert_eq!(is_refused(&fs::rename(&journal, &draft)), files);
            assert_eq!(is_refused(&fs::remove_file(&journal)), files);
            for path in ["/etc/hosts", "/proc/self/mountinfo"] {
                assert!(File::open(path).is_ok(), "{path}");
                let written = File::options().append(true).open(path);
                assert!(!files || written.is_err(), "{path}");
            }
            assert!(File::options().write(true).open(NOTHING).is_ok());
        };
        thread::spawn(scenario).join().unwrap();
    }
}
