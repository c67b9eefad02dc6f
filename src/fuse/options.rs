//! Mount options.

use fuser::{Config, SessionACL};

/// Dispatch threads: with one, a single slow answer would hold up all others. More do not make
/// anything faster, since no request waits in them.
const DISPATCH_THREADS: usize = 2;

/// What the user chose about the mount.
#[derive(Clone, Debug, Default)]
pub struct MountOptions {
    /// What `mount` and `df` show as the source; with a colon in it, they take the filesystem for
    /// a remote one. Bytes that would be read as something else are escaped.
    pub fsname: String,
    /// Whether the kernel refuses everything that changes something.
    pub read_only: bool,
    /// Whether other users may go in, as far as the permission bits let them.
    pub allow_other: bool,
    /// Whether what is in the mount point may be hidden.
    pub nonempty: bool,
}

impl MountOptions {
    /// The source as the mount table shows it.
    pub(super) fn source(&self) -> String {
        printable(&self.fsname)
    }

    /// What the kernel is told about the filesystem when root mounts.
    pub(super) fn parameters(&self) -> &'static str {
        // Without default_permissions, allow_other would let everybody read everything.
        if self.allow_other {
            "default_permissions,allow_other"
        } else {
            "default_permissions"
        }
    }

    /// The same, and everything else, as the helper takes it for others.
    pub(super) fn words(&self) -> String {
        format!(
            "{},nosuid,nodev,noexec,subtype=pop3fs,fsname={}{}",
            self.parameters(),
            self.source(),
            if self.read_only { ",ro" } else { "" }
        )
    }

    /// How requests are taken.
    pub(super) fn config(&self) -> Config {
        let mut config = Config::default();
        config.acl = self.acl();
        config.n_threads = Some(DISPATCH_THREADS);
        config
    }

    /// Whose requests are taken.
    pub(super) fn acl(&self) -> SessionACL {
        if self.allow_other {
            SessionACL::All
        } else {
            SessionACL::Owner
        }
    }
}

/// A source name that survives the comma-separated options of the mount helper, the blanks of the
/// mount table, and a terminal.
fn printable(fsname: &str) -> String {
    if fsname.is_empty() {
        return "pop3fs".to_owned();
    }
    let mut safe = String::with_capacity(fsname.len());
    for byte in fsname.bytes() {
        if byte.is_ascii_graphic() && byte != b',' && byte != b'\\' {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("%{byte:02X}"));
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_source_name_is_shown_as_it_is() {
        let name = "pop3s://ann@pop.example.org:995";
        assert_eq!(printable(name), name);
    }

    #[test]
    fn a_source_name_cannot_smuggle_in_an_option() {
        assert_eq!(printable("ann,suid@host:"), "ann%2Csuid@host:");
        assert_eq!(printable("a\\,b"), "a%5C%2Cb");
        assert_eq!(printable("a b\n"), "a%20b%0A");
    }

    #[test]
    fn a_mount_is_private_unless_asked_otherwise() {
        let private = MountOptions::default();
        assert_eq!(private.acl(), SessionACL::Owner);
        assert!(!private.words().contains("allow_other"));
        let shared = MountOptions {
            allow_other: true,
            ..private
        };
        assert_eq!(shared.acl(), SessionACL::All);
        assert!(shared.words().contains("allow_other"));
    }

    #[test]
    fn permissions_are_checked_and_nothing_is_executed_in_every_mount() {
        let always = ["nosuid", "nodev", "noexec", "default_permissions"];
        for (read_only, allow_other) in [(false, false), (true, false), (false, true)] {
            let options = MountOptions {
                read_only,
                allow_other,
                ..MountOptions::default()
            };
            let words = options.words();
            let given: Vec<&str> = words.split(',').collect();
            assert!(always.iter().all(|option| given.contains(option)));
            assert_eq!(given.contains(&"ro"), read_only);
            assert!(options.parameters().contains("default_permissions"));
        }
    }

    proptest! {
        #[test]
        fn any_source_name_becomes_one_printable_word(fsname: String) {
            let safe = printable(&fsname);
            prop_assert!(!safe.is_empty());
            prop_assert!(safe.bytes().all(|byte| byte.is_ascii_graphic() && byte != b','));
        }
    }
}
