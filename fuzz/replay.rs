//! All that fuzzing has found worth keeping, and what it starts from, held against the same promises
//! on every test run. `fuzz/README.md` tells how it is found.

use std::fs;
use std::panic;
use std::path::Path;

mod targets;

macro_rules! replays {
    ($($target:ident)*) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target), targets::$target::run);
            }
        )*

        /// Whatever is kept is also replayed.
        #[test]
        fn every_target_is_replayed() {
            let replayed = [$(stringify!($target)),*];
            for directory in ["seeds", "corpus"] {
                for target in names_in(&fuzz().join(directory)) {
                    assert!(replayed.contains(&&*target), "{directory}/{target} is not replayed");
                }
            }
        }
    };
}

replays!(body connection journal listing mount names netrc options sasl);

fn replay(target: &str, run: fn(&[u8])) {
    for directory in ["seeds", "corpus"] {
        let directory = fuzz().join(directory).join(target);
        for name in names_in(&directory) {
            let octets = fs::read(directory.join(&name)).expect("octets to replay");
            let replayed = panic::catch_unwind(|| run(&octets));
            assert!(replayed.is_ok(), "{target} fails with {name}");
        }
    }
}

fn fuzz() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz"))
}

fn names_in(directory: &Path) -> Vec<String> {
    let files = fs::read_dir(directory).expect("a directory of things to replay");
    let name = |file: fs::DirEntry| file.file_name().to_string_lossy().into_owned();
    files.map(|file| name(file.expect("a file"))).collect()
}
