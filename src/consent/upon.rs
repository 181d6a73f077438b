//! What a choice is computed upon. It is read when a request begins, and the write that follows takes it only where it still
//! holds: else the choice is computed anew.

use super::account::Kept;
use super::choices::Choices;
use super::guards::Consent;

/// What was read when the request came; or the account's row of later, where something else was chosen before the write.
#[derive(Clone)]
pub(super) struct Upon {
    pub choices: Choices,
    /// The account's row that they were read from.
    pub row: Option<String>,
    pub is_later: bool,
}

impl Upon {
    pub fn read(consent: &Consent) -> Upon {
        Upon { choices: consent.choices.clone(), row: consent.row.clone(), is_later: false }
    }

    /// The row of later, where it is another one. An opt-out of this browser goes on in it.
    pub fn moved(&mut self, kept: Kept) {
        if kept.line == self.row {
            return;
        }
        let opted_out_at = self.choices.opted_out_at;
        let own = kept.choices.unwrap_or_default();
        let choices = Choices { opted_out_at: own.opted_out_at.or(opted_out_at), ..own };
        *self = Upon { choices, row: kept.line, is_later: true };
    }
}
