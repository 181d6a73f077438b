//! Work that outlives a request: letters (`Job`) and their queue; on top the postman (`run`) and the calendar.
//!
//! A job is plain data, enqueued in the write that caused it. It is taken on a lease, so a worker that dies gives it
//! back; the lease carries a fencing number that is part of every effect, so a worker that was only slow changes
//! nothing. Every job may run twice and the second time finds its work done.

pub mod calendar;
mod queue;
pub mod run;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{OrderId, TextId, UploadId, UserId, VerificationId, WardId};

pub use queue::{
    Attempt, Lease, Parked, State, Waiting, attempt_of, claim, close_order, enqueue, enqueue_as, parked,
    retry, retry_upload, waiting,
};
pub use run::{Bell, Stop, Stopper, stopper};

/// A letter to the postman.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Examine a master: facts, peaks, marked sample and preview.
    ProcessUpload { upload: UploadId },
    /// Render a template of `templates/mail/` and send it. The template's first line is the subject.
    SendLetter { to: String, template: String, values: Value },
    /// Send whoever has this address a link to choose a new password; nothing, when nobody has it. The address alone
    /// is enqueued, so that the answer and its time are the same for both.
    SendReset { email: String },
    /// Tell the buyer what was bought, with the way to the library.
    SendReceipt { order: OrderId },
    /// Ask Stripe what we may have missed.
    Reconcile {},
    /// Synthesise the demo shop's track of this number and upload it as its uploader would.
    FillDemo { number: usize },
    /// Collect bytes that no row names.
    Collect {},
    /// Nobody answered for somebody under age: forget both contacts, if that time is over.
    DropUnanswered { ward: WardId },
    /// Have a code carried to the number of a parent who answers with a text message. The number stands in the row alone.
    SendText { text: TextId },
    /// Forget the numbers of parents that are needed for nothing any more.
    DropNumbers {},
    /// Write to a guardian once more, a day after their answer, or send them a text message where they answered by one.
    ConfirmGuardian { ward: WardId },
    /// Everything about age that a day brings: bands that move, times that are over, yearly letters.
    MoveBands {},
    /// A guardian's card was proved by a small payment: let that count, and give the payment back.
    ProveCard { verification: VerificationId },
    /// Close the payment pages of somebody who may not buy any more, or not what is on them.
    EndCheckouts { buyer: UserId },
    /// Close the payment page of an order that is not to be paid as it was agreed.
    CloseOrder { order: OrderId },
    /// Write to those who want it what is new this week.
    SendNews {},
    /// Ask the publisher of the vendor list for it.
    FetchVendorList {},
    /// Look at our own banner as a visitor does.
    SelfCheck {},
    /// Keep by which words recordings are found that came before any were kept: those whose ids lie behind this one.
    SampleWords { after: String },
}

impl Job {
    /// The word for this kind of job, as operators see it.
    pub fn kind(&self) -> &'static str {
        match self {
            Job::ProcessUpload { .. } => "process_upload",
            Job::SendLetter { .. } => "send_letter",
            Job::SendReset { .. } => "send_reset",
            Job::SendReceipt { .. } => "send_receipt",
            Job::Reconcile {} => "reconcile",
            Job::FillDemo { .. } => "fill_demo",
            Job::Collect {} => "collect",
            Job::DropUnanswered { .. } => "drop_unanswered",
            Job::SendText { .. } => "send_text",
            Job::DropNumbers {} => "drop_numbers",
            Job::ConfirmGuardian { .. } => "confirm_guardian",
            Job::MoveBands {} => "move_bands",
            Job::ProveCard { .. } => "prove_card",
            Job::EndCheckouts { .. } => "end_checkouts",
            Job::CloseOrder { .. } => "close_order",
            Job::SendNews {} => "send_news",
            Job::FetchVendorList {} => "fetch_vendor_list",
            Job::SelfCheck {} => "self_check",
            Job::SampleWords { .. } => "sample_words",
        }
    }

    /// Whether it can do nothing where there is no Stripe to ask.
    pub fn asks_stripe(&self) -> bool {
        matches!(
            self,
            Job::Reconcile {} | Job::ProveCard { .. } | Job::EndCheckouts { .. } | Job::CloseOrder { .. }
        )
    }
}

/// Who goes first when several wait. People before housekeeping before the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    People = 0,
    Upkeep = 5,
    Demo = 9,
}

/// How a job is put into the queue beside what it says.
#[derive(Clone, Debug)]
pub struct Terms {
    /// A second job of the same key is not enqueued while the first is remembered.
    pub once: Option<String>,
    pub priority: Priority,
    /// Not before so many milliseconds from now.
    pub delay_ms: i64,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms { once: None, priority: Priority::People, delay_ms: 0 }
    }
}
