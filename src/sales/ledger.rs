//! The books: double entry, in whole cents. Positive is owed to an account, negative is held by it, and every
//! journal sums to zero. Nothing is ever rewritten: what is given back is a journal of its own.

use std::collections::BTreeMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{entries, journals};
use crate::error::{Error, Result};
use crate::ids::{JournalId, OrderId, OrderLineId, UserId};
use crate::money::Cents;
use crate::sales::order::{Line, Order};
use crate::text_enum;

text_enum! {
    /// Who owes or is owed.
    pub enum Account {
        /// What lies at Stripe for us.
        Stripe = "stripe",
        /// The shop's own part.
        Platform = "platform",
        /// An uploader's part; the entry names whose.
        Uploader = "uploader",
    }
}

text_enum! {
    /// What a journal books.
    pub enum Kind {
        Sale = "sale",
        Refund = "refund",
    }
}

/// One side of a movement of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub account: Account,
    pub user: Option<UserId>,
    pub line: Option<OrderLineId>,
    pub amount: Cents,
}

/// Books the sale of an order, once whatever happens. An order that cost nothing moves nothing.
pub fn sale(conn: &mut Conn, order: &Order, lines: &[Line], now: Timestamp) -> Result<()> {
    if order.total_cents == Cents::ZERO || booked(conn, &order.id, Kind::Sale)? > Cents::ZERO {
        return Ok(());
    }
    journal(conn, order, Kind::Sale, order.total_cents, sale_entries(lines), now)
}

/// Books what was given back so far: only what is more than was booked before.
pub fn refund(conn: &mut Conn, order: &Order, lines: &[Line], upto: Cents, now: Timestamp) -> Result<()> {
    let before = booked(conn, &order.id, Kind::Refund)?;
    let upto = upto.min(order.total_cents);
    if upto <= before {
        return Ok(());
    }
    let entries = refund_entries(lines, order.total_cents, before, upto);
    journal(conn, order, Kind::Refund, upto, entries, now)
}

/// Both sides of a sale: what Stripe holds, and whose it is.
pub fn sale_entries(lines: &[Line]) -> Vec<Entry> {
    let total: Cents = lines.iter().map(|line| line.price_cents).sum();
    let mut entries = vec![Entry { account: Account::Stripe, user: None, line: None, amount: -total }];
    for line in lines {
        entries.push(uploader(line, line.uploader_cents));
        entries.push(platform(line, line.platform_cents));
    }
    entries.retain(|entry| entry.amount != Cents::ZERO);
    entries
}

/// Both sides of giving back what lies between two sums. An uploader gives back their share of the sum in whole
/// cents, never more; the platform gives the rest. At the whole sum the sale is reversed exactly.
fn refund_entries(lines: &[Line], total: Cents, before: Cents, upto: Cents) -> Vec<Entry> {
    let part = |whole: Cents, of: Cents| Cents((whole.0 as i128 * of.0 as i128 / total.0 as i128) as i64);
    let step = |whole: Cents| part(whole, upto) - part(whole, before);
    let mut entries = vec![Entry { account: Account::Stripe, user: None, line: None, amount: upto - before }];
    let mut rest = upto - before;
    for line in lines {
        rest = rest - step(line.uploader_cents);
        entries.push(uploader(line, -step(line.uploader_cents)));
    }
    entries.push(Entry { account: Account::Platform, user: None, line: None, amount: -rest });
    entries.retain(|entry| entry.amount != Cents::ZERO);
    entries
}

fn uploader(line: &Line, amount: Cents) -> Entry {
    let (user, id) = (Some(line.uploader_id.clone()), Some(line.id.clone()));
    Entry { account: Account::Uploader, user, line: id, amount }
}

fn platform(line: &Line, amount: Cents) -> Entry {
    Entry { account: Account::Platform, user: None, line: Some(line.id.clone()), amount }
}

