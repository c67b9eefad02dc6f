//! Lines of listings, one by one.

use pop3fs::pop3::{Capabilities, listing};

/// The octets are lines of LIST's, UIDL's, STAT's and CAPA's replies. Whatever they are:
///
/// - what is understood of a line is understood again when it is written plainly;
/// - a unique-id is a part of its line, without blanks around it;
/// - a size fits into a file's;
/// - of what is announced, nothing is kept that is long or could not be shown.
pub fn run(data: &[u8]) {
    let mut capabilities = Capabilities::default();
    for line in data.split(|octet| *octet == b'\n') {
        size(line);
        unique_id(line);
        totals(&String::from_utf8_lossy(line));
        capabilities.add_line(line);
    }
    announced(&capabilities);
}

fn size(line: &[u8]) {
    let Some(scan) = listing::scan_line(line) else {
        return;
    };
    assert!(i64::try_from(scan.size).is_ok());
    let plain = format!("{} {}", scan.number, scan.size);
    assert_eq!(listing::scan_line(plain.as_bytes()), Some(scan));
}

fn unique_id(line: &[u8]) {
    let named = listing::unique_id_line(line);
    assert_eq!(named.is_some(), listing::scan_line(line).is_some());
    let Some(named) = named else {
        return;
    };
    assert_eq!(named.unique_id, named.unique_id.trim_ascii());
    assert!(line.trim_ascii().ends_with(named.unique_id));
    let plain = [named.number.to_string().as_bytes(), b" ", named.unique_id].concat();
    assert_eq!(listing::unique_id_line(&plain), Some(named));
}

fn totals(text: &str) {
    let Some((messages, octets)) = listing::drop_listing(text) else {
        return;
    };
    let plain = format!("{messages} {octets}");
    assert_eq!(listing::drop_listing(&plain), Some((messages, octets)));
}

fn announced(capabilities: &Capabilities) {
    let is_shown = |c: char| c == '\t' || c == ' ' || c.is_ascii_graphic();
    assert!(capabilities.lines().count() <= 128);
    for line in capabilities.lines() {
        assert!(line.len() <= 512 && line.chars().all(is_shown), "{line:?}");
    }
    for mechanism in capabilities.mechanisms() {
        assert!(capabilities.sasl(mechanism) && !mechanism.contains(char::is_whitespace));
    }
    let mut again = Capabilities::default();
    capabilities
        .lines()
        .for_each(|line| again.add_line(line.as_bytes()));
    assert_eq!(&again, capabilities);
    assert_eq!(again.login_delay(), capabilities.login_delay());
}
