//! What must be true of the rows, rule by rule. Each is a question that finds what breaks it; none asks the code that
//! wrote the rows.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use super::check::{Finding, Weight};
use crate::clock::{MINUTE, Timestamp};
use crate::db::Conn;
use crate::each_db;
use crate::error::Result;

/// How many breaches of one rule are listed; more are the same story.
pub(super) const LISTED: usize = 100;

/// A rule of the rows. Its question gives a line per breach: whom it concerns, and more words.
pub(super) struct Rule {
    pub name: &'static str,
    pub weight: Weight,
    /// What is wrong with what the question finds.
    pub words: &'static str,
    ask: &'static str,
}

const fn rule(name: &'static str, words: &'static str, ask: &'static str) -> Rule {
    Rule { name, weight: Weight::Broken, words, ask }
}

/// Every rule that rows alone can prove.
pub(super) const RULES: &[Rule] = &[
    // --- A paid order line gives exactly one licence, an unpaid one none, a refunded one a revoked one. ---
    rule(
        "paid-line-has-licence",
        "a paid order line has not exactly one licence",
        "SELECT 'order line ' || l.id AS about, CAST(COUNT(i.id) AS TEXT) || ' licences' AS more \
         FROM order_lines l JOIN orders o ON o.id = l.order_id LEFT JOIN licences i ON i.order_line_id = l.id \
         WHERE o.state IN ('paid', 'refunded') GROUP BY l.id HAVING COUNT(i.id) <> 1",
    ),
    rule(
        "unpaid-line-has-none",
        "a licence was granted for an order that is not paid",
        "SELECT 'licence ' || i.number AS about, 'order ' || o.id || ' is ' || o.state AS more \
         FROM licences i JOIN order_lines l ON l.id = i.order_line_id JOIN orders o ON o.id = l.order_id \
         WHERE o.state NOT IN ('paid', 'refunded')",
    ),
    rule(
        "refunded-is-revoked",
        "a refunded order's licence is not revoked",
        "SELECT 'licence ' || i.number AS about, 'order ' || o.id AS more \
         FROM licences i JOIN order_lines l ON l.id = i.order_line_id JOIN orders o ON o.id = l.order_id \
         LEFT JOIN revocations r ON r.licence_id = i.id WHERE o.state = 'refunded' AND r.licence_id IS NULL",
    ),
    rule(
        "revoked-was-refunded",
        "a licence is revoked for a refund that its order does not know of",
        "SELECT 'licence ' || i.number AS about, 'order ' || o.id || ' is ' || o.state AS more \
         FROM revocations r JOIN licences i ON i.id = r.licence_id JOIN order_lines l ON l.id = i.order_line_id \
         JOIN orders o ON o.id = l.order_id WHERE r.reason <> 'withdrawn' AND o.state <> 'refunded'",
    ),
    // --- What was ordered adds up. ---
    rule(
        "order-total",
        "an order's total is not the sum of its lines",
        "SELECT 'order ' || o.id AS about, CAST(o.total_cents AS TEXT) || ' against ' || \
            CAST(COALESCE(SUM(l.price_cents), -1) AS TEXT) AS more \
         FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id GROUP BY o.id, o.total_cents \
         HAVING COALESCE(SUM(l.price_cents), -1) <> o.total_cents",
    ),
    rule(
        "line-parts",
        "an order line's parts do not sum to its price",
        "SELECT 'order line ' || id AS about, CAST(uploader_cents AS TEXT) || ' + ' || CAST(platform_cents AS TEXT) \
            || ' against ' || CAST(price_cents AS TEXT) AS more \
         FROM order_lines WHERE uploader_cents + platform_cents <> price_cents \
            OR uploader_cents < 0 OR platform_cents < 0",
    ),
    // --- The books. ---
    rule(
        "journal-sums-to-zero",
        "a journal does not sum to zero",
        "SELECT 'journal ' || j.id AS about, CAST(COALESCE(SUM(e.amount_cents), 0) AS TEXT) || ' ' || \
            COALESCE(e.currency, 'without entries') AS more \
         FROM journals j LEFT JOIN entries e ON e.journal_id = j.id GROUP BY j.id, e.currency \
         HAVING COALESCE(SUM(e.amount_cents), 1) <> 0",
    ),
    rule(
        "sale-is-booked",
        "an order's sale is not booked as often as it was paid",
        "SELECT 'order ' || o.id AS about, 'is ' || o.state || ', booked ' || CAST(COUNT(j.id) AS TEXT) || ' times' AS more \
         FROM orders o LEFT JOIN journals j ON j.order_id = o.id AND j.kind = 'sale' AND j.upto_cents = o.total_cents \
         GROUP BY o.id, o.state, o.total_cents \
         HAVING COUNT(j.id) <> (CASE WHEN o.state IN ('paid', 'refunded') AND o.total_cents > 0 THEN 1 ELSE 0 END)",
    ),
    rule(
        "refund-is-booked",
        "a refunded order still holds money somewhere",
        "SELECT 'order ' || o.id AS about, e.account || ' ' || CAST(SUM(e.amount_cents) AS TEXT) AS more \
         FROM orders o JOIN journals j ON j.order_id = o.id JOIN entries e ON e.journal_id = j.id \
         WHERE o.state = 'refunded' GROUP BY o.id, e.account, e.currency HAVING SUM(e.amount_cents) <> 0",
    ),
    rule(
        "stripe-holds-the-rest",
        "what is booked as held at Stripe is not what was paid and not given back",
        "SELECT 'order ' || o.id AS about, CAST(COALESCE(e.held, 0) AS TEXT) || ' against ' || \
            CAST(COALESCE(b.back, 0) - o.total_cents AS TEXT) AS more \
         FROM orders o \
         LEFT JOIN (SELECT j.order_id, CAST(SUM(e.amount_cents) AS BIGINT) AS held FROM journals j \
               JOIN entries e ON e.journal_id = j.id WHERE e.account = 'stripe' GROUP BY j.order_id) e ON e.order_id = o.id \
         LEFT JOIN (SELECT order_id, MAX(upto_cents) AS back FROM journals WHERE kind = 'refund' GROUP BY order_id) b \
            ON b.order_id = o.id \
         WHERE o.state IN ('paid', 'refunded') AND COALESCE(e.held, 0) <> COALESCE(b.back, 0) - o.total_cents",
    ),
    rule(
        "uploader-balance",
        "an uploader's booked sales are not the sum of their parts of what was sold",
        "SELECT 'account ' || COALESCE(who, 'of nobody') AS about, CAST(SUM(cents) AS TEXT) || ' ' || currency AS more FROM ( \
            SELECT e.user_id AS who, e.currency AS currency, e.amount_cents AS cents FROM entries e \
               JOIN journals j ON j.id = e.journal_id WHERE e.account = 'uploader' AND j.kind = 'sale' \
            UNION ALL SELECT l.uploader_id, o.currency, -l.uploader_cents FROM order_lines l \
               JOIN orders o ON o.id = l.order_id WHERE o.state IN ('paid', 'refunded')) AS both_sides \
         GROUP BY who, currency HAVING SUM(cents) <> 0",
    ),
    rule(
        "uploader-keeps-no-less",
        "an uploader gave back more than they got for a line",
        "SELECT 'order line ' || l.id AS about, CAST(SUM(e.amount_cents) AS TEXT) || ' ' || e.currency AS more \
         FROM entries e JOIN order_lines l ON l.id = e.order_line_id WHERE e.account = 'uploader' \
         GROUP BY l.id, l.uploader_cents, e.currency \
         HAVING SUM(e.amount_cents) < 0 OR SUM(e.amount_cents) > l.uploader_cents",
    ),
    rule(
        "entry-names-its-uploader",
        "an entry is booked for somebody who did not sell the line",
        "SELECT 'journal ' || e.journal_id AS about, 'entry ' || CAST(e.position AS TEXT) AS more \
         FROM entries e LEFT JOIN order_lines l ON l.id = e.order_line_id WHERE e.account = 'uploader' \
            AND (e.user_id IS NULL OR l.uploader_id IS NULL OR l.uploader_id <> e.user_id)",
    ),
    // --- What was sold is billed, and what was given back is credited. ---
    rule(
        "paid-order-has-invoice",
        "an order has not as many invoices as it was paid",
        "SELECT 'order ' || o.id AS about, 'is ' || o.state || ', ' || CAST(COUNT(i.order_id) AS TEXT) || ' invoices' AS more \
         FROM orders o LEFT JOIN invoices i ON i.order_id = o.id AND i.kind = 'invoice' GROUP BY o.id, o.state \
         HAVING COUNT(i.order_id) <> (CASE WHEN o.state IN ('paid', 'refunded') THEN 1 ELSE 0 END)",
    ),
    rule(
        "refunded-order-has-credit-note",
        "an order has not as many credit notes as it was refunded",
        "SELECT 'order ' || o.id AS about, 'is ' || o.state || ', ' || CAST(COUNT(i.order_id) AS TEXT) || ' credit notes' AS more \
         FROM orders o LEFT JOIN invoices i ON i.order_id = o.id AND i.kind = 'credit_note' GROUP BY o.id, o.state \
         HAVING COUNT(i.order_id) <> (CASE WHEN o.state = 'refunded' THEN 1 ELSE 0 END)",
    ),
    rule(
        "invoice-equals-books",
        "an invoice or a credit note is not over what the books say",
        "SELECT i.kind || ' ' || CAST(i.year AS TEXT) || '-' || CAST(i.running AS TEXT) AS about, \
            CAST(o.total_cents AS TEXT) || ' against ' || CAST(COALESCE(b.cents, 0) AS TEXT) AS more \
         FROM invoices i JOIN orders o ON o.id = i.order_id \
         LEFT JOIN (SELECT j.order_id, j.kind, CAST(SUM(e.amount_cents) AS BIGINT) AS cents FROM journals j \
               JOIN entries e ON e.journal_id = j.id WHERE e.account = 'stripe' GROUP BY j.order_id, j.kind) b \
            ON b.order_id = i.order_id AND b.kind = (CASE i.kind WHEN 'invoice' THEN 'sale' ELSE 'refund' END) \
         WHERE COALESCE(b.cents, 0) <> (CASE i.kind WHEN 'invoice' THEN -o.total_cents ELSE o.total_cents END)",
    ),
    rule(
        "invoice-numbers-run",
        "the numbers of a year's invoices have a gap, or one is given twice",
        "SELECT 'year ' || CAST(year AS TEXT) AS about, CAST(COUNT(*) AS TEXT) || ' from ' || CAST(MIN(running) AS TEXT) \
            || ' to ' || CAST(MAX(running) AS TEXT) AS more \
         FROM invoices GROUP BY year \
         HAVING MIN(running) <> 1 OR MAX(running) <> COUNT(*) OR COUNT(DISTINCT running) <> COUNT(*)",
    ),
    // --- A licence keeps what was bought. ---
    rule(
        "licence-equals-line",
        "a licence is not of the buyer, track, tier or terms of its order line",
        "SELECT 'licence ' || i.number AS about, 'order line ' || l.id AS more \
         FROM licences i JOIN order_lines l ON l.id = i.order_line_id JOIN orders o ON o.id = l.order_id \
         WHERE i.buyer_id <> o.buyer_id OR i.track_id <> l.track_id OR i.tier <> l.tier OR i.terms_hash <> l.terms_hash",
    ),
    rule(
        "licence-number-is-single",
        "a licence number is given twice",
        "SELECT 'licence ' || number AS about, CAST(COUNT(*) AS TEXT) || ' times' AS more \
         FROM licences GROUP BY number HAVING COUNT(*) > 1",
    ),
    rule(
        "status-index-is-single",
        "a place in the status lists is given twice",
        "SELECT 'place ' || CAST(status_index AS TEXT) AS about, CAST(COUNT(*) AS TEXT) || ' times' AS more \
         FROM licences GROUP BY status_index HAVING COUNT(*) > 1 OR status_index < 0",
    ),
    // --- Masters are apart, and what is in the shop was examined. ---
    rule(
        "master-is-apart",
        "a master lies under a key that listeners are given",
        "SELECT 'upload ' || id AS about, master_key AS more FROM uploads WHERE master_key IN ( \
            SELECT preview_key FROM recordings UNION ALL SELECT sample_key FROM recordings \
            UNION ALL SELECT peaks_key FROM recordings UNION ALL SELECT artwork_key FROM recordings \
            UNION ALL SELECT picture FROM users WHERE picture IS NOT NULL)",
    ),
    rule(
        "shown-is-examined",
        "a track has no examined recording",
        "SELECT 'track ' || t.slug AS about, 'upload ' || t.upload_id || ' is ' || u.state AS more \
         FROM tracks t JOIN uploads u ON u.id = t.upload_id LEFT JOIN recordings r ON r.upload_id = t.upload_id \
         WHERE u.state <> 'ready' OR r.upload_id IS NULL",
    ),
    rule(
        "upload-has-a-job",
        "an upload waits for an examination that no job will make",
        "SELECT 'upload ' || u.id AS about, 'is ' || u.state AS more \
         FROM uploads u LEFT JOIN jobs j ON j.once_key = 'process:' || u.id AND j.state IN ('ready', 'running') \
         WHERE u.state IN ('received', 'processing') AND j.id IS NULL",
    ),
    // --- What a person should look at, and nothing is broken. ---
    Rule {
        name: "job-is-parked",
        weight: Weight::Warning,
        words: "a job failed too often and waits for a person",
        ask: "SELECT kind || ' ' || id AS about, COALESCE(problem, '') AS more FROM jobs WHERE state = 'parked' ORDER BY id",
    },
    Rule {
        name: "event-is-puzzling",
        weight: Weight::Warning,
        words: "Stripe said something that was not understood",
        ask: "SELECT kind || ' ' || id AS about, problem AS more FROM stripe_events WHERE problem IS NOT NULL ORDER BY id",
    },
    Rule {
        name: "order-waits-for-somebody",
        weight: Weight::Warning,
        words: "Stripe said what the shop cannot mend, and nobody dealt with it (/admin/orders)",
        ask: "SELECT 'order ' || o.id AS about, o.note AS more FROM orders o \
              LEFT JOIN marks m ON m.name = 'order_note:' || o.id AND m.value = o.note \
              WHERE o.note IS NOT NULL AND m.name IS NULL ORDER BY o.id",
    },
];

