//! The kernel's table of mounts, as this process's mount namespace has it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::device::KIND;

/// Where the table is; the format is described in proc(5).
pub(super) const MOUNT_TABLE: &str = "/proc/self/mountinfo";

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountInfo {
    /// The mount's number. It may be given to another mount later.
    pub id: u64,
    /// The filesystem's device, `major:minor`; unique as long as the filesystem lives.
    pub device: OsString,
    /// Where it is mounted.
    pub mount_point: PathBuf,
    /// The filesystem type, subtype included: `fuse.pop3fs`.
    pub kind: OsString,
    /// What is mounted: for us the server's name.
    pub source: OsString,
    /// The user who mounted it, where it is a FUSE filesystem.
    pub owner: Option<u32>,
}

impl MountInfo {
    /// Whether it is a mailbox, of whatever account.
    pub fn is_mailbox(&self) -> bool {
        self.kind == KIND
    }

    /// Whether the other is the same mount of the same filesystem, wherever it was moved.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.id == other.id && self.device == other.device
    }

    /// Reads one line of the table:
    ///
    /// ```text
    /// 36 35 98:0 /root /mount/point rw,noatime shared:1 - type source rw,errors=continue
    /// ```
    ///
    /// with any number of fields before the lone `-`.
    fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = line.split(|&byte| byte == b' ');
        let id = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
        let device = unescape(fields.nth(1)?);
        let mount_point = unescape(fields.nth(1)?).into();
        let mut filesystem = fields.skip_while(|&field| field != b"-").skip(1);
        Some(Self {
            id,
            device,
            mount_point,
            kind: unescape(filesystem.next()?),
            source: unescape(filesystem.next()?),
            owner: filesystem.next().and_then(owner),
        })
    }
}

/// The `user_id` among the filesystem's own options.
fn owner(options: &[u8]) -> Option<u32> {
    let mut words = std::str::from_utf8(options).ok()?.split(',');
    words
        .find_map(|word| word.strip_prefix("user_id="))?
        .parse()
        .ok()
}

/// The mount whose root a path is, if it is one; where several are stacked, the topmost.
///
/// # Errors
/// The table of mounts cannot be read.
pub fn mounted_at(path: &Path) -> io::Result<Option<MountInfo>> {
    Ok(topmost(&read()?, &true_path(path)?))
}

/// A path as the table has it. Where a mount's process has died, nothing answers for the last part
/// of it, which may have been spelled right.
pub(super) fn true_path(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let above = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    let true_path = path.canonicalize().ok().or_else(above);
    Ok(true_path.unwrap_or(path))
}

/// The table, as it is now.
pub(super) fn read() -> io::Result<Vec<MountInfo>> {
    fs::read(MOUNT_TABLE).map(|table| parse(&table))
}

/// The mounts of a table, in order; a line that cannot be read is passed over.
pub(super) fn parse(table: &[u8]) -> Vec<MountInfo> {
    let lines = table.split(|&byte| byte == b'\n');
    lines.filter_map(MountInfo::parse).collect()
}

/// The last mount made at a path, which hides those before.
pub(super) fn topmost(mounts: &[MountInfo], path: &Path) -> Option<MountInfo> {
    let mut here = mounts.iter().filter(|mount| mount.mount_point == path);
    here.next_back().cloned()
}

/// Undoes the table's escapes: blank, tab, newline, backslash and `#` stand as three octal digits.
fn unescape(field: &[u8]) -> OsString {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        if let Some((byte, after)) = escape(rest) {
            plain.push(byte);
            rest = after;
        } else {
            plain.push(*first);
            rest = tail;
        }
    }
    OsString::from_vec(plain)
}

