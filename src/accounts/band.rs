//! What everyone else must know of somebody's age: three words, and why an account shows nothing but a notice. How it
//! was found out, and who answers for the young, is the business of later rooms.

use crate::text_enum;

text_enum! {
    /// What an age means here. The younger is the smaller.
    pub enum Band {
        /// Under the minimum in force.
        Child = "child",
        /// From there until they are of age.
        Minor = "minor",
        Adult = "adult",
    }
}

text_enum! {
    /// Why an account shows its owner nothing but a notice.
    pub enum Hold {
        /// Somebody said that its owner is too young.
        Discovered = "discovered",
        /// A sign says that its owner is younger than they declared.
        Conflict = "conflict",
        /// Who answers for its owner took everything back, or nobody said yes in time.
        Ended = "ended",
        /// Its owner came into the next band and is asked anew.
        AskedAnew = "asked_anew",
    }
}
