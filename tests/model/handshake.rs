//! TLS behind STLS, of which this is played: what is said before it, and whether it comes about.

use std::time::Duration;

use pop3fs::maildrop::{Input, Outage, OutageKind};

use crate::network::channel;
use crate::sightings::Sighting;
use crate::trace::tell;
use crate::world::World;

/// How long the daemon waits for the other end.
const PATIENCE: Duration = Duration::from_secs(30);

/// All that may be said in clear where there is to be TLS.
const HARMLESS: [&[u8]; 3] = [b"CAPA", b"STLS", b"QUIT"];

impl World {
    /// The daemon begins a handshake.
    pub fn begin_handshake(&mut self) {
        let patience = match self.dice.one_in(12) {
            true => PATIENCE,
            false => self.dice.span(0..2000),
        };
        self.network.securing = Some(self.now() + patience);
    }

    /// The handshake ends, one way or another: not well where the link is broken, nothing is heard, or what is heard is
    /// no TLS.
    pub fn end_handshake(&mut self) {
        self.network.securing = None;
        let now = self.now();
        let is_silent = self.network.silent_until.is_some_and(|until| now < until);
        let Some(mut link) = self.network.live.take() else {
            return;
        };
        let is_broken = is_silent || link.is_dead || !link.is_open() || link.audible() > 0;
        if is_broken || !self.is_healed && self.dice.one_in(8) {
            tell!("no TLS");
            self.leave_to_server(link);
            self.see(Sighting::NotSecured);
            let outage = Outage::new(OutageKind::Tls, "the handshake failed");
            return self.step(Input::TlsStarted(Err(outage)));
        }
        tell!("TLS");
        link.secure();
        self.network.live = Some(link);
        self.see(Sighting::Secured);
        self.step(Input::TlsStarted(Ok(channel(Some("TLSv1.3")))));
    }
}

/// Promise 7, for what was said in clear where there is to be TLS: nothing that anybody may not hear.
pub fn is_harmless(said: &[u8]) -> bool {
    let mut lines = said.split(|&octet| octet == b'\n');
    lines.all(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        HARMLESS.iter().any(|word| word.starts_with(line))
    })
}
