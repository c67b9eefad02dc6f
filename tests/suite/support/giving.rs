//! Ways to give the password to a mount.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::Account;
use super::mount::Site;

/// Has a command of [`Site::command_without_password`] find the account's password.
pub type Give = fn(&Site, &Account, &mut Command);

/// Where the password can be found as often as it is needed.
pub const FOUND_ANEW: [Give; 4] = [in_file, by_command, in_netrc, as_credential];

/// Has a command find the password of a proxy.
type GiveToProxy = fn(&Site, &str, &mut Command);

/// Each way for a proxy.
pub const PROXY: [GiveToProxy; 2] = [proxy_in_file, proxy_in_variable];

/// In `--proxy-password-file`.
pub fn proxy_in_file(site: &Site, password: &str, command: &mut Command) {
    let file = site.beside("proxy-password");
    hide(&file, password.as_bytes());
    command.arg("--proxy-password-file").arg(file);
}

/// In the environment.
pub fn proxy_in_variable(_: &Site, password: &str, command: &mut Command) {
    command.env("POP3FS_PROXY_PASSWORD", password);
}

/// In `--password-file`.
pub fn in_file(site: &Site, account: &Account, command: &mut Command) {
    command
        .arg("--password-file")
        .arg(password_file(site, account));
}

/// In the environment.
pub fn in_variable(_: &Site, account: &Account, command: &mut Command) {
    command.env("POP3FS_PASSWORD", account.password());
}

/// By a program that leaves behind what it was given, beside a variable that it is not given.
pub fn by_command(site: &Site, account: &Account, command: &mut Command) {
    in_variable(site, account, command);
    command
        .arg("--password-command")
        .arg(telling(site, account));
}

/// The same for a token.
pub fn by_token_command(site: &Site, account: &Account, command: &mut Command) {
    in_variable(site, account, command);
    command.arg("--token-command").arg(telling(site, account));
}

/// In `~/.netrc`, behind words that are no text.
pub fn in_netrc(site: &Site, account: &Account, _: &mut Command) {
    let quoted = account
        .password()
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    let entry = format!("\ndefault password \"{quoted}\"\n");
    let octets = [b"# ", &[0xe9; 2000][..], entry.as_bytes()].concat();
    hide(&site.home().join(".netrc"), &octets);
}

/// As a service manager's credential.
pub fn as_credential(site: &Site, account: &Account, command: &mut Command) {
    hide(
        &site.home().join("pop3fs.password"),
        account.password().as_bytes(),
    );
    command.env("CREDENTIALS_DIRECTORY", site.home());
}

/// What the programs that were run have left behind.
pub fn left_behind(site: &Site) -> PathBuf {
    site.beside("children")
}

fn telling(site: &Site, account: &Account) -> String {
    let script = format!(
        "cat /proc/self/environ /proc/self/cmdline >>{}; cat {}",
        left_behind(site).display(),
        password_file(site, account).display()
    );
    format!("sh -c '{script}'")
}

/// A file with the password in it.
fn password_file(site: &Site, account: &Account) -> PathBuf {
    let file = site.beside("password");
    hide(&file, format!("{}\n", account.password()).as_bytes());
    file
}

/// Writes a file that nobody else may read.
pub fn hide(file: &Path, octets: &[u8]) {
    fs::write(file, octets).expect("a file to write");
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("our own file");
}
