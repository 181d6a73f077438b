//! The ledger of disclosures: to whom something about people was given, what kind of thing, why it was allowed, and how
//! often on a day.
//!
//! No row is about a visitor. What is answered from it (California Civil Code 1798.83, the notice of the last twelve
//! months) names kinds and recipients, and as far as we remember the section it may say the same to every customer (not looked
//! up; for a lawyer to check). Who allowed what is in their own receipt. An entry of the consent log is named only for
//! a call that the server itself makes about somebody, because no browser could be asked about it afterwards.
//!
//! Pages are counted in memory and written once a minute, so that looking at a page writes nothing. A process that is
//! killed loses the counts of its last minute; what calls, payments and letters disclosed is written with them.

use std::collections::BTreeMap;

use diesel::dsl::min;
use diesel::prelude::*;

use super::age::Band;
use super::choices::Standing;
use super::decision::Reason;
use super::guards::Consent;
use super::purpose::Purpose;
use super::recipient::{self, Category, Entry, Service, Services};
use super::rulebook::Rulebook;
use super::tally::Tally;
use super::vendor::Vendor;
use crate::clock::{DAY, Timestamp};
use crate::db::Conn;
use crate::db::schema::disclosures;
use crate::each_db;
use crate::error::Result;
use crate::text_enum;

/// Whole years before this one of which rows are kept: who asks late in a year asks about the year before, and a claim
/// that the answer was wrong needs it for a while longer.
pub const KEPT_YEARS: i32 = 3;

text_enum! {
    /// Why something was allowed to be given.
    pub enum Basis {
        /// Somebody said yes, to it or to loading it once.
        Consent = "consent",
        /// Where they are it may be until they say no, and they had not.
        NotOpposed = "not_opposed",
        /// What they asked for cannot be done without.
        Contract = "contract",
        /// A law wants it.
        Law = "law",
    }
}

impl Basis {
    /// The basis that a reason is; none for a reason that forbids.
    pub fn of(reason: Reason) -> Option<Basis> {
        match reason {
            Reason::Granted | Reason::LoadOnce => Some(Basis::Consent),
            Reason::OptOutProfile => Some(Basis::NotOpposed),
            _ => None,
        }
    }
}

/// One kind of disclosure. Made of the register alone, so that nothing can be written that no notice tells of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line {
    recipient: String,
    purpose: String,
    categories: String,
    basis: Basis,
    receipt_seq: i64,
}

impl Line {
    /// What a vendor's being contacted for a purpose gives it.
    pub fn of_vendor(vendor: &Vendor, purpose: Purpose, basis: Basis) -> Line {
        Line {
            recipient: vendor.id.clone(),
            purpose: purpose.slug().into(),
            categories: recipient::joined(recipient::handed_over(purpose)),
            basis,
            receipt_seq: 0,
        }
    }

    /// What a call of our own tells a vendor about somebody, on the strength of an entry of the consent log.
    pub(super) fn of_call(
        vendor: &Vendor,
        purpose: Purpose,
        categories: &[Category],
        basis: Basis,
        receipt_seq: i64,
    ) -> Line {
        let categories = recipient::joined(categories);
        Line { categories, receipt_seq, ..Line::of_vendor(vendor, purpose, basis) }
    }

    /// What a service of the shop is given by being used.
    pub fn of_service(service: &Service) -> Line {
        Line {
            recipient: service.id.into(),
            purpose: service.used_for.as_str().into(),
            categories: recipient::joined(service.categories),
            basis: Basis::Contract,
            receipt_seq: 0,
        }
    }

    /// Writes it for this day, so many times. Belongs into the write of what it tells of.
    pub fn record(&self, conn: &mut Conn, count: i64, now: Timestamp) -> Result<()> {
        self.record_on(conn, count, &now.day())
    }

    fn record_on(&self, conn: &mut Conn, count: i64, day: &str) -> Result<()> {
        let row = (
            disclosures::day.eq(day),
            disclosures::recipient.eq(&self.recipient),
            disclosures::purpose.eq(&self.purpose),
            disclosures::categories.eq(&self.categories),
            disclosures::basis.eq(self.basis),
            disclosures::receipt_seq.eq(self.receipt_seq),
            disclosures::count.eq(count),
        );
        each_db!(conn, |c| diesel::insert_into(disclosures::table)
            .values(row)
            .on_conflict((
                disclosures::day,
                disclosures::recipient,
                disclosures::purpose,
                disclosures::categories,
                disclosures::basis,
                disclosures::receipt_seq
            ))
            .do_update()
            .set(disclosures::count.eq(disclosures::count + count))
            .execute(c))?;
        Ok(())
    }
}

