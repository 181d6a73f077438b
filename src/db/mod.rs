//! Which database it is, and nothing else.

/// Whether the same write may succeed when it is tried again.
pub fn may_succeed_again(_error: &diesel::result::Error) -> bool {
    false
}
