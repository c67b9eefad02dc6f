//! Exit statuses of the program, from sysexits.h.

/// The command line makes no sense.
pub const USAGE: i32 = 64;

/// There is something wrong with the mount point.
pub const NO_INPUT: i32 = 66;

/// The host is not known.
pub const NO_HOST: i32 = 68;

/// The server does not take the connection, or lacks what is needed.
pub const UNAVAILABLE: i32 = 69;

/// The system refused something.
pub const OS_ERROR: i32 = 71;

/// The state directory cannot be used.
pub const CANNOT_CREATE: i32 = 73;

/// It did not work now, and may later.
pub const TEMPORARY_FAILURE: i32 = 75;

/// The server breaks the protocol, or its certificate is refused.
pub const PROTOCOL: i32 = 76;

/// The login was refused, or a permission is missing.
pub const NO_PERMISSION: i32 = 77;

/// Something that was configured cannot be used.
pub const CONFIGURATION: i32 = 78;