#[derive(QueryableByName)]
struct Breach {
    #[diesel(sql_type = Text)]
    about: String,
    #[diesel(sql_type = Text)]
    more: String,
}

impl Rule {
    /// What breaks this rule, up to one more than are listed.
    pub(super) fn breaches(&self, conn: &mut Conn) -> Result<Vec<Finding>> {
        let ask = format!("{} LIMIT {}", self.ask, LISTED + 1);
        let found: Vec<Breach> = each_db!(conn, |c| sql_query(&ask).load(c))?;
        let finding = |breach: Breach| Finding {
            rule: self.name,
            weight: self.weight,
            about: breach.about,
            words: match breach.more.is_empty() {
                true => self.words.to_owned(),
                false => format!("{} ({})", self.words, breach.more),
            },
        };
        Ok(found.into_iter().map(finding).collect())
    }
}

/// Jobs that a worker began, was silent about, and that nobody took over since.
pub(super) fn forgotten_jobs(conn: &mut Conn, now: Timestamp) -> Result<Vec<Finding>> {
    use crate::db::schema::jobs;
    let rows: Vec<(String, String, Option<Timestamp>, Option<String>)> = jobs::table
        .filter(jobs::state.eq(crate::jobs::State::Running))
        .filter(jobs::lease_until.is_null().or(jobs::lease_until.lt(now.0 - 5 * MINUTE)))
        .order(jobs::id)
        .limit(LISTED as i64 + 1)
        .select((
            jobs::kind,
            jobs::id,
            jobs::lease_until.into_sql::<diesel::sql_types::Nullable<diesel::sql_types::BigInt>>(),
            jobs::owner,
        ))
        .load(conn)?;
    let finding = |(kind, id, until, owner): (String, String, Option<Timestamp>, Option<String>)| Finding {
        rule: "job-is-taken-over",
        weight: Weight::Broken,
        about: format!("{kind} {id}"),
        words: format!(
            "a job is still with {} whose lease ended {}, and no worker took it over",
            owner.unwrap_or_else(|| "nobody".into()),
            until.map_or("never".into(), |at| format!("at {at}")),
        ),
    };
    Ok(rows.into_iter().map(finding).collect())
}
