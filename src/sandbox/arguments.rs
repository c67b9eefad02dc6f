//! System calls that are refused for some of what they can be asked for.

use libc::{c_int, c_long};
use seccompiler::{BackendError, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

/// The families of sockets that names and servers are reached over. Not Unix sockets, behind which
/// are the desktop's bus, agents with keys, and whoever starts containers: where a name can be asked for
/// over one, the C library goes on to its own ways when it gets none.
const FAMILIES: [c_int; 3] = [
    libc::AF_INET,
    libc::AF_INET6,
    // How the C library learns which addresses this machine has.
    libc::AF_NETLINK,
];

/// The bits of a socket's type that are no flags.
const TYPE: u64 = 0xf;

/// Of a pair of Unix sockets, these are not bound to each other: they reach every other one by its
/// path.
const UNBOUND: [c_int; 2] = [libc::SOCK_DGRAM, libc::SOCK_RAW];

/// Children in namespaces of their own, where they are root. That of time is only for clone3(2) and
/// unshare(2).
const NAMESPACES: [c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// What has a terminal take octets for typed, or pasted: the user's shell would run them.
const TYPING: [libc::Ioctl; 2] = [libc::TIOCSTI, libc::TIOCLINUX];

/// The rules of each call; where one of them matches, it fails.
pub(super) fn rules() -> Result<[(c_long, Vec<SeccompRule>); 4], BackendError> {
    Ok([
        (libc::SYS_socket, vec![other_family()?, other_netlink()?]),
        (libc::SYS_socketpair, unbound()?),
        (libc::SYS_clone, namespaces()?),
        (libc::SYS_ioctl, typing()?),
    ])
}

/// A socket of none of the families.
fn other_family() -> Result<SeccompRule, BackendError> {
    let differs = |family: c_int| argument(0, SeccompCmpOp::Ne, family.cast_unsigned());
    let conditions = FAMILIES.into_iter().map(differs);
    SeccompRule::new(conditions.collect::<Result<_, _>>()?)
}

/// Netlink for anything but addresses and routes.
fn other_netlink() -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![
        argument(0, SeccompCmpOp::Eq, libc::AF_NETLINK.cast_unsigned())?,
        argument(2, SeccompCmpOp::Ne, libc::NETLINK_ROUTE.cast_unsigned())?,
    ])
}

fn unbound() -> Result<Vec<SeccompRule>, BackendError> {
    any_of(
        1,
        UNBOUND.map(|kind| (SeccompCmpOp::MaskedEq(TYPE), kind.cast_unsigned())),
    )
}

fn namespaces() -> Result<Vec<SeccompRule>, BackendError> {
    let flags = NAMESPACES.map(c_int::cast_unsigned);
    any_of(
        0,
        flags.map(|flag| (SeccompCmpOp::MaskedEq(u64::from(flag)), flag)),
    )
}

fn typing() -> Result<Vec<SeccompRule>, BackendError> {
    any_of(1, TYPING.map(|request| (SeccompCmpOp::Eq, request as u32)))
}

/// A rule for each of what an argument may not be.
fn any_of(
    number: u8,
    refused: impl IntoIterator<Item = (SeccompCmpOp, u32)>,
) -> Result<Vec<SeccompRule>, BackendError> {
    let rule = |(comparison, value)| SeccompRule::new(vec![argument(number, comparison, value)?]);
    refused.into_iter().map(rule).collect()
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
