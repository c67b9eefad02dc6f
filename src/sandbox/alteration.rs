//! System calls that change a file by its name, or what is not in it: its mode, owner, times and attributes.
//! Landlock leaves these alone, and lengths as well before Linux 6.2.

use libc::c_long;

/// Those that all machines have.
pub(super) const CALLS: &[c_long] = &[
    libc::SYS_truncate,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    // fchmodat2(2), setxattrat(2), removexattrat(2) and file_setattr(2), which the libc crate does not
    // name everywhere. New calls have one number on all machines.
    452,
    463,
    466,
    469,
];

/// Those that only old machines have.
#[cfg(target_arch = "x86_64")]
pub(super) const OLD_CALLS: &[c_long] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
];

/// Those that only old machines have: none.
#[cfg(not(target_arch = "x86_64"))]
pub(super) const OLD_CALLS: &[c_long] = &[];
