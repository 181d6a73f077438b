//! Numbers of laws, standards and browsers that this room goes by, each with its source and the month in which that was read.
//! Data, not truth: a lawyer must look at each before a launch. Where a setting may say otherwise, it is that setting's
//! default or its limit.

use crate::clock::Timestamp;

/// How long a yes or a no lasts, in days (`privacy.choice_days`): six months, the good practice that the CNIL names for
/// cookies (guidelines and recommendation of 2020; read November 2026).
pub const CHOICE_DAYS: i64 = 182;

/// The longest it may be set to, in days: 13 months (CNIL; text of the TCF; read November 2026).
pub const LONGEST_CHOICE_DAYS: i64 = 396;

/// How long browsers keep a cookie at most, in days (Chrome's help on the `Max-Age` of cookies, read November 2026). An
/// opt-out of sale and sharing is remembered for as long as that.
pub const COOKIE_CEILING_DAYS: i64 = 400;

/// For how many days nobody who opted out of sale and sharing may be asked to allow it again: twelve months (California Civil
/// Code 1798.135(c)(4), read in summaries, November 2026).
pub const NO_REASK_DAYS: i64 = 366;

/// Days in which an answer to somebody who asks who was given what is due (California Civil Code 1798.83, for requests to the
/// address that the notice names; read in summaries, November 2026).
pub const ANSWER_DAYS: i64 = 30;

/// From this moment on a TC string must carry DisclosedVendors: 28 February 2026, 0:00 UTC (TCF 2.3; read November 2026).
pub const DISCLOSURE_FROM: Timestamp = Timestamp(1_772_236_800_000);

/// The least version of the TCF's policies that a string is acted on with (4, of TCF 2.2; the list says 5 since July 2024;
/// read November 2026).
pub const LEAST_POLICY: u8 = 4;

/// How many days counts of browsers' violation reports are kept: a decision of this project (November 2026).
pub const REPORTS_KEPT_DAYS: i64 = 30;

/// For how many days a look at a vendor's opt-out link counts: a decision of this project (November 2026).
pub const LINK_CHECK_DAYS: i64 = 90;

// What is promised for a time must fit into the cookie that keeps it.
const _: () = assert!(LONGEST_CHOICE_DAYS <= COOKIE_CEILING_DAYS && NO_REASK_DAYS <= COOKIE_CEILING_DAYS);
