//! How far a long command has come: a bar for whoever watches a terminal, nothing anywhere else.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A count that goes up and the words beside it.
#[derive(Clone)]
pub struct Meter(ProgressBar);

impl Meter {
    /// A bar on the terminal, if standard error is one.
    pub fn on_terminal() -> Meter {
        if !std::io::stderr().is_terminal() {
            return Meter::silent();
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  {human_pos}  {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Meter(bar)
    }

    /// For work that nobody watches.
    pub fn silent() -> Meter {
        Meter(ProgressBar::hidden())
    }

    /// Begins another stretch of the work: what is done now, counted from nothing.
    pub fn says(&self, words: &'static str) {
        self.0.set_position(0);
        self.0.set_message(words);
    }

    /// The same where the whole is known beforehand.
    pub fn says_of(&self, words: &'static str, whole: u64) {
        self.0.set_length(whole);
        if let Ok(style) = ProgressStyle::with_template("{msg}  {wide_bar}  {human_pos}/{human_len}  {eta}") {
            self.0.set_style(style);
        }
        self.says(words);
    }

    /// So many more are done.
    pub fn more(&self, n: usize) {
        self.0.inc(n as u64);
    }

    /// Takes the bar away.
    pub fn done(&self) {
        self.0.finish_and_clear();
    }
}
