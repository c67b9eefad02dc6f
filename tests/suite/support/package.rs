//! Programs out of Debian's packages, for which nothing need be installed: they are also found where
//! `.ci/servers` unpacks them.

use std::fmt;
use std::path::{Path, PathBuf};

/// Programs that come together.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    name: &'static str,
    programs: &'static [&'static str],
}

impl Package {
    /// As `.ci/servers` names it, with what shows that it is there, below the root.
    pub const fn new(name: &'static str, programs: &'static [&'static str]) -> Self {
        Self { name, programs }
    }

    /// Whether it is there, installed or unpacked.
    pub fn is_there(self) -> bool {
        self.is_below(Path::new("/")) || self.unpacked().is_some()
    }

    /// The directory that it is unpacked in, where it is not installed.
    pub fn unpacked(self) -> Option<PathBuf> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/servers");
        let directory = directory.join(self.name);
        let there = self.is_below(&directory) && !self.is_below(Path::new("/"));
        there.then_some(directory)
    }

    fn is_below(self, root: &Path) -> bool {
        self.programs
            .iter()
            .all(|program| root.join(program).exists())
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
