//! A server of OAuth 2 on loopback, as far as a mail server asks it about tokens (RFC 7662).

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

/// A server that knows one token. It serves until the tests end.
#[derive(Debug)]
pub struct Introspection {
    port: u16,
}

impl Introspection {
    /// One that takes this token for this user's.
    pub fn of(token: &str, user: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound address").port();
        let (token, user) = (token.to_owned(), user.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever hangs up has no need of an answer.
                let _ = answer(stream, &token, &user);
            }
        });
        Self { port }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Answers one request of HTTP, and hangs up.
fn answer(mut stream: TcpStream, token: &str, user: &str) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let asked = request
        .split(' ')
        .nth(1)
        .and_then(|path| path.split_once("token="));
    let body = match asked {
        Some((_, asked)) if asked.split('&').next() == Some(token) => {
            format!(r#"{{"active":true,"username":"{user}"}}"#)
        }
        _ => r#"{"active":false}"#.to_owned(),
    };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}