/// What a page with this decision lets a browser give away. Whoever is met in a frame hears of nobody until the frame is
/// asked for, which counts by itself.
pub fn of_page(book: &Rulebook, consent: &Consent) -> Vec<Line> {
    let mut all = vec![];
    for (vendor, _) in consent.decision.allowed(book).filter(|(vendor, _)| vendor.is_in_page()) {
        let Some(basis) = basis_of(book, consent, vendor) else { continue };
        all.extend(granted(vendor, consent).map(|purpose| Line::of_vendor(vendor, purpose, basis)));
    }
    all
}

/// Why a vendor may be given something in this request; none where it may not.
pub fn basis_of(book: &Rulebook, consent: &Consent, vendor: &Vendor) -> Option<Basis> {
    let at = book.registry.vendors.iter().position(|v| v.id == vendor.id)?;
    Basis::of(*consent.decision.reasons.get(at)?)
}

/// The purposes for which an allowed vendor may be contacted: those granted and, where people are asked afterwards,
/// those nothing was said of. Whoever is loaded once shows something, and learns nothing to choose it by. Nothing is chosen by
/// what somebody did before who is not known to be of age: the age question comes first.
pub fn granted<'a>(vendor: &'a Vendor, consent: &'a Consent) -> impl Iterator<Item = Purpose> + 'a {
    let now = consent.choices.decided_at.unwrap_or_default();
    vendor.purposes.iter().copied().filter(move |purpose| {
        if consent.once.is_of(vendor) {
            return *purpose == Purpose::Ads;
        }
        if *purpose == Purpose::AdsPersonalised && consent.band != Some(Band::Adult) {
            return false;
        }
        let standing = consent.choices.standing(vendor, *purpose, now);
        standing == Standing::Granted || standing == Standing::Undecided
    })
}

/// What pages gave away, by day, that is not written yet.
pub type Pages = Tally<(String, Line)>;

/// Writes down what was counted.
pub fn record(conn: &mut Conn, counted: &BTreeMap<(String, Line), i64>) -> Result<()> {
    counted.iter().try_for_each(|((day, line), count)| line.record_on(conn, *count, day))
}

/// Forgets years older than they may be. Answers how many rows.
pub fn sweep(conn: &mut Conn, now: Timestamp) -> Result<usize> {
    let oldest = format!("{:04}-01-01", now.year_month().0 - KEPT_YEARS);
    Ok(diesel::delete(disclosures::table.filter(disclosures::day.lt(oldest))).execute(conn)?)
}

/// Who was given what from one day to another, both among them.
pub fn between(
    conn: &mut Conn,
    book: &Rulebook,
    services: &Services,
    from: &str,
    to: &str,
) -> Result<Vec<Entry>> {
    let rows: Vec<(String, String, String)> = disclosures::table
        .filter(disclosures::day.between(from, to))
        .group_by((disclosures::recipient, disclosures::purpose, disclosures::categories))
        .select((disclosures::recipient, disclosures::purpose, disclosures::categories))
        .load(conn)?;
    let mut all: Vec<Entry> =
        rows.iter().map(|(id, purpose, kinds)| Entry::known(book, services, id, purpose, kinds)).collect();
    all.sort_by(|a, b| (!a.is_vendor, &a.id, &a.purpose).cmp(&(!b.is_vendor, &b.id, &b.purpose)));
    Ok(all)
}

/// Everyone who may be given something today, and everyone who was within the last twelve months.
pub fn notice(conn: &mut Conn, book: &Rulebook, services: &Services, now: Timestamp) -> Result<Vec<Entry>> {
    let mut all = recipient::register(book, services);
    for was in between(conn, book, services, &now.plus(-365 * DAY).day(), &now.day())? {
        if !all.contains(&was) {
            all.push(was);
        }
    }
    Ok(all)
}

/// The first day of which anything is known.
pub fn begins(conn: &mut Conn) -> Result<Option<String>> {
    Ok(disclosures::table.select(min(disclosures::day)).first(conn)?)
}

/// How often something was given to a recipient on a day, for those who run the shop.
pub fn of_day(conn: &mut Conn, day: &str) -> Result<Vec<(String, String, i64)>> {
    let rows: Vec<(String, String, i64)> = disclosures::table
        .filter(disclosures::day.eq(day))
        .order((disclosures::recipient, disclosures::purpose, disclosures::basis))
        .select((disclosures::recipient, disclosures::purpose, disclosures::count))
        .load(conn)?;
    Ok(rows)
}
