//! How each program is told: the text of its configuration file.

use crate::account::Account;

/// A Maildir.
pub fn mpop(account: &Account, _: usize, directory: &str) -> String {
    let tls = match account.authority() {
        Some(authority) => format!(
            "tls on\ntls_starttls off\ntls_trust_file {}",
            authority.display()
        ),
        None => "tls off".to_string(),
    };
    format!(
        "account default\nhost 127.0.0.1\nport {}\n{tls}\nauth plain\nuser {}\npassword {}\nkeep on\n\
         received_header off\ndelivery maildir {directory}/mail\nuidls_file {directory}/uidls\n",
        account.port,
        Account::USER,
        Account::PASSWORD
    )
}

/// A Maildir.
pub fn getmail(account: &Account, _: usize, directory: &str) -> String {
    let (kind, authority) = match account.authority() {
        Some(authority) => (
            "SimplePOP3SSLRetriever",
            format!("ca_certs = {}", authority.display()),
        ),
        None => ("SimplePOP3Retriever", String::new()),
    };
    format!(
        "[retriever]\ntype = {kind}\nserver = 127.0.0.1\nport = {}\nusername = {}\npassword = {}\n{authority}\n\
         [destination]\ntype = Maildir\npath = {directory}/mail/\n\
         [options]\nverbose = 0\nread_all = false\ndelete = false\ndelivered_to = false\nreceived = false\n",
        account.port,
        Account::USER,
        Account::PASSWORD
    )
}

/// Into one file of SMTP, so that no delivery agent is started for each message.
pub fn fetchmail(account: &Account, _: usize, directory: &str) -> String {
    let tls = match account.authority() {
        Some(authority) => format!("ssl sslcertfile {}", authority.display()),
        None => "sslproto ''".to_string(),
    };
    format!(
        "poll localhost protocol pop3 port {} user {} password {} is ann here keep fetchall {tls} bsmtp {directory}/batch\n",
        account.port,
        Account::USER,
        Account::PASSWORD
    )
}

/// A file for each message, named by its number; curl does not list by itself.
pub fn curl(account: &Account, count: usize, directory: &str) -> String {
    let (scheme, authority) = match account.authority() {
        Some(authority) => ("pop3s", format!("cacert = {}", authority.display())),
        None => ("pop3", String::new()),
    };
    format!(
        "url = \"{scheme}://127.0.0.1:{}/[1-{count}]\"\noutput = \"{directory}/mail/#1\"\nuser = \"{}:{}\"\n{authority}\n",
        account.port,
        Account::USER,
        Account::PASSWORD
    )
}
