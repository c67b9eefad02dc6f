//! A proxy on loopback that speaks SOCKS 5 (RFC 1928, RFC 1929).

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A proxy. It serves until the tests end.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// One that wants this login and password.
    pub fn wanting(login: &'static str, password: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound address").port();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&asked);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let noted = Arc::clone(&noted);
                // A client that hangs up ends its own connection only.
                thread::spawn(move || serve(client, login, password, &noted));
            }
        });
        Self { port, asked }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The hosts that it was asked for, by name.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics here").clone()
    }
}

fn serve(
    mut client: TcpStream,
    login: &str,
    password: &str,
    asked: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let [_, methods] = read(&mut client)?;
    client.read_exact(&mut vec![0; methods.into()])?;
    client.write_all(&[5, 2])?;
    let [_] = read(&mut client)?;
    let given = (word(&mut client)?, word(&mut client)?);
    let is_right = given == (login.to_owned(), password.to_owned());
    client.write_all(&[1, u8::from(!is_right)])?;
    if !is_right {
        return Ok(());
    }
    let [_, _, _, kind] = read(&mut client)?;
    assert_eq!(kind, 3, "the proxy looks up the name");
    let host = word(&mut client)?;
    let port = u16::from_be_bytes(read(&mut client)?);
    asked
        .lock()
        .expect("no test panics here")
        .push(host.clone());
    let server = TcpStream::connect((host.as_str(), port))?;
    client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0])?;
    relay(client, server)
}

fn read<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    stream.read_exact(&mut octets)?;
    Ok(octets)
}

/// A text with its length before it.
fn word(stream: &mut TcpStream) -> io::Result<String> {
    let [length] = read(stream)?;
    let mut octets = vec![0; length.into()];
    stream.read_exact(&mut octets)?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

fn relay(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    let outward = thread::spawn(move || {
        let copied = io::copy(&mut from, &mut to);
        to.shutdown(Shutdown::Write).and(copied)
    });
    io::copy(&mut &server, &mut &client)?;
    client.shutdown(Shutdown::Write)?;
    outward.join().map_or(Ok(()), |copied| copied.map(drop))
}
