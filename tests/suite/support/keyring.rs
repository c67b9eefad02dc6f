//! A real keyring, GNOME's, on a session bus of its own.
//!
//! Installed, it would bring half a desktop along.

mod locked;

use std::env::consts::ARCH;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use tempfile::TempDir;

pub use self::locked::Locked;
use super::package::Package;
use super::process::{Running, eventually, run, start};

/// What is needed of it.
pub const KEYRING: Package = Package::new(
    "keyring",
    &["usr/bin/gnome-keyring-daemon", "usr/bin/secret-tool"],
);

/// What unlocks it.
const PASSPHRASE: &str = "open the keyring";

/// An entry that is always there.
const OTHER: [&str; 6] = ["host", "127.0.0.1", "service", "pop3", "user", "zoe"];

/// A bus of a session; stopped when dropped.
pub struct Bus {
    _daemon: Running,
    home: TempDir,
}

/// A keyring with a bus, both stopped when dropped.
pub struct Keyring {
    daemon: Running,
    bus: Bus,
}

impl Keyring {
    /// Starts one that is unlocked.
    pub fn start() -> Self {
        let bus = Bus::start();
        let keyring = Self {
            daemon: daemon(&bus, &["--unlock"]),
            bus,
        };
        keyring.store(&OTHER, "another one");
        keyring
    }

    /// Has a program find it.
    pub fn tell(&self, command: &mut Command) {
        self.bus.tell(command);
    }

    /// Keeps a password for a login at our own server, as mpop(1) says to do it.
    pub fn keep(&self, login: &str, password: &str) {
        let attributes = ["host", "127.0.0.1", "service", "pop3", "user", login];
        self.store(&attributes, password);
    }

    /// Starts it again as it is after a login that did not unlock it.
    pub fn lock(&mut self) {
        self.restart(&[]);
        eventually("the keyring is there again", || {
            let mut search = packaged("secret-tool");
            self.tell(search.arg("search").args(OTHER));
            run(&mut search).status.success()
        });
    }

    /// Unlocks it.
    pub fn unlock(&mut self) {
        self.restart(&["--unlock"]);
        self.store(&OTHER, "another one");
    }

    fn restart(&mut self, options: &[&str]) {
        self.daemon.signal(Signal::SIGKILL);
        eventually("the keyring ends", || self.daemon.has_ended());
        self.daemon = daemon(&self.bus, options);
    }

    /// It may still be starting.
    fn store(&self, attributes: &[&str], password: &str) {
        let file = self.bus.home.path().join("password");
        fs::write(&file, password).expect("a file to write");
        eventually("the keyring keeps a password", || {
            let mut store = reading(&file, &packaged("secret-tool"));
            self.tell(store.args(["store", "--label=a test"]).args(attributes));
            run(&mut store).status.success()
        });
    }
}

impl Bus {
    /// Starts one with nothing on it.
    pub fn start() -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let (socket, settings) = (home.path().join("bus"), home.path().join("settings"));
        fs::write(
            &settings,
            SETTINGS.replace("SOCKET", &socket.display().to_string()),
        )
        .expect("a file to write");
        let mut daemon = Command::new("dbus-daemon");
        let daemon = start(daemon.arg("--nofork").arg("--config-file").arg(settings));
        eventually("the bus takes connections", || {
            UnixStream::connect(&socket).is_ok()
        });
        Self {
            _daemon: daemon,
            home,
        }
    }

    /// Has a program find it.
    pub fn tell(&self, command: &mut Command) {
        command.env("DBUS_SESSION_BUS_ADDRESS", self.address());
    }

    fn address(&self) -> String {
        format!("unix:path={}", self.home.path().join("bus").display())
    }
}

/// Those of a session, but it starts nothing: a keyring that is installed would get in ahead of ours.
const SETTINGS: &str = r#"
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=SOCKET</listen>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

fn daemon(bus: &Bus, options: &[&str]) -> Running {
    let file = bus.home.path().join("passphrase");
    fs::write(&file, PASSPHRASE).expect("a file to write");
    let mut daemon = reading(&file, &packaged("gnome-keyring-daemon"));
    daemon.args(["--foreground", "--components=secrets"]);
    for variable in ["HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"] {
        daemon.env(variable, bus.home.path());
    }
    bus.tell(daemon.args(options));
    start(&mut daemon)
}

/// The same program, its standard input a file.
fn reading(file: &Path, program: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"exec "$@" <"$0""#]);
    shell.arg(file).arg(program.get_program());
    let variables = program.get_envs();
    shell.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    shell
}

/// One of its programs.
fn packaged(name: &str) -> Command {
    let Some(unpacked) = KEYRING.unpacked() else {
        return Command::new(name);
    };
    let mut command = Command::new(unpacked.join("usr/bin").join(name));
    let libraries = unpacked.join(format!("usr/lib/{ARCH}-linux-gnu"));
    command.env("LD_LIBRARY_PATH", libraries);
    command
}
