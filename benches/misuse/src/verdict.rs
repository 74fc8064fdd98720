//! What the end of a child means.

use std::fmt;

use libc::{SIGABRT, SIGBUS, SIGILL, SIGSEGV, SIGTRAP};
use serde::Serialize;

/// What a child prints when it is ready, and when it has come to its end.
pub(crate) const BEGIN: &str = "begin\n";
pub(crate) const END: &str = "end\n";

/// The exit codes of a child.
pub(crate) mod code {
    /// It came to its end, and nobody stopped it.
    pub(crate) const END: i32 = 0;
    /// It came to its end, and the misuse had no effect.
    pub(crate) const HARMLESS: i32 = 70;
    /// The function that is to be misused is not there.
    pub(crate) const ABSENT: i32 = 71;
    /// It could not do what it was to do.
    pub(crate) const FAILED: i32 = 72;
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) how: How,
    pub(crate) said: String,
    pub(crate) errors: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Exit(i32),
    Signal(i32),
    TimedOut,
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::TimedOut => "timed out",
            Self::Signal(SIGABRT) => "SIGABRT",
            Self::Signal(SIGBUS) => "SIGBUS",
            Self::Signal(SIGILL) => "SIGILL",
            Self::Signal(SIGSEGV) => "SIGSEGV",
            Self::Signal(SIGTRAP) => "SIGTRAP",
            Self::Signal(other) => return write!(f, "signal {other}"),
            Self::Exit(code) => return write!(f, "exit code {code}"),
        };
        f.write_str(name)
    }
}

/// What became of a misuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// The allocator has ended the process.
    Caught,
    /// The process died of an access that the system did not allow.
    Crashed,
    /// The program went on, and nothing came of it.
    Harmless,
    /// The program went on.
    Missed,
    /// The program went on for ever.
    Hangs,
    /// The contender does not have the function.
    Absent,
    /// The case could not be run: no verdict.
    Failed,
}

impl Verdict {
    pub(crate) fn of(ended: &Ended) -> Self {
        let has_begun = ended.said.starts_with(BEGIN);
        let has_ended = ended.said.ends_with(END);
        match ended.how {
            How::TimedOut if has_begun => Self::Hangs,
            How::Signal(SIGABRT | SIGILL | SIGTRAP) if has_begun && !has_ended => Self::Caught,
            How::Signal(SIGSEGV | SIGBUS) if has_begun && !has_ended => Self::Crashed,
            How::Exit(code::END) if has_begun && has_ended => Self::Missed,
            How::Exit(code::HARMLESS) if has_begun && has_ended => Self::Harmless,
            How::Exit(code::ABSENT) if has_begun => Self::Absent,
            How::Exit(code::FAILED) => Self::Failed,
            // Some allocators say what is wrong, and exit.
            How::Exit(1..) if has_begun && !has_ended && !ended.errors.is_empty() => Self::Caught,
            How::TimedOut | How::Signal(_) | How::Exit(_) => Self::Failed,
        }
    }

    /// Whether no harm could come of the misuse.
    pub(crate) const fn is_noticed(self) -> bool {
        matches!(self, Self::Caught | Self::Crashed | Self::Harmless)
    }

    /// Whether there was something to notice.
    pub(crate) const fn counts(self) -> bool {
        !matches!(self, Self::Absent | Self::Failed)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Caught => "caught",
            Self::Crashed => "crashed",
            Self::Harmless => "harmless",
            Self::Missed => "missed",
            Self::Hangs => "hangs",
            Self::Absent => "-",
            Self::Failed => "failed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(how: How, said: &str, errors: &str) -> Verdict {
        Verdict::of(&Ended { how, said: said.to_owned(), errors: errors.to_owned() })
    }

    const BOTH: &str = "begin\nend\n";

    #[test]
    fn who_dies_of_the_misuse_was_stopped() {
        for signal in [SIGABRT, SIGILL, SIGTRAP] {
            assert_eq!(verdict(How::Signal(signal), BEGIN, ""), Verdict::Caught, "{signal}");
        }
        for signal in [SIGSEGV, SIGBUS] {
            assert_eq!(verdict(How::Signal(signal), BEGIN, "words"), Verdict::Crashed, "{signal}");
        }
        assert_eq!(verdict(How::Exit(1), BEGIN, "double free"), Verdict::Caught);
    }

    #[test]
    fn who_comes_to_the_end_was_not() {
        assert_eq!(verdict(How::Exit(code::END), BOTH, ""), Verdict::Missed);
        assert_eq!(verdict(How::Exit(code::END), BOTH, "double free"), Verdict::Missed, "words are no deeds");
        assert_eq!(verdict(How::TimedOut, BEGIN, ""), Verdict::Hangs);
        assert_eq!(verdict(How::Exit(code::HARMLESS), BOTH, ""), Verdict::Harmless);
        assert_eq!(verdict(How::Exit(code::ABSENT), BEGIN, ""), Verdict::Absent);
    }

    #[test]
    fn what_happens_before_the_beginning_is_no_verdict() {
        for how in [How::Signal(SIGABRT), How::Signal(SIGSEGV), How::Exit(0), How::Exit(1), How::TimedOut] {
            assert_eq!(verdict(how, "", "words"), Verdict::Failed, "{how:?}");
        }
    }

    #[test]
    fn nor_is_what_nobody_expects() {
        assert_eq!(verdict(How::Exit(code::FAILED), BEGIN, "no memory"), Verdict::Failed);
        assert_eq!(verdict(How::Exit(1), BEGIN, ""), Verdict::Failed, "an exit without a word");
        assert_eq!(verdict(How::Exit(0), BEGIN, ""), Verdict::Failed, "an exit that says it went well");
        assert_eq!(verdict(How::Signal(libc::SIGKILL), BEGIN, ""), Verdict::Failed, "not by the allocator");
        assert_eq!(
            verdict(How::Signal(SIGABRT), BOTH, ""),
            Verdict::Failed,
            "there is nothing behind the end"
        );
    }

    #[test]
    fn harmless_is_as_good_as_caught() {
        use Verdict::{Absent, Caught, Crashed, Failed, Hangs, Harmless, Missed};
        assert!([Caught, Crashed, Harmless].iter().all(|verdict| verdict.is_noticed() && verdict.counts()));
        assert!([Missed, Hangs].iter().all(|verdict| !verdict.is_noticed() && verdict.counts()));
        assert!([Absent, Failed].iter().all(|verdict| !verdict.is_noticed() && !verdict.counts()));
    }
}
