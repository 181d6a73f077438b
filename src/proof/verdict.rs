//! What a signed file turns out to be, whatever it is about.

use super::{Published, Signed};

/// What a file is, as far as signatures tell.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict<T> {
    /// As it was signed, by an issuer we know: what it says.
    Intact(T),
    /// Not as it was signed, or never signed.
    Altered,
    /// As it was signed, by somebody we do not know: what it says, and who they say they are.
    UnknownIssuer(T, String),
}

impl<T> Verdict<T> {
    /// Of something that is as it was signed: do we know who signed it?
    pub fn of(what: T, signed: &Signed, keys: &[Published]) -> Verdict<T> {
        match signed.is_by(keys) {
            true => Verdict::Intact(what),
            false => Verdict::UnknownIssuer(what, signed.who()),
        }
    }

    /// The exit code of `cuehouse verify`.
    pub fn code(&self) -> u8 {
        match self {
            Verdict::Intact(_) => 0,
            Verdict::Altered => 1,
            Verdict::UnknownIssuer(..) => 2,
        }
    }

    /// One word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Intact(_) => "intact",
            Verdict::Altered => "altered",
            Verdict::UnknownIssuer(..) => "unknown_issuer",
        }
    }

    /// What the file says, unless it was altered.
    pub fn document(&self) -> Option<&T> {
        match self {
            Verdict::Intact(what) | Verdict::UnknownIssuer(what, _) => Some(what),
            Verdict::Altered => None,
        }
    }
}
