//! Room: fs.
