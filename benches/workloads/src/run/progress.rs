//! The progress bar.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error; nothing if that is not a terminal. It is drawn between the runs only.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(steps: usize) -> Self {
        let target =
            if stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(steps as u64), target);
        let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {eta:>4} left  {msg}");
        bar.set_style(style.expect("the template is well-formed"));
        Self(bar)
    }

    /// Says what is being done.
    pub(super) fn say(&self, doing: String) {
        self.0.set_message(doing);
    }

    pub(super) fn step(&self) {
        self.0.inc(1);
    }

    /// Says something that stays.
    pub(super) fn note(&self, sentence: &str) {
        self.0.suspend(|| super::note(sentence));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
