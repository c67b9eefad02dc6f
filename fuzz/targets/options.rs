//! What is typed, and what fstab(5) has: the source and its options.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use pop3fs::cli::{self, MountRequest, Request, Security, Source, SourceError, Stop};

use super::printable::PASSWORD;

/// The first line is a source, the second the words after `-o`, the others are arguments, one a
/// line. Whatever they are:
///
/// - there is a request, or a text that says why not, which does not repeat a password in the source;
/// - what a request holds is what its documentation allows;
/// - a source that is written as it was understood is understood the same;
/// - nothing goes over a network in clear unless the words ask for it by name;
/// - mount(8), with the same words, asks for the same.
pub fn run(data: &[u8]) {
    let mut lines = data.split(|octet| *octet == b'\n').map(OsStr::from_bytes);
    let source = lines.next().unwrap_or_default();
    let words = lines.next().unwrap_or_default();
    let further: Vec<&OsStr> = lines.collect();
    if let Ok(source) = Source::parse(&source.to_string_lossy()) {
        assert_eq!(Source::parse(&source.to_string()), Ok(source));
    }
    let typed = parse("pop3fs", source, words, &further);
    let helped = parse("mount.pop3fs", source, words, &[]);
    for outcome in [&typed, &helped] {
        match outcome {
            Ok(Request::Mount(request)) => hold(request, words, &further),
            Ok(_) => {}
            Err(stop) => hold_text(stop, source, words, &further),
        }
    }
    if let (true, Ok(Request::Mount(typed)), Ok(Request::Mount(mut helped))) =
        (further.is_empty(), typed, helped)
    {
        helped.called_by_mount = false;
        assert_eq!(format!("{helped:?}"), format!("{typed:?}"));
    }
}

fn parse(
    program: &str,
    source: &OsStr,
    words: &OsStr,
    further: &[&OsStr],
) -> Result<Request, Stop> {
    let mut line: Vec<OsString> = [program.as_ref(), source, "/mnt".as_ref()]
        .map(OsStr::to_owned)
        .into();
    if !words.is_empty() {
        line.extend(["-o".into(), words.to_owned()]);
    }
    line.extend(further.iter().map(|&argument| argument.to_owned()));
    cli::parse(line)
}

fn hold(request: &MountRequest, words: &OsStr, further: &[&OsStr]) {
    let source = &request.source;
    let login = source.login.as_deref();
    assert!(login.is_none_or(|login| !login.is_empty() && !login.contains(char::is_control)));
    assert!(!source.host.is_empty() && !source.host.contains(['/', '@', ' ']) && source.port > 0);
    assert!(request.suffix.len() <= 32 && !request.suffix.contains('/'));
    assert!(!request.suffix.contains(char::is_control));
    assert!(request.mode.is_none_or(|mode| mode <= 0o777));
    assert!(request.read_ahead <= request.cache_size / 4 * 3);
    assert!((1..=86_400).contains(&request.timeout.as_secs()));
    assert!(request.mountpoint.is_absolute());
    let is_asked_for = || {
        // A backslash takes what follows it as it is.
        let by_name = |word: &&OsStr| {
            word.to_string_lossy()
                .replace('\\', "")
                .contains("insecure")
        };
        std::iter::once(&words).chain(further).any(by_name)
    };
    assert!(source.security != Security::Cleartext || source.is_loopback() || is_asked_for());
}

fn hold_text(stop: &Stop, source: &OsStr, words: &OsStr, further: &[&OsStr]) {
    let (Stop::Information(text) | Stop::Usage(text) | Stop::UsageOfHelper(text)) = stop;
    assert!(text.ends_with('\n'));
    let says_it = |word: &&OsStr| word.to_string_lossy().contains(PASSWORD);
    let is_secret = Source::parse(&source.to_string_lossy()) == Err(SourceError::Password);
    let is_elsewhere = says_it(&words) || further.iter().any(says_it);
    assert!(
        !is_secret || is_elsewhere || !text.contains(PASSWORD),
        "{text}"
    );
}
