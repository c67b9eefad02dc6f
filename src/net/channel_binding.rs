//! What a login can be bound to, so that nobody can pass it on over another channel.

use openssl::ssl::{SslRef, SslVersion};

/// Something that both ends of a TLS channel know, and nobody can choose (RFC 5056).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelBinding {
    /// Its registered name.
    pub name: &'static str,
    /// What it is.
    pub octets: Vec<u8>,
}

/// RFC 9266 section 2.
const EXPORTER: &str = "tls-exporter";
const EXPORTER_LABEL: &str = "EXPORTER-Channel-Binding";
const EXPORTER_LENGTH: usize = 32;

/// RFC 5929 section 3. With TLS 1.3 it is not defined.
const UNIQUE: &str = "tls-unique";

/// The longest Finished message of TLS 1.2 is as long as the longest digest.
const LONGEST_FINISHED: usize = 64;

impl ChannelBinding {
    /// The one that the version of TLS has: servers know no other.
    pub(super) fn of(session: &SslRef) -> Option<Self> {
        match session.version2()? {
            SslVersion::TLS1_3 => exporter(session),
            SslVersion::TLS1_2 => unique(session),
            _ => None,
        }
    }
}

fn exporter(session: &SslRef) -> Option<ChannelBinding> {
    let mut octets = vec![0; EXPORTER_LENGTH];
    let exported = session.export_keying_material(&mut octets, EXPORTER_LABEL, Some(&[]));
    exported.ok()?;
    Some(ChannelBinding {
        name: EXPORTER,
        octets,
    })
}

/// The first Finished message of the handshake, which in a whole one is the client's; no handshake
/// of ours takes up an earlier session. Where the master secret is not made of the handshake (RFC 7627),
/// somebody in the middle can have two channels end in the same one, which binds to neither.
fn unique(session: &SslRef) -> Option<ChannelBinding> {
    session.extms_support().filter(|is_extended| *is_extended)?;
    let mut octets = vec![0; LONGEST_FINISHED];
    let length = session.finished(&mut octets);
    octets.truncate(length);
    (length > 0).then_some(ChannelBinding {
        name: UNIQUE,
        octets,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Security;
    use super::super::test_server::{AMPLE, Authority, connector, serve};
    use super::*;
    use openssl::ssl::{SslAcceptor, SslOptions};
    use std::io::Read;

    /// `SSL_OP_NO_EXTENDED_MASTER_SECRET` of OpenSSL 3, for which there is no name.
    const NO_EXTENDED_MASTER_SECRET: SslOptions = SslOptions::from_bits_retain(1);

    /// What the client finds, and what the server finds.
    fn both(version: SslVersion) -> (ChannelBinding, Vec<u8>) {
        let (binding, known) = found(version, SslOptions::empty());
        (binding.unwrap(), known)
    }

    fn found(version: SslVersion, options: SslOptions) -> (Option<ChannelBinding>, Vec<u8>) {
        let authority = Authority::new();
        let mut acceptor = authority.acceptor("DNS:localhost");
        acceptor.set_max_proto_version(Some(version)).unwrap();
        acceptor.set_options(options);
        let acceptor: SslAcceptor = acceptor.build();
        let (port, server) = serve(move |socket| {
            let mut stream = acceptor.accept(socket).unwrap();
            let mut octets = vec![0; 32];
            if version == SslVersion::TLS1_3 {
                let session = stream.ssl();
                let exported = session.export_keying_material(&mut octets, EXPORTER_LABEL, None);
                exported.unwrap();
            } else {
                let length = stream.ssl().peer_finished(&mut octets);
                octets.truncate(length);
            }
            // Until the client is done.
            let _ = stream.read(&mut [0]);
            octets
        });
        let connector = connector(port, Security::ImplicitTls, Some(&authority));
        let stream = connector.connect(AMPLE).unwrap();
        let binding = stream.channel_binding();
        drop(stream);
        (binding, server.join().unwrap())
    }

    #[test]
    fn both_ends_know_the_same() {
        for (version, name) in [
            (SslVersion::TLS1_2, "tls-unique"),
            (SslVersion::TLS1_3, "tls-exporter"),
        ] {
            let (binding, known) = both(version);
            assert_eq!((binding.name, binding.octets), (name, known));
        }
    }

    #[test]
    fn a_channel_that_could_be_made_like_another_has_none() {
        let (binding, known) = found(SslVersion::TLS1_2, NO_EXTENDED_MASTER_SECRET);
        assert_eq!(binding, None);
        assert!(!known.is_empty());
    }

    #[test]
    fn no_two_channels_have_the_same() {
        let [one, other] = [(); 2].map(|()| both(SslVersion::TLS1_3).0);
        assert_ne!(one, other);
    }
}
