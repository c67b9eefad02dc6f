//! How long a server may take over what it was asked.

use std::time::Duration;

use super::super::clock::Moment;
use super::{Exchange, Session, Stage};

/// A server may think for minutes over PASS, the first listing and QUIT; over anything else one
/// minute without an octet means that it is gone.
const PATIENCE: Duration = Duration::from_secs(60);
const LONG_PATIENCE: Duration = Duration::from_secs(300);

/// It knows by heart what it can do; some old servers never answer when they do not know CAPA.
const CAPA_PATIENCE: Duration = Duration::from_secs(10);

/// QUIT commits nothing where nothing is deleted: whether it is answered makes no difference.
const FAREWELL: Duration = Duration::from_secs(5);

impl Session {
    /// When the server must have given a sign, if one is due.
    pub fn deadline(&self) -> Option<Moment> {
        let patience = match self.connection.tags().next()? {
            Exchange::Quit if self.is_leaving() => FAREWELL,
            exchange => exchange.patience(),
        };
        let is_signing_in = matches!(self.stage, Stage::SigningIn(..));
        Some(self.progress.deadline(patience, is_signing_in))
    }
}

impl Exchange {
    fn patience(&self) -> Duration {
        match self {
            Self::Capa | Self::OwnCapa => CAPA_PATIENCE,
            Self::Auth(_)
            | Self::Apop
            | Self::Pass
            | Self::Stat
            | Self::Uidl
            | Self::List
            | Self::Quit => LONG_PATIENCE,
            _ => PATIENCE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::engine::rig::Rig;
    use super::super::super::engine::script::{Reaction, Script};
    use super::super::super::error::Error;
    use super::super::super::handle::Maildrop;
    use super::*;

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    #[test]
    fn a_listing_that_comes_a_line_a_minute_is_given_up() {
        let mut rig = Rig::new(mailbox().reacting("UIDL", &vec![Reaction::Say("+OK\r\n"); 9]));
        rig.ask(Maildrop::connect);
        for number in 1..=4 {
            rig.pass(Duration::from_secs(60));
            rig.hear(format!("{number} uid{number}\r\n").leak());
        }
        assert!(rig.is_linked());
        rig.pass(Duration::from_secs(60));
        assert!(!rig.is_linked());
        let problem = rig.maildrop.status().link.problem;
        assert_eq!(problem.as_deref(), Some("the server gives no sign of life"));
    }

    #[test]
    fn a_server_may_take_minutes_over_the_password() {
        let mut rig = Rig::new(mailbox().reacting("PASS", &[Reaction::Silence]));
        let reply = rig.ask(Maildrop::connect);
        rig.pass(Duration::from_secs(240));
        assert_eq!(reply.given(), Some(Err(Error::TimedOut)));
        rig.hear("+OK\r\n");
        assert_eq!(rig.maildrop.totals().messages, 2);
    }
}
