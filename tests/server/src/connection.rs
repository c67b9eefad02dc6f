//! One connection from its greeting to its end.

use crate::fault::Fault;
use crate::gate::Barrier;
use crate::link::Link;
use crate::plan::Step;
use crate::reply::err;
use crate::script::Occasion;
use crate::session::{Answer, Next, Session};
use crate::shared::{ConnectionId, Shared};
use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// How often a held reply looks whether its gate is open.
const GLANCE: Duration = Duration::from_millis(2);

/// One connection.
struct Connection {
    shared: Arc<Shared>,
    session: Session,
    link: Link,
    /// To be sent behind the next reply.
    postponed: Vec<u8>,
}

/// Talks with a client until it goes, or the script cuts the link.
pub(crate) fn serve(shared: Arc<Shared>, socket: TcpStream, id: ConnectionId) -> io::Result<()> {
    let mut link = Link::new(Arc::clone(&shared), socket)?;
    if shared.script.lock().has(&Fault::Silent) {
        return until_hung_up(&mut link);
    }
    let secure = shared.config.implicit_tls();
    if let Some(acceptor) = shared.config.acceptor.as_ref().filter(|_| secure) {
        link.start_tls(acceptor)?;
    }
    let session = Session::new(Arc::clone(&shared), id, secure);
    let connection = Connection {
        shared,
        session,
        link,
        postponed: Vec::new(),
    };
    connection.run()
}

fn until_hung_up(link: &mut Link) -> io::Result<()> {
    loop {
        link.wait(Duration::from_secs(60))?;
    }
}

impl Connection {
    fn run(mut self) -> io::Result<()> {
        let greeting = self.session.greeting();
        self.send(greeting)?;
        while let Some(line) = self.next_line()? {
            if self.link.has_input() && self.shared.script.lock().has(&Fault::HangsUpOnPipelining) {
                return Err(self.link.cut());
            }
            let answer = self.session.line(&line);
            match self.send(answer)? {
                Next::Read => {}
                Next::StartTls => self.start_tls()?,
                Next::Close => return self.link.close(),
                Next::CommitLate(pause) => return self.commit_late(pause),
                Next::Cut => return Err(self.link.cut()),
            }
        }
        Ok(())
    }

    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = self.link.read_line();
        if line
            .as_ref()
            .is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        {
            self.link.send(&err("disconnected for inactivity"))?;
            self.link.flush()?;
        }
        line
    }

    fn start_tls(&mut self) -> io::Result<()> {
        self.link.flush()?;
        if let Some(acceptor) = &self.shared.config.acceptor {
            self.link.start_tls(acceptor)?;
        }
        self.session.secured();
        Ok(())
    }

    /// The client may have left meanwhile: what it was told holds.
    fn commit_late(mut self, pause: Duration) -> io::Result<()> {
        self.link.flush()?;
        std::thread::sleep(pause);
        self.session.commit();
        drop(self.session);
        self.link.close()
    }

    fn send(&mut self, answer: Answer) -> io::Result<Next> {
        if answer.next != Next::Cut {
            let occasion = Occasion {
                verb: &answer.verb,
                unique_id: answer.unique_id.as_deref(),
            };
            let steps = self.shared.script.lock().plan(&occasion, answer.reply);
            let before = std::mem::take(&mut self.postponed);
            steps.into_iter().try_for_each(|step| self.take(step))?;
            self.link.send(&before)?;
        }
        Ok(answer.next)
    }

    fn take(&mut self, step: Step) -> io::Result<()> {
        match step {
            Step::Send(octets) => self.link.send(&octets),
            Step::Wait(time) => self.link.flush().and_then(|()| self.link.wait(time)),
            Step::Stand(barrier) => self.stand(&barrier),
            Step::Repeat(octets) => self.repeat(&octets),
            Step::LosePipelined => {
                self.link.discard_input();
                Ok(())
            }
            Step::Postpone(octets) => {
                self.postponed = octets;
                Ok(())
            }
            Step::Cut => self.link.flush().and_then(|()| Err(self.link.cut())),
        }
    }

    fn stand(&mut self, barrier: &Barrier) -> io::Result<()> {
        self.link.flush()?;
        barrier.stand(|| self.link.wait(GLANCE))
    }

    fn repeat(&mut self, octets: &[u8]) -> io::Result<()> {
        loop {
            self.link.send(octets)?;
        }
    }
}
