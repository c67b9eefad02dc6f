//! Room: fuse.
