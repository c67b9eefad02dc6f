//! System calls that are refused for some of what they can be asked for.

use libc::{c_int, c_long};
use seccompiler::{BackendError, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

/// The families of sockets that names and servers are reached over.
const FAMILIES: [c_int; 4] = [
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    // How the C library learns which addresses this machine has.
    libc::AF_NETLINK,
];

/// What has a terminal take octets for typed, or pasted: the user's shell would run them.
const TYPING: [libc::Ioctl; 2] = [libc::TIOCSTI, libc::TIOCLINUX];

/// The rules of each call; where one of them matches, it fails.
pub(super) fn rules() -> Result<[(c_long, Vec<SeccompRule>); 2], BackendError> {
    Ok([
        (libc::SYS_socket, vec![other_family()?]),
        (libc::SYS_ioctl, typing()?),
    ])
}

/// A socket of none of the families.
fn other_family() -> Result<SeccompRule, BackendError> {
    let differs = |family: c_int| argument(0, SeccompCmpOp::Ne, family.cast_unsigned());
    let conditions = FAMILIES.into_iter().map(differs);
    SeccompRule::new(conditions.collect::<Result<_, _>>()?)
}

fn typing() -> Result<Vec<SeccompRule>, BackendError> {
    let is = |request| SeccompRule::new(vec![argument(1, SeccompCmpOp::Eq, request as u32)?]);
    TYPING.into_iter().map(is).collect()
}

/// Of an argument the kernel looks at 32 bits, in these calls, whatever is in the others.
fn argument(
    number: u8,
    comparison: SeccompCmpOp,
    value: u32,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(
        number,
        SeccompCmpArgLen::Dword,
        comparison,
        u64::from(value),
    )
}
