//! A login by SASL, whose server challenges with anything.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pop3fs::pop3::sasl::{Account, Authentication, ChannelBinding, Hash};
use pop3fs::pop3::{Command, Connection, Event, Secret};

use super::printable::assert_printable;

/// The nonces of the examples in RFC 5802 and RFC 7677, and what their servers sign with.
const NONCES: [&str; 2] = ["fyko+d2lbbFgONRv9qkxdawL", "rOprNGfwEbeRWgbNEkqO"];
const SIGNATURES: [&str; 2] = [
    "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
];

/// The longest response and its end, in octets.
const RESPONSE_MAX: usize = 12_288 + 2;

/// What came of a login.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// The client's lines.
    written: Vec<String>,
    /// The server's words, if it let us in or refused.
    reply: Option<(bool, String)>,
    failure: Option<String>,
}

/// The first line is a mechanism, by a letter; of the others, what starts with `+` is a challenge
/// that is not in base 64 yet, and all else is said as it is. Whatever they are:
///
/// - every response is in base 64, of a length that may be sent, or gives up;
/// - there is no more than one to each line of the server, and what comes of it is the same for any
///   pieces that the line comes in;
/// - in SCRAM, a server that does not know the password never has its consent believed;
/// - the server's complaint is printable.
pub fn run(data: &[u8]) {
    let mut lines = data.split(|octet| *octet == b'\n');
    let letter = lines.next().and_then(|line| line.first());
    let password = Secret::new("pencil".to_owned());
    let Some(authentication) = letter.and_then(|letter| authentication(*letter, &password)) else {
        return;
    };
    let said: Vec<Vec<u8>> = lines.map(wire_line).collect();
    let outcome = log_in(&authentication, said.iter().map(Vec::as_slice));
    check(&outcome, said.len());
    let octets = said.iter().flat_map(|line| line.chunks(1));
    assert_eq!(log_in(&authentication, octets), outcome);
    if let (Authentication::Scram { hash, .. }, Some((true, _))) = (authentication, outcome.reply) {
        let signature = SIGNATURES[usize::from(hash == Hash::Sha256)].as_bytes();
        let is_signed = data.windows(signature.len()).any(|at| at == signature);
        assert!(
            is_signed,
            "a server that does not know the password was believed"
        );
    }
}

fn authentication(letter: u8, secret: &Secret) -> Option<Authentication<'_>> {
    let account = Account {
        login: "user",
        secret,
    };
    let scram = |hash, binding| Authentication::Scram {
        hash,
        account,
        nonce: NONCES[usize::from(hash == Hash::Sha256)],
        binding,
    };
    Some(match letter {
        b'1' => scram(Hash::Sha1, ChannelBinding::Unused),
        b'2' => scram(Hash::Sha256, ChannelBinding::Unused),
        b'y' => scram(Hash::Sha256, ChannelBinding::NotAnnounced),
        b'b' => scram(
            Hash::Sha256,
            ChannelBinding::Bound {
                name: "tls-exporter",
                octets: b"key",
            },
        ),
        b'm' => Authentication::CramMd5(account),
        b'p' => Authentication::Plain(account),
        b'l' => Authentication::Login(account),
        b'x' => Authentication::XOAuth2(account),
        b'o' => Authentication::OAuthBearer {
            account,
            host: "pop.example.org",
            port: 995,
        },
        b'e' => Authentication::External { login: "user" },
        _ => return None,
    })
}

fn wire_line(line: &[u8]) -> Vec<u8> {
    match line.strip_prefix(b"+") {
        Some(challenge) if !line.starts_with(b"+OK") => {
            format!("+ {}\r\n", STANDARD.encode(challenge)).into_bytes()
        }
        _ => [line, b"\r\n"].concat(),
    }
}

fn log_in<'p>(
    authentication: &Authentication<'_>,
    pieces: impl Iterator<Item = &'p [u8]>,
) -> Outcome {
    let mut connection = Connection::new(());
    assert!(connection.poll(&mut &b"+OK\r\n"[..]).is_ok());
    assert_eq!(connection.send(&Command::Auth(*authentication), ()), Ok(()));
    let mut outcome = Outcome {
        written: Vec::new(),
        reply: None,
        failure: None,
    };
    let mut heard = Vec::new();
    for piece in pieces {
        let mut input = piece;
        heard.extend_from_slice(piece);
        match connection.poll(&mut input) {
            Ok(Some(Event::End { reply, .. })) => {
                outcome.reply = reply.map(|reply| (reply.is_ok(), reply.text().to_owned()));
            }
            Ok(event) => assert_eq!(event, None),
            Err(failure) => outcome.failure = Some(failure.to_string()),
        }
        if is_quickly_answered(&heard) {
            connection.think();
        }
        if outcome.reply.is_some() || outcome.failure.is_some() {
            break;
        }
    }
    let written = str::from_utf8(connection.outgoing()).expect("base 64 is text");
    outcome.written = written.split_inclusive("\r\n").map(str::to_owned).collect();
    outcome
}

/// More rounds than the fewest would only take longer.
fn is_quickly_answered(heard: &[u8]) -> bool {
    let lines = heard.split(|octet| *octet == b'\n');
    let challenges =
        lines.filter_map(|line| STANDARD.decode(line.trim_ascii().strip_prefix(b"+ ")?).ok());
    let mut fields = challenges.flat_map(|challenge| {
        let fields = challenge.split(|octet| *octet == b',');
        fields.map(<[u8]>::to_vec).collect::<Vec<_>>()
    });
    fields.all(|field| !field.starts_with(b"i=") || field == b"i=4096")
}

fn check(outcome: &Outcome, lines: usize) {
    let (command, responses) = outcome.written.split_first().expect("a command");
    assert!(command.starts_with("AUTH ") && command.len() <= 255 && command.ends_with("\r\n"));
    assert!(responses.len() <= lines);
    for response in responses {
        assert!(response.len() <= RESPONSE_MAX);
        let text = response.strip_suffix("\r\n").expect("a whole line");
        assert!(text == "*" || STANDARD.decode(text).is_ok(), "{text:?}");
    }
    if let Some((_, text)) = &outcome.reply {
        assert_printable(text);
    }
    if let Some(text) = &outcome.failure {
        assert_printable(text);
    }
}
