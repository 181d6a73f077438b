//! One `Error`, named by meaning; status and page are decided elsewhere (`web/catchers.rs`).

use std::fmt;
use std::panic::Location;

/// What every fallible function of the house returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something did not happen, by what it means to the one who asked.
#[derive(Debug)]
pub enum Error {
    /// No such thing, or none that this person may know of: 404.
    NotFound,
    /// Only for people who are signed in: 303 to `/sign-in`, and back afterwards.
    SignIn,
    /// Signed in, but not entitled: 403.
    Forbidden,
    /// Signed in, but the letter's link was never followed: 403, with the way to another letter.
    Unconfirmed,
    /// For a guardian to allow, who has not; the sentence says how: 403.
    Guardian(&'static str),
    /// Not open to somebody so young, whatever their guardian allowed: 403.
    NotYet,
    /// The account shows nothing but a notice, for its owner's age: 303 there.
    Held,
    /// Everyone is asked for their age before this, and they were not: 303 to the screen, and back afterwards.
    Unasked,
    /// Only for people of age, and it is not known that this one is: 451, with a page that puts the age question where it can
    /// still be put.
    OfAge { asks: bool },
    /// Asked for something that cannot be; the sentence is for the person: 422.
    Refused(String),
    /// It was so a moment ago and is not any more (a second click, a changed price): 409.
    Conflict(String),
    /// Too many attempts; come back after so many seconds: 429.
    TooMany(u64),
    /// The shop is busy or a part of it is away; come back after so many seconds: 503.
    Busy(u64),
    /// What was asked cannot be done while something that is not the asker's is amiss; the sentence is for the person: 503.
    Away(&'static str),
    /// Our own fault: 500. Says where it arose and why; people see neither.
    Internal(Fault),
}

/// What went wrong inside, and where.
#[derive(Debug)]
pub struct Fault {
    pub at: &'static Location<'static>,
    pub why: String,
    /// The database could not order two writes: the same write may succeed when it is tried again.
    pub again: bool,
}

impl Error {
    /// A fault of our own, with the caller's place in the log line.
    #[track_caller]
    pub fn internal(why: impl fmt::Display) -> Error {
        Error::Internal(Fault { at: Location::caller(), why: why.to_string(), again: false })
    }

    /// A write that another one overtook: the same write may succeed when it is tried again.
    #[track_caller]
    pub fn overtaken(why: impl fmt::Display) -> Error {
        Error::Internal(Fault { at: Location::caller(), why: why.to_string(), again: true })
    }

    /// What was asked cannot be done, with a sentence that says why.
    pub fn refused(why: impl Into<String>) -> Error {
        Error::Refused(why.into())
    }

    /// What was asked came too late, with a sentence that says so.
    pub fn conflict(why: impl Into<String>) -> Error {
        Error::Conflict(why.into())
    }

    /// The status this meaning has over HTTP.
    pub fn status(&self) -> u16 {
        match self {
            Error::NotFound => 404,
            Error::SignIn | Error::Held | Error::Unasked => 303,
            Error::Forbidden | Error::Unconfirmed | Error::Guardian(_) | Error::NotYet => 403,
            Error::OfAge { .. } => 451,
            Error::Refused(_) => 422,
            Error::Conflict(_) => 409,
            Error::TooMany(_) => 429,
            Error::Busy(_) | Error::Away(_) => 503,
            Error::Internal(_) => 500,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotFound => f.write_str("not found"),
            Error::SignIn => f.write_str("sign in first"),
            Error::Forbidden => f.write_str("not allowed"),
            Error::Unconfirmed => f.write_str("confirm your address first"),
            Error::Guardian(why) | Error::Away(why) => f.write_str(why),
            Error::NotYet => f.write_str("This is not open to you yet."),
            Error::Held => f.write_str("the account shows a notice"),
            Error::Unasked => f.write_str("answer the age screen first"),
            Error::OfAge { .. } => f.write_str("for people of age"),
            Error::Refused(why) | Error::Conflict(why) => f.write_str(why),
            Error::TooMany(secs) => write!(f, "too many attempts; wait {secs} s"),
            Error::Busy(secs) => write!(f, "busy; wait {secs} s"),
            Error::Internal(fault) => write!(f, "{} ({}:{})", fault.why, fault.at.file(), fault.at.line()),
        }
    }
}

impl std::error::Error for Error {}

macro_rules! internal_from {
    ($($kind:ty),* $(,)?) => { $(
        impl From<$kind> for Error {
            #[track_caller]
            fn from(error: $kind) -> Error {
                Error::internal(error)
            }
        }
    )* };
}

internal_from!(std::io::Error, serde_json::Error, tokio::task::JoinError, std::fmt::Error);

impl From<diesel::result::Error> for Error {
    #[track_caller]
    fn from(error: diesel::result::Error) -> Error {
        use diesel::result::{DatabaseErrorKind, Error as Sql};
        match error {
            Sql::NotFound => Error::NotFound,
            Sql::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
                Error::conflict("That exists already.")
            }
            other => {
                let again = crate::db::may_succeed_again(&other);
                Error::Internal(Fault { at: Location::caller(), why: other.to_string(), again })
            }
        }
    }
}
