//! What a mount should be like.

use std::path::PathBuf;
use std::time::Duration;

use super::route_request::RouteRequest;
use super::source::Security;
use super::tls_request::TlsRequest;
use super::typed::{MountOptions, TlsPolicy, Typed};
use super::{LoginMethod, Misuse, Source};

/// How much `--debug` adds to the number of `-v`.
const VERBOSITY_OF_DEBUG: u8 = 1;

/// A mailbox to be mounted, and how. All paths are absolute.
#[derive(Clone, Debug)]
pub struct MountRequest {
    /// Which mailbox; with the login from `--login` where the source had none.
    pub source: Source,
    /// Where it is to be seen.
    pub mountpoint: PathBuf,
    /// The way to the server.
    pub route: RouteRequest,
    /// How TLS is to be spoken.
    pub tls: TlsRequest,
    /// How to log in, in place of the strongest way that both sides have.
    pub auth: Option<LoginMethod>,
    /// The tag of the language that the server is to speak.
    pub language: Option<String>,
    /// A program that prints the password, with its arguments.
    pub password_command: Option<String>,
    /// A program that prints a token of OAuth 2, with its arguments.
    pub token_command: Option<String>,
    /// A file that holds the password.
    pub password_file: Option<PathBuf>,
    /// Whether the desktop's keyring has the password.
    pub keyring: bool,
    /// An ending for all file names: no `/`, no control characters, at most 32 octets.
    pub suffix: String,
    /// Whether removing is refused.
    pub read_only: bool,
    /// Whether other users are let in.
    pub allow_other: bool,
    /// Whether all commits are verified.
    pub verify_commit: bool,
    /// How many messages a commit deletes in one session, at most.
    pub commit_every: Option<u64>,
    /// How many messages that were never read a commit may delete.
    pub delete_guard: Option<u64>,
    /// Whether what is in the mount point may be hidden.
    pub nonempty: bool,
    /// The files' owner, where it is not the mounter.
    pub uid: Option<u32>,
    /// The files' group, where it is not the mounter's.
    pub gid: Option<u32>,
    /// The files' permission bits, where they are not the usual ones; at most 0o777.
    pub mode: Option<u16>,
    /// Whether all exact sizes are learnt first.
    pub exact_sizes: bool,
    /// Whether the beginnings of long messages may be fetched by themselves.
    pub top: bool,
    /// The longest message that is fetched, in octets, where the usual limit is not wanted.
    pub message_max: Option<u64>,
    /// The most that is kept in memory of what was read, in octets.
    pub cache_size: u64,
    /// The most that is fetched before it is asked for, in octets.
    pub read_ahead: u64,
    /// How long a request of the kernel may wait for the server.
    pub timeout: Duration,
    /// How long a session may be without work before it is ended; for ever if none.
    pub idle: Option<Duration>,
    /// How often to look for new mail while the mount is used; never if none.
    pub refresh: Option<Duration>,
    /// Where marks are kept, in place of the usual directory.
    pub state_directory: Option<PathBuf>,
    /// The file that messages go to.
    pub log: Option<PathBuf>,
    /// 0: what a person needs to know; 1: more; 2: also each request of the kernel.
    pub verbosity: u8,
    /// Whether the process gives up what it does not need.
    pub sandbox: bool,
    /// Whether to stay in the foreground.
    pub foreground: bool,
    /// Whether mount(8) called us, which knows only
    /// [`ExitStatus::MountFailure`](super::ExitStatus::MountFailure).
    pub called_by_mount: bool,
}

impl TryFrom<Typed> for MountRequest {
    type Error = Misuse;

    fn try_from(typed: Typed) -> Result<Self, Misuse> {
        let options = typed.options;
        check_proof(&options)?;
        let source = source(&typed.source.unwrap_or_default(), &options)?;
        Ok(Self {
            source,
            route: options.route.try_into()?,
            mountpoint: absolute(typed.mountpoint.unwrap_or_default())?,
            tls: options.tls_options.try_into()?,
            auth: options.auth,
            language: options.language,
            password_command: options.password_command,
            token_command: options.token_command,
            password_file: options.password_file.map(absolute).transpose()?,
            keyring: options.keyring,
            suffix: options.suffix.unwrap_or_default(),
            read_only: options.read_only,
            allow_other: options.allow_other,
            verify_commit: options.verify_commit,
            commit_every: options.commit_every,
            delete_guard: options.delete_guard,
            nonempty: options.nonempty,
            uid: options.uid,
            gid: options.gid,
            mode: options.mode,
            exact_sizes: options.exact_sizes,
            top: !options.no_top,
            message_max: options.max_message_size,
            cache_size: options.cache_size,
            read_ahead: read_ahead(options.read_ahead, options.cache_size),
            timeout: Duration::from_secs(options.timeout),
            idle: unless_zero(options.idle),
            refresh: unless_zero(options.refresh),
            state_directory: options.state_dir.map(absolute).transpose()?,
            log: options.log.map(absolute).transpose()?,
            verbosity: verbosity(options.verbose, options.debug),
            sandbox: !options.no_sandbox,
            foreground: options.foreground || options.debug,
            called_by_mount: false,
        })
    }
}

/// The source with what the options say about it.
fn source(text: &str, options: &MountOptions) -> Result<Source, Misuse> {
    let source = Source::parse(text)?;
    let security = security(&source, options)?;
    let login = match (&source.login, &options.login) {
        (Some(one), Some(other)) if one != other => return Err(Misuse::TwoLogins),
        (one, other) => one.clone().or_else(|| other.clone()),
    };
    Ok(Source {
        login,
        security,
        ..source
    })
}

/// Nothing goes over a network in clear unless that was asked for by name.
fn security(source: &Source, options: &MountOptions) -> Result<Security, Misuse> {
    let stays_here = source.is_loopback() && !options.route.leads_elsewhere();
    match (options.tls, source.security) {
        (TlsPolicy::Required, security) => Ok(security),
        (TlsPolicy::Off, Security::ImplicitTls) => Err(Misuse::TlsOffForPop3s),
        (TlsPolicy::Off, _) if stays_here || options.insecure_cleartext => Ok(Security::Cleartext),
        (TlsPolicy::Off, _) => Err(Misuse::ClearOverNetwork {
            host: source.host.clone(),
        }),
    }
}

/// A token is no password, and is to be shown to nobody who asks for one; what shows a certificate
/// needs one.
fn check_proof(options: &MountOptions) -> Result<(), Misuse> {
    match options.auth {
        Some(LoginMethod::External) if !options.tls_options.has_client_certificate() => {
            Err(Misuse::ExternalWithoutCertificate)
        }
        None | Some(LoginMethod::OAuthBearer | LoginMethod::XOAuth2) => Ok(()),
        Some(_) if options.token_command.is_some() => Err(Misuse::TokenForPassword),
        Some(_) => Ok(()),
    }
}

/// What is fetched ahead goes through the cache, and must leave room for what others have read.
fn read_ahead(given: Option<u64>, cache_size: u64) -> u64 {
    given.unwrap_or(cache_size).min(cache_size / 4 * 3)
}

/// 0 seconds stand for no such time.
fn unless_zero(seconds: u64) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// In the background the current directory is another.
pub(super) fn absolute(path: PathBuf) -> Result<PathBuf, Misuse> {
    std::path::absolute(path).map_err(Misuse::Path)
}

fn verbosity(verbose: u8, debug: bool) -> u8 {
    verbose.saturating_add(if debug { VERBOSITY_OF_DEBUG } else { 0 })
}
