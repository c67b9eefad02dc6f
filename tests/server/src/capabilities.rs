//! What CAPA says (RFC 2449).

use crate::builder::Config;
use crate::reply::multi_line;
use crate::script::Script;

/// CAPA's reply. STLS is announced only where it can be used (RFC 2595 section 4).
pub(crate) fn reply(config: &Config, script: &Script, secure: bool, logged_in: bool) -> Vec<u8> {
    let stls = config.offers_stls() && !secure && !logged_in;
    let mechanism = match config.takes_token {
        true => "SASL XOAUTH2",
        false => "SASL PLAIN",
    };
    let standard = [
        "TOP",
        "UIDL",
        "USER",
        mechanism,
        "RESP-CODES",
        "AUTH-RESP-CODE",
        "PIPELINING",
        "IMPLEMENTATION pop3fs-server",
    ];
    let own = config.capabilities.iter().map(String::as_str);
    let all = standard
        .into_iter()
        .chain(stls.then_some("STLS"))
        .chain(own);
    let announced = all.filter(|line| !config.withholds(line) && script.announces(line));
    let lines: Vec<String> = announced.map(|line| format!("{line}\r\n")).collect();
    multi_line("this server can", lines.concat().as_bytes(), true)
}
