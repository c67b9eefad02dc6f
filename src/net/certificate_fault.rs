//! What is wrong with a server's certificate, and what a person can do about it.

use std::ffi::c_int;
use std::fmt;

use openssl::x509::X509VerifyResult;

/// What OpenSSL has found when it verified a chain: the numbers of `openssl/x509_vfy.h`, which its
/// crate names none of.
const NOT_YET_VALID: c_int = 9;
const HAS_EXPIRED: c_int = 10;
const SELF_SIGNED: c_int = 18;
const HOSTNAME_MISMATCH: c_int = 62;
const IP_ADDRESS_MISMATCH: c_int = 64;

/// Why a server's certificate is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateFault(X509VerifyResult);

impl CertificateFault {
    /// Nothing, if the certificate is good.
    pub(super) fn of(verdict: X509VerifyResult) -> Option<Self> {
        (verdict != X509VerifyResult::OK).then_some(Self(verdict))
    }

    fn advice(self) -> &'static str {
        match self.0.as_raw() {
            HOSTNAME_MISMATCH | IP_ADDRESS_MISMATCH => {
                "if the server goes by another name, give that with --tls-server-name"
            }
            NOT_YET_VALID | HAS_EXPIRED => {
                "check this machine's clock, and tell whoever runs the server"
            }
            SELF_SIGNED => {
                "if it is the one that the server is to have, give its digest with \
                 --tls-fingerprint"
            }
            _ => "if you know who has issued it, give that authority with --ca-file",
        }
    }
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.0.error_string(), self.advice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of OpenSSL's verdict of this number.
    fn said(number: c_int) -> String {
        // SAFETY: the numbers below are valid ones.
        let verdict = unsafe { X509VerifyResult::from_raw(number) };
        CertificateFault::of(verdict).map_or_else(String::new, |fault| fault.to_string())
    }

    #[test]
    fn each_fault_is_named_and_has_the_advice_that_mends_it() {
        for (number, reason, advice) in [
            (HOSTNAME_MISMATCH, "ostname mismatch", "--tls-server-name"),
            (IP_ADDRESS_MISMATCH, "address mismatch", "--tls-server-name"),
            (NOT_YET_VALID, "not yet valid", "clock"),
            (HAS_EXPIRED, "expired", "clock"),
            (SELF_SIGNED, "self", "--tls-fingerprint"),
            (20, "unable to get local issuer", "--ca-file"),
        ] {
            let said = said(number);
            assert!(said.contains(reason) && said.contains(advice), "{said}");
        }
        assert_eq!(said(0), "");
    }
}
