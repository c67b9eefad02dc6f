//! Room: net.
