//! The program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// The running program; killed at the end of the test.
struct Program(Child);

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pop3fs-server"));
        Self(
            command
                .args(arguments)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap(),
        )
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn the_samples_are_served_and_a_commit_is_told() {
    let mut program = Program::start(&["--samples"]);
    let mut output = BufReader::new(program.0.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let address = line.strip_prefix("listening on ").unwrap().trim();

    let mut client = TcpStream::connect(address).unwrap();
    client
        .write_all(b"USER ann\r\nPASS secret\r\nDELE 1\r\nDELE 2\r\nQUIT\r\n")
        .unwrap();
    let mut replies = String::new();
    client.read_to_string(&mut replies).unwrap();
    assert_eq!(replies.matches("+OK").count(), 6, "{replies}");

    line.clear();
    output.read_line(&mut line).unwrap();
    let left = pop3fs_server::samples().len() - 2;
    assert_eq!(line, format!("session of ann: 2 deleted, {left} left\n"));
}

#[test]
fn tls_and_a_password_of_ones_own() {
    let directory = tempfile::tempdir().unwrap();
    let password = directory.path().join("password");
    std::fs::write(&password, "correct horse\n").unwrap();
    let mut program = Program::start(&[
        "--samples",
        "--login",
        "bob",
        "--password-file",
        password.to_str().unwrap(),
        "--tls-dir",
        directory.path().join("tls").to_str().unwrap(),
    ]);
    let mut line = String::new();
    BufReader::new(program.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ca = std::fs::read(directory.path().join("tls/ca.pem")).unwrap();
    let connector = native_tls::TlsConnector::builder()
        .add_root_certificate(native_tls::Certificate::from_pem(&ca).unwrap())
        .build()
        .unwrap();
    let socket = TcpStream::connect(line.strip_prefix("listening on ").unwrap().trim()).unwrap();
    let mut client = connector.connect("127.0.0.1", socket).unwrap();
    client
        .write_all(b"USER bob\r\nPASS correct horse\r\nQUIT\r\n")
        .unwrap();
    let mut replies = String::new();
    client.read_to_string(&mut replies).unwrap();
    assert_eq!(replies.matches("+OK").count(), 4, "{replies}");
}

#[test]
fn what_is_not_understood_is_refused() {
    for arguments in [
        &[][..],
        &["--bogus"],
        &["--samples", "--mbox", "x"],
        &["--maildir"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_pop3fs-server"))
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
}
