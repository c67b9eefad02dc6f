//! What keeps us from pestering a server: pauses after what went wrong, and how far apart it wants
//! its logins.

use std::time::Duration;

use super::super::clock::Moment;
use super::super::error::{Error, Outage, OutageKind};
use super::jitter::Jitter;

/// Links that may fail in a row before those who wait are told; more, which take about 20 s, where the
/// server is there: another client may need the maildrop for no longer, or our own lost link lock it.
const FAILURES_MAX: u32 = 4;
const BUSY_FAILURES_MAX: u32 = 6;

/// The pause after the first failure; each further one doubles it, to less than a request may take:
/// who asks when the server is back must not wait in vain.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// The same where the server is there: it has more work with a login than with a connection, and
/// some count them.
const BUSY_PAUSE_MAX: Duration = Duration::from_secs(30);

/// So long a commit waits for a maildrop that is in use: after a link was lost, servers find that
/// out, and unlock it, within ten minutes.
const BUSY_MAX: Duration = Duration::from_secs(15 * 60);

/// A refused login is not tried again for so long, and for twice as long each further time: accounts
/// get locked.
pub(super) const REFUSED_PAUSE: Duration = Duration::from_secs(300);
const REFUSED_PAUSE_MAX: Duration = Duration::from_secs(3600);

/// When the next link may be made.
#[derive(Debug)]
pub(super) struct Restraint {
    jitter: Jitter,
    /// Links in a row that came to no session, and since when the server has been too busy.
    failures: u32,
    busy_since: Option<Moment>,
    /// Sessions in a row that were lost before they were of use.
    losses: u32,
    /// Logins in a row that were refused.
    refusals: u32,
    /// Whether the last one was, and nobody has tried since.
    is_locked_out: bool,
    not_before: Option<Moment>,
    /// Why.
    problem: Option<Error>,
    /// When somebody last logged in, and how long the server wants to have no other login since.
    logged_in: Option<(Moment, Duration)>,
}

/// What may be done for one who wants a link.
#[derive(Debug)]
pub(super) enum Permission {
    /// One may be made now.
    Granted,
    /// Not before then; why, if something went wrong.
    Deferred(Moment, Option<Error>),
    /// The server has refused the login just now.
    Refused(Error),
}

/// Who is to be told that no session came of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Nobody yet but those who asked for a session.
    Nobody,
    /// Those who read; a commit can wait.
    Readers,
    /// Those who wait for a commit, too.
    Everybody,
}

impl Restraint {
    /// None yet; the pauses vary with the seed.
    pub fn new(seed: u64) -> Self {
        Self {
            jitter: Jitter::new(seed),
            failures: 0,
            busy_since: None,
            losses: 0,
            refusals: 0,
            is_locked_out: false,
            not_before: None,
            problem: None,
            logged_in: None,
        }
    }

    /// Whether a link may be made for somebody who wants one now.
    pub fn permission(&self, now: Moment) -> Permission {
        let later = self.not_before.filter(|&moment| now < moment);
        match (later, &self.problem) {
            (None, _) => Permission::Granted,
            (Some(_), Some(error)) if self.is_locked_out => Permission::Refused(error.clone()),
            (Some(later), problem) => Permission::Deferred(later, problem.clone()),
        }
    }

    /// Whether the last login was refused.
    pub fn is_locked_out(&self) -> bool {
        self.is_locked_out
    }

    /// When the server will have it that somebody logs in again. Whoever has a session and could
    /// go on with it waits for that; one who lost it tries sooner, for many a server does not mean
    /// what it says (RFC 2449 section 6.5).
    pub fn logs_in_again(&self) -> Option<Moment> {
        self.logged_in.map(|(moment, delay)| moment + delay)
    }

    /// Somebody begins to wait who is to wait in any case, whatever others have waited for before.
    pub fn begin_anew(&mut self) {
        self.failures = 0;
        self.busy_since = None;
    }

    /// A link is being made.
    pub fn connecting(&mut self) {
        self.is_locked_out = false;
    }

    /// A session came of it; the server wants logins so far apart.
    pub fn opened(&mut self, now: Moment, login_delay: Option<Duration>) {
        self.failures = 0;
        self.refusals = 0;
        self.busy_since = None;
        self.not_before = None;
        self.problem = None;
        self.logged_in = login_delay.map(|delay| (now, delay));
    }

    /// The login was refused; how long it will not be tried again.
    pub fn locked_out(&mut self, error: Error, now: Moment) -> Duration {
        let pause = doubled(REFUSED_PAUSE, self.refusals, REFUSED_PAUSE_MAX);
        self.refusals = self.refusals.saturating_add(1);
        self.is_locked_out = true;
        self.problem = Some(error);
        self.not_before = Some(now + pause);
        pause
    }

    /// No session came of a link: the next must wait. Who is to be told.
    pub fn failed(&mut self, outage: &Outage, now: Moment) -> Told {
        let is_busy = outage.kind == OutageKind::Busy;
        let longest = if is_busy { BUSY_PAUSE_MAX } else { PAUSE_MAX };
        self.pause(self.failures, longest, now);
        self.failures = self.failures.saturating_add(1);
        self.problem = Some(Error::Offline(outage.clone()));
        let since = *self.busy_since.get_or_insert(now);
        if !is_busy {
            self.busy_since = None;
        }
        match (is_busy, self.failures) {
            (true, ..BUSY_FAILURES_MAX) | (false, ..FAILURES_MAX) => Told::Nobody,
            (true, _) if now - since < BUSY_MAX => Told::Readers,
            _ => Told::Everybody,
        }
    }

