//! What the server says when it will not have TLS with us any more.

use std::fmt;
use std::io;

use openssl::ssl;

use super::tls::plain_reason;

/// An alert (RFC 8446 section 6): with TLS 1.3, the server judges a client certificate, or that
/// there is none, after the handshake has ended for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert(String);

impl Alert {
    /// The alert that an error of a [`Stream`](super::Stream) stands for.
    pub fn of(error: &io::Error) -> Option<Self> {
        let error = error.get_ref()?.downcast_ref::<ssl::Error>()?;
        let reason = plain_reason(error.ssl_error()?);
        let (_, alert) = reason.split_once(" alert ")?;
        Some(Self(alert.to_owned()))
    }

    fn is_about_certificates(&self) -> bool {
        self.0.contains("certificate") || self.0 == "unknown ca"
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server has ended TLS: {}", self.0)?;
        match self.is_about_certificates() {
            true => f.write_str("; see --tls-client-certificate"),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::deadline::Deadline;
    use super::super::test_server::{AMPLE, Authority, connector, serve};
    use super::super::{Progress, Security};
    use super::*;
    use openssl::ssl::{SslAcceptor, SslVerifyMode};
    use std::io::Read;

    #[test]
    fn a_server_that_wants_a_certificate_is_understood() {
        let authority = Authority::new();
        let mut acceptor = authority.acceptor("DNS:localhost");
        acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        let acceptor: SslAcceptor = acceptor.build();
        let (port, server) = serve(move |socket| {
            assert!(acceptor.accept(&socket).is_err());
            (&socket).read_to_end(&mut Vec::new())
        });
        let connector = connector(port, Security::ImplicitTls, Some(&authority));
        let mut stream = connector.connect(AMPLE).unwrap();
        let error = loop {
            match stream.read(&mut [0; 100]) {
                Ok(Progress::WouldBlock) => {
                    assert!(Deadline::after(AMPLE).wait_readable(&stream).unwrap());
                }
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
        };
        let alert = Alert::of(&error).unwrap().to_string();
        let expected =
            "the server has ended TLS: certificate required; see --tls-client-certificate";
        assert_eq!(alert, expected);
        drop(stream);
        server.join().unwrap().unwrap();
    }

    #[test]
    fn other_errors_are_no_alerts() {
        assert_eq!(Alert::of(&io::ErrorKind::ConnectionReset.into()), None);
        assert_eq!(
            Alert::of(&io::Error::other("an alert of another kind")),
            None
        );
    }
}
