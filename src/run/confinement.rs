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