    /// The server says that it was too soon: it does mean the time between logins that it announced.
    pub fn too_soon(&mut self) {
        self.not_before = self.not_before.max(self.logs_in_again());
    }

    /// A session was lost at work. That happens, and is made good at once; but where it happens
    /// again and again, the next must wait.
    pub fn lost(&mut self, now: Moment) {
        self.not_before = None;
        self.problem = None;
        if let Some(times) = self.losses.checked_sub(1) {
            self.pause(times, PAUSE_MAX, now);
        }
        self.losses = self.losses.saturating_add(1);
    }

    /// A session has been of use.
    pub fn served(&mut self) {
        self.losses = 0;
    }

    fn pause(&mut self, times: u32, longest: Duration, now: Moment) {
        let pause = self.jitter.shorten(doubled(PAUSE, times, longest));
        self.not_before = Some(now + pause);
    }
}

/// A pause that is doubled so many times, up to the longest.
fn doubled(pause: Duration, times: u32, longest: Duration) -> Duration {
    pause.saturating_mul(1 << times.min(16)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_secs(300);

    fn at(seconds: u64) -> Moment {
        Moment::since_1970(Duration::from_secs(seconds))
    }

    fn outage(kind: OutageKind) -> Outage {
        Outage::new(kind, "not now")
    }

    /// How long one who asks now must wait.
    fn wait(restraint: &Restraint, now: Moment) -> Duration {
        match restraint.permission(now) {
            Permission::Granted => Duration::ZERO,
            Permission::Deferred(later, _) => later - now,
            Permission::Refused(error) => panic!("{error}"),
        }
    }

    fn assert_about(pause: Duration, expected: Duration) {
        assert!(pause >= expected / 2 && pause <= expected, "{pause:?}");
    }

    #[test]
    fn pauses_grow_to_a_bound_and_start_anew_with_a_session() {
        for (kind, longest) in [
            (OutageKind::Unreachable, PAUSE_MAX),
            (OutageKind::Busy, BUSY_PAUSE_MAX),
        ] {
            let mut restraint = Restraint::new(7);
            let pauses: Vec<Duration> = (0..20)
                .map(|_| {
                    restraint.failed(&outage(kind), at(0));
                    wait(&restraint, at(0))
                })
                .collect();
            assert_about(pauses[0], PAUSE);
            assert_about(pauses[1], 2 * PAUSE);
            assert_about(pauses[2], 4 * PAUSE);
            assert_about(pauses[19], longest);
            restraint.opened(at(0), None);
            assert_eq!(wait(&restraint, at(0)), Duration::ZERO);
        }
    }

    #[test]
    fn readers_are_told_soon_and_a_commit_only_when_the_server_is_gone_or_busy_for_long() {
        let mut restraint = Restraint::new(7);
        let mut told = |kind, seconds| restraint.failed(&outage(kind), at(seconds));
        assert_eq!(
            [0; 5].map(|now| told(OutageKind::Busy, now)),
            [Told::Nobody; 5]
        );
        assert_eq!(told(OutageKind::Busy, 10), Told::Readers);
        assert_eq!(told(OutageKind::Busy, 800), Told::Readers);
        assert_eq!(told(OutageKind::Busy, 1000), Told::Everybody);
        assert_eq!(told(OutageKind::Unreachable, 1001), Told::Everybody);
        assert_eq!(told(OutageKind::Busy, 1002), Told::Readers);
    }

    #[test]
    fn the_first_loss_is_made_good_at_once_and_no_other_before_a_success() {
        let mut restraint = Restraint::new(7);
        let mut lose = |served: bool| {
            if served {
                restraint.served();
            }
            restraint.lost(at(0));
            wait(&restraint, at(0))
        };
        assert_eq!(lose(false), Duration::ZERO);
        assert_about(lose(false), PAUSE);
        assert_about(lose(false), 2 * PAUSE);
        assert_eq!(lose(true), Duration::ZERO);
    }

    #[test]
    fn a_refused_login_stands_for_a_while_and_longer_each_time() {
        let mut restraint = Restraint::new(7);
        let pauses = [(); 6].map(|()| restraint.locked_out(Error::ReadOnly, at(0)).as_secs());
        assert_eq!(pauses, [300, 600, 1200, 2400, 3600, 3600]);
        assert!(matches!(
            restraint.permission(at(3599)),
            Permission::Refused(_)
        ));
        assert!(matches!(
            restraint.permission(at(3600)),
            Permission::Granted
        ));
        assert!(restraint.is_locked_out());
        restraint.connecting();
        assert!(!restraint.is_locked_out());
        restraint.opened(at(3600), None);
        assert_eq!(restraint.locked_out(Error::ReadOnly, at(0)), REFUSED_PAUSE);
    }

    #[test]
    fn who_logged_in_too_soon_waits_as_long_as_was_announced() {
        let mut restraint = Restraint::new(7);
        restraint.opened(at(0), Some(DELAY));
        assert_eq!(restraint.logs_in_again(), Some(at(300)));
        restraint.lost(at(20));
        assert_eq!(wait(&restraint, at(20)), Duration::ZERO);
        restraint.failed(&outage(OutageKind::Busy), at(20));
        restraint.too_soon();
        assert_eq!(wait(&restraint, at(20)), DELAY - Duration::from_secs(20));
    }
}