/// The byte that an escape at the start of the text stands for, and what follows it.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, after) = text.strip_prefix(b"\\")?.split_at_checked(3)?;
    let octal = digits.iter().all(|digit| matches!(digit, b'0'..=b'7'));
    let digits = std::str::from_utf8(digits).ok().filter(|_| octal)?;
    Some((u8::from_str_radix(digits, 8).ok()?, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TABLE: &[u8] = b"\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
36 22 0:45 / /mnt/my\\040mail\\134 rw,nosuid,nodev,noexec shared:2 master:7 - fuse.pop3fs pop3s://ann@pop.example.org rw,user_id=1000,group_id=0
37 36 0:46 / /mnt/my\\040mail\\134 rw - tmpfs none rw
a line that is none
38 22 0:47 / /mnt/other rw - fuse.pop3fs pop3s://bob@pop.example.org rw
";

    #[test]
    fn a_mount_is_read_with_its_escapes_and_optional_fields() {
        let expected = MountInfo {
            id: 36,
            device: "0:45".into(),
            mount_point: "/mnt/my mail\\".into(),
            kind: "fuse.pop3fs".into(),
            source: "pop3s://ann@pop.example.org".into(),
            owner: Some(1000),
        };
        assert_eq!(parse(TABLE).get(1), Some(&expected));
    }

    #[test]
    fn a_mailbox_is_known_by_its_type() {
        let mailboxes: Vec<_> = parse(TABLE).iter().map(MountInfo::is_mailbox).collect();
        assert_eq!(mailboxes, [false, true, false, true]);
    }

    #[test]
    fn a_path_through_a_link_is_found_though_its_end_does_not_answer() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        fs::create_dir(&target).unwrap();
        std::os::unix::fs::symlink(&target, directory.path().join("link")).unwrap();
        let through = directory.path().join("link/missing");
        let expected = target.canonicalize().unwrap().join("missing");
        assert_eq!(true_path(&through).unwrap(), expected);
    }

    #[test]
    fn a_line_that_cannot_be_read_hides_no_other() {
        let ids: Vec<_> = parse(TABLE).iter().map(|mount| mount.id).collect();
        assert_eq!(ids, [22, 36, 37, 38]);
    }

    #[test]
    fn of_stacked_mounts_the_last_is_on_top() {
        let top = topmost(&parse(TABLE), Path::new("/mnt/my mail\\"));
        assert_eq!(top.map(|mount| mount.id), Some(37));
    }

    #[test]
    fn a_directory_inside_a_mount_is_not_a_mount() {
        assert_eq!(topmost(&parse(TABLE), Path::new("/mnt")), None);
    }

    #[test]
    fn a_number_used_again_is_another_mount() {
        let mounts = parse(TABLE);
        let again = MountInfo {
            device: "0:99".into(),
            ..mounts[1].clone()
        };
        assert!(mounts[1].is_same(&mounts[1]));
        assert!(!mounts[1].is_same(&again));
    }

    #[test]
    fn a_mount_is_the_same_wherever_it_was_moved() {
        let mount = parse(TABLE).swap_remove(1);
        let moved = MountInfo {
            mount_point: "/mnt/elsewhere".into(),
            ..mount.clone()
        };
        assert!(mount.is_same(&moved));
    }

    #[test]
    fn what_only_looks_like_an_escape_is_left_alone() {
        assert_eq!(unescape(b"a\\04"), "a\\04");
        assert_eq!(unescape(b"\\999"), "\\999");
        assert_eq!(unescape(b"\\777"), "\\777");
        assert_eq!(unescape(b"\\"), "\\");
    }

    proptest! {
        #[test]
        fn no_table_makes_it_panic(table: Vec<u8>) {
            parse(&table);
        }

        #[test]
        fn escaping_as_the_kernel_does_is_undone(name in "[ -~\t\n]{0,40}") {
            let escaped: String = name
                .bytes()
                .map(|byte| match byte {
                    b' ' | b'\t' | b'\n' | b'\\' | b'#' => format!("\\{byte:03o}"),
                    _ => char::from(byte).to_string(),
                })
                .collect();
            prop_assert_eq!(unescape(escaped.as_bytes()), OsString::from(name));
        }
    }
}