fn journal(
    conn: &mut Conn,
    order: &Order,
    kind: Kind,
    upto: Cents,
    all: Vec<Entry>,
    now: Timestamp,
) -> Result<()> {
    if all.iter().map(|entry| entry.amount).sum::<Cents>() != Cents::ZERO {
        return Err(Error::internal(format!("the {kind} of order {} does not sum to zero", order.id)));
    }
    let id = JournalId::new();
    diesel::insert_into(journals::table)
        .values((
            journals::id.eq(&id),
            journals::order_id.eq(&order.id),
            journals::kind.eq(kind),
            journals::upto_cents.eq(upto),
            journals::at.eq(now),
        ))
        .execute(conn)?;
    for (position, entry) in (0..).zip(all) {
        let position: i32 = position;
        diesel::insert_into(entries::table)
            .values((
                entries::journal_id.eq(&id),
                entries::position.eq(position),
                entries::account.eq(entry.account),
                entries::user_id.eq(entry.user),
                entries::order_line_id.eq(entry.line),
                entries::amount_cents.eq(entry.amount),
                entries::currency.eq(&order.currency),
                entries::at.eq(now),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// How much of an order is booked as sold or as given back.
pub fn booked(conn: &mut Conn, order: &OrderId, kind: Kind) -> Result<Cents> {
    let most: Option<Cents> = journals::table
        .filter(journals::order_id.eq(order).and(journals::kind.eq(kind)))
        .order(journals::upto_cents.desc())
        .select(journals::upto_cents)
        .first(conn)
        .optional()?;
    Ok(most.unwrap_or(Cents::ZERO))
}

/// What an uploader is owed: the sum of their entries, by currency.
pub fn balance(conn: &mut Conn, user: &UserId) -> Result<BTreeMap<String, Cents>> {
    let rows: Vec<(String, i64)> = entries::table
        .filter(entries::user_id.eq(user).and(entries::account.eq(Account::Uploader)))
        .group_by(entries::currency)
        .select((entries::currency, sql::<BigInt>("CAST(SUM(amount_cents) AS BIGINT)")))
        .load(conn)?;
    Ok(rows.into_iter().map(|(currency, cents)| (currency, Cents(cents))).collect())
}

/// The sums of an order's entries: by account, and by uploader.
pub fn sums(conn: &mut Conn, order: &OrderId) -> Result<BTreeMap<(Account, Option<UserId>), Cents>> {
    let rows: Vec<(Account, Option<UserId>, i64)> = entries::table
        .inner_join(journals::table)
        .filter(journals::order_id.eq(order))
        .group_by((entries::account, entries::user_id))
        .select((entries::account, entries::user_id, sql::<BigInt>("CAST(SUM(amount_cents) AS BIGINT)")))
        .load(conn)?;
    Ok(rows.into_iter().map(|(account, user, cents)| ((account, user), Cents(cents))).collect())
}

/// Journals that do not sum to zero in some currency. There are none, or the books are wrong.
pub fn uneven(conn: &mut Conn) -> Result<Vec<JournalId>> {
    let mut rows: Vec<(JournalId, Option<i64>)> = entries::table
        .group_by((entries::journal_id, entries::currency))
        .select((entries::journal_id, sql::<Nullable<BigInt>>("CAST(SUM(amount_cents) AS BIGINT)")))
        .load(conn)?;
    rows.retain(|(_, sum)| *sum != Some(0));
    Ok(rows.into_iter().map(|(id, _)| id).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::{TrackId, UploadId};

    fn line(price: i64, bps: i64) -> Line {
        let uploader_cents = Cents(price).share(bps);
        Line {
            id: OrderLineId::new(),
            order_id: OrderId::new(),
            position: 0,
            track_id: TrackId::new(),
            upload_id: UploadId::new(),
            uploader_id: UserId::new(),
            title: String::new(),
            uploader_name: String::new(),
            tier: String::new(),
            terms_hash: String::new(),
            price_cents: Cents(price),
            share_bps: bps,
            uploader_cents,
            platform_cents: Cents(price) - uploader_cents,
        }
    }

    fn sum(entries: &[Entry], account: Account) -> i64 {
        entries.iter().filter(|e| e.account == account).map(|e| e.amount.0).sum()
    }

    #[test]
    fn a_sale_is_split_as_in_the_example_of_licences_section_4() {
        let entries = sale_entries(&[line(7_110, 3_500)]);
        let amounts: Vec<(Account, i64)> = entries.iter().map(|e| (e.account, e.amount.0)).collect();
        assert_eq!(
            amounts,
            [(Account::Stripe, -7_110), (Account::Uploader, 2_489), (Account::Platform, 4_621)]
        );
        assert_eq!(sale_entries(&[line(0, 3_500)]), []);
    }

    proptest! {
        /// Whatever is sold and given back in whatever steps, every journal sums to zero, nobody gives back
        /// more than they got, and after the whole sum nothing is left anywhere.
        #[test]
        fn what_is_given_back_reverses_what_was_sold(
            prices in prop::collection::vec(1..100_000_i64, 1..6),
            bps in 0..=10_000_i64,
            mut steps in prop::collection::vec(1..=10_000_u32, 0..5),
        ) {
            let lines: Vec<Line> = prices.iter().map(|price| line(*price, bps)).collect();
            let total = Cents(prices.iter().sum());
            let sold = sale_entries(&lines);
            prop_assert_eq!(sold.iter().map(|e| e.amount.0).sum::<i64>(), 0);
            prop_assert_eq!(sum(&sold, Account::Stripe), -total.0);
            steps.sort_unstable();
            steps.push(10_000);
            let (mut before, mut all) = (Cents::ZERO, sold);
            for step in steps {
                let upto = Cents(total.0 * i64::from(step) / 10_000);
                if upto <= before { continue; }
                let back = refund_entries(&lines, total, before, upto);
                prop_assert_eq!(back.iter().map(|e| e.amount.0).sum::<i64>(), 0);
                prop_assert!(back.iter().filter(|e| e.account == Account::Uploader).all(|e| e.amount <= Cents::ZERO));
                all.extend(back);
                before = upto;
            }
            for account in [Account::Stripe, Account::Platform, Account::Uploader] {
                prop_assert_eq!(sum(&all, account), 0);
            }
            for line in &lines {
                let theirs = all.iter().filter(|e| e.account == Account::Uploader && e.line.as_ref() == Some(&line.id));
                prop_assert_eq!(theirs.map(|e| e.amount.0).sum::<i64>(), 0);
            }
        }
    }
}
