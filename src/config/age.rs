//! The settings about the young.

use super::Said;

/// What the shop is towards the young.
#[derive(Clone, Debug)]
pub struct AgeSettings {
    /// A site profile of `consent/jurisdictions.toml`.
    pub profile: String,
    /// What becomes of somebody under the minimum, where the operator says otherwise than the profile; or empty.
    pub under_minimum: String,
    /// Under this age somebody counts as a child (COPPA: 13). Profile and place may raise it.
    pub minimum: u32,
    /// From this age a person needs no guardian.
    pub adult: u32,
    /// How a guardian proves to be one before a ward may sell or be paid.
    pub strength: Strength,
    /// The charge that proves a guardian's card and is given back at once, in minor units.
    pub proof_cents: i64,
}

/// How much proof selling and payouts of a ward need, beyond the guardian's confirmed letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// None beyond it.
    Letter,
    /// A form signed on paper and looked at by two of the staff, or a small payment that is given back.
    Strong,
}

/// Reads them.
pub(super) fn read(said: &mut Said) -> AgeSettings {
    AgeSettings {
        profile: said.text("age.profile", "guardian_under_18"),
        under_minimum: said.text("age.under_minimum", ""),
        minimum: said.read("age.minimum", 13, "13 or more", |text| {
            text.parse().ok().filter(|n| (13..=21).contains(n))
        }),
        adult: said
            .read("age.adult", 18, "18 or more", |text| text.parse().ok().filter(|n| (18..=21).contains(n))),
        strength: said.read("age.strength", Strength::Strong, "letter or strong", |text| match text {
            "letter" => Some(Strength::Letter),
            "strong" => Some(Strength::Strong),
            _ => None,
        }),
        proof_cents: said.read("age.proof_cents", 50, "50 to 500 minor units", |text| {
            text.parse().ok().filter(|n| (50..=500).contains(n))
        }),
    }
}
