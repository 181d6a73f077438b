//! Typed ids and slugs: values that can only be made right, so that the house stops asking.

use std::fmt;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use rocket::request::FromParam;
use serde::{Deserialize, Serialize};

/// Gives a text newtype its column, its parameter and its words.
macro_rules! text_value {
    ($name:ident) => {
        impl $name {
            /// The text as it is stored and stands in addresses.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<DB: Backend> ToSql<Text, DB> for $name
        where
            String: ToSql<Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                self.0.to_sql(out)
            }
        }

        impl<DB: Backend> FromSql<Text, DB> for $name
        where
            String: FromSql<Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
                Ok($name(String::from_sql(bytes)?))
            }
        }
    };
}

macro_rules! hex_value {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AsExpression, FromSqlRow)]
        #[diesel(sql_type = Text)]
        #[serde(transparent)]
        pub struct $name(String);

        text_value!($name);

        impl $name {
            /// An id that was written down earlier: 32 hexadecimal digits, or nothing.
            pub fn parse(text: &str) -> Option<$name> {
                (text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
                    .then(|| $name(text.to_owned()))
            }
        }

        impl<'r> FromParam<'r> for $name {
            type Error = ();
            fn from_param(text: &'r str) -> Result<Self, ()> {
                $name::parse(text).ok_or(())
            }
        }
    };
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
        hex_value!($(#[$doc])* $name);

        impl $name {
            /// A new id that sorts after every earlier one (UUID version 7, RFC 9562, without hyphens).
            #[allow(clippy::new_without_default)]
            pub fn new() -> $name {
                $name(uuid::Uuid::now_v7().simple().to_string())
            }
        }
    )* };
}

ids! {
    UserId,
    UploadId,
    TrackId,
    OfferId,
    BasketId,
    OrderId,
    OrderLineId,
    LicenceId,
    JobId,
    JournalId,
    SessionId,
    WardId,
    GuardianId,
    PermissionId,
    VerificationId,
    WardFormId,
    CheckId,
    TextId,
    CampaignId,
    InquiryId,
    SecurityReviewId,
    SelfCheckId,
}

hex_value!(
    /// The id of a consent receipt: 128 random bits, because whoever knows it may see the receipt.
    ReceiptId
);

impl ReceiptId {
    /// A new one that nobody can guess. Drawn before a write and handed in.
    pub fn draw() -> crate::error::Result<ReceiptId> {
        Ok(ReceiptId(hex::encode(crate::secrets::random::<16>()?)))
    }

    /// The one that these 128 bits make; they must be as hard to guess.
    pub fn of(bits: [u8; 16]) -> ReceiptId {
        ReceiptId(hex::encode(bits))
    }
}

/// The name of a thing in an address: `[a-z0-9-]+`, at most 80 characters, never changed once given.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = Text)]
#[serde(transparent)]
pub struct Slug(String);

text_value!(Slug);

impl Slug {
    /// Bytes of the longest slug.
    pub const MAX: usize = 80;

    /// The slug this is: small letters, digits and hyphens, 1 to 80 of them.
    pub fn parse(text: &str) -> Option<Slug> {
        let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        (!text.is_empty() && text.len() <= Slug::MAX && text.bytes().all(fine)).then(|| Slug(text.to_owned()))
    }

    /// The slug a title suggests: letters folded to ASCII, everything else a hyphen; `untitled` when nothing is left.
    pub fn from_title(title: &str) -> Slug {
        let mut out = String::new();
        for c in crate::words::fold(title).chars() {
            if c.is_ascii_alphanumeric() {
                out.push(c);
            } else if !out.is_empty() && !out.ends_with('-') {
                out.push('-');
            }
            if out.len() >= 60 {
                break;
            }
        }
        let out = out.trim_matches('-');
        Slug(if out.is_empty() { "untitled".to_owned() } else { out.to_owned() })
    }

    /// The same slug with a number, for the second of its name.
    pub fn numbered(&self, number: u32) -> Slug {
        Slug(format!("{}-{number}", self.0))
    }
}

impl<'r> FromParam<'r> for Slug {
    type Error = ();
    fn from_param(text: &'r str) -> Result<Self, ()> {
        Slug::parse(text).ok_or(())
    }
}

/// An uploader's public name in addresses: 2 to 40 of `[a-z0-9-]`, beginning with a letter or figure.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = Text)]
#[serde(transparent)]
pub struct Handle(String);

text_value!(Handle);

impl Handle {
    /// The handle this is, with or without its `@`: a slug of 2 to 40 that neither begins nor ends with a hyphen.
    pub fn parse(text: &str) -> Option<Handle> {
        let text = text.strip_prefix('@').unwrap_or(text);
        let slug = Slug::parse(text)?;
        (2..=40).contains(&text.len()).then_some(())?;
        (!text.starts_with('-') && !text.ends_with('-')).then_some(Handle(slug.0))
    }

    /// The handle a shown name suggests.
    pub fn from_name(name: &str) -> Handle {
        let slug: String = Slug::from_title(name).0.chars().take(36).collect();
        let slug = slug.trim_matches('-');
        Handle(if slug.len() < 2 {
            format!("{slug}-sounds").trim_start_matches('-').to_owned()
        } else {
            slug.to_owned()
        })
    }
}

/// `/@handle`: the parameter wants its `@`.
impl<'r> FromParam<'r> for Handle {
    type Error = ();
    fn from_param(text: &'r str) -> Result<Self, ()> {
        Handle::parse(text.strip_prefix('@').ok_or(())?).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_come_from_titles() {
        for (title, slug) in [
            ("Copper Weather", "copper-weather"),
            ("Étude № 3", "etude-no-3"),
            ("  --  ", "untitled"),
            ("Rain/on.tin", "rain-on-tin"),
        ] {
            assert_eq!(Slug::from_title(title).as_str(), slug);
            assert!(Slug::parse(slug).is_some());
        }
        assert!(Slug::parse("Nope").is_none() && Slug::parse("").is_none() && Slug::parse("a/b").is_none());
    }

    #[test]
    fn handles_are_short_and_plain() {
        assert_eq!(Handle::from_name("Ines Morrow").as_str(), "ines-morrow");
        assert_eq!(Handle::parse("@ines").map(|h| h.to_string()).as_deref(), Some("ines"));
        assert!(Handle::parse("-x").is_none() && Handle::parse("a").is_none());
        assert!(Handle::parse(Handle::from_name("…").as_str()).is_some());
    }

    #[test]
    fn ids_sort_by_time() {
        let (a, b) = (TrackId::new(), TrackId::new());
        assert!(a < b);
        assert_eq!(TrackId::parse(a.as_str()), Some(a));
        assert!(TrackId::parse("zz").is_none());
    }
}
