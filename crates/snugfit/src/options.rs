//! Options in words, as `SNUGFIT_OPTIONS` has them.
//!
//! A new word is a field, a line in [`Options::take`] and one in [`Options::WORDS`].

use core::error::Error;
use core::fmt;
use core::num::NonZero;

use crate::{Hardening, TooLate, backtrace_at_end, check_every, harden, keep_headers, set_arenas};

/// What the words ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// `arenas=N`: see [`set_arenas`]. Of two the first counts.
    pub arenas: Option<NonZero<u32>>,
    /// `backtrace`: see [`backtrace_at_end`].
    pub backtrace: bool,
    /// `check=N`: see [`check_every`]. Of two the first counts.
    pub check: Option<NonZero<u32>>,
    /// `headers`: see [`keep_headers`].
    pub headers: bool,
    /// `hardened`, or some of the words that it is the sum of: see [`harden`].
    pub hardening: Hardening,
}

impl Options {
    /// The words there are, for who wrote another.
    pub const WORDS: &str = "`arenas=N`, `backtrace`, `check=N`, `headers`, `hardened`, `canary`, `fill`, `zero`, `quarantine`, `random`, \
        `guard-pages`, `zero-size` and `guard=RATE`";

    /// Reads all of `words`, which are separated by commas. Those that are none of [`WORDS`](Self::WORDS) go to `other`, and are
    /// skipped. Nothing is allocated.
    pub fn parse<'a>(words: &'a [u8], mut other: impl FnMut(&'a [u8])) -> Self {
        let mut options = Self::default();
        for word in words.split(|&byte| byte == b',').filter(|word| !word.is_empty()) {
            if !options.take(word) {
                other(word);
            }
        }
        options
    }

    /// Whether `word` is one; if so, it counts from now on.
    fn take(&mut self, word: &[u8]) -> bool {
        let number_of = |name| value(word, name).and_then(number);
        match (word, number_of(b"check="), number_of(b"arenas=")) {
            (b"backtrace", ..) => self.backtrace = true,
            (b"headers", ..) => self.headers = true,
            (_, calls @ Some(_), _) => self.check = self.check.or(calls),
            (.., count @ Some(_)) => self.arenas = self.arenas.or(count),
            _ => return self.harden(word),
        }
        true
    }

    /// Whether `word` hardens the allocator.
    fn harden(&mut self, word: &[u8]) -> bool {
        let hardening = &mut self.hardening;
        match (word, value(word, b"guard=").and_then(number)) {
            (b"hardened", _) => {
                *hardening = Hardening { guard: hardening.guard.or(Hardening::ALL.guard), ..Hardening::ALL }
            }
            (b"canary", _) => hardening.canary = true,
            (b"fill", _) => hardening.fill = true,
            (b"zero", _) => hardening.zero = true,
            (b"quarantine", _) => hardening.quarantine = true,
            (b"random", _) => hardening.random = true,
            (b"guard-pages", _) => hardening.guard_pages = true,
            (b"zero-size", _) => hardening.zero_size = true,
            (_, rate @ Some(_)) => hardening.guard = rate,
            _ => return false,
        }
        true
    }

    /// Has the allocator of the process do what they ask for, from now on.
    ///
    /// # Errors
    /// If it was hardened before, and is to be hardened. The other options hold all the same.
    pub fn apply(self) -> Result<(), TooLate> {
        if self.backtrace {
            backtrace_at_end();
        }
        if self.headers {
            keep_headers();
        }
        if let Some(count) = self.arenas {
            set_arenas(count);
        }
        if let Some(calls) = self.check {
            check_every(calls.get() as usize);
        }
        if self.hardening == Hardening::NONE { Ok(()) } else { harden(self.hardening) }
    }
}

/// What is behind `name` in a word that starts with it; nothing is no value.
fn value<'a>(word: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    word.strip_prefix(name).filter(|value| !value.is_empty())
}

/// A number that is not 0, in decimal digits.
fn number(text: &[u8]) -> Option<NonZero<u32>> {
    str::from_utf8(text).ok()?.parse().ok()
}

/// Why options were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionsError<'a> {
    /// This word is none. Nothing was done.
    UnknownWord(&'a str),
    /// They harden the allocator, which was hardened before. The other options hold.
    TooLate,
}

impl fmt::Display for OptionsError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownWord(word) => write!(f, "unknown word `{word}`; known are {}", Options::WORDS),
            Self::TooLate => TooLate.fmt(f),
        }
    }
}

impl Error for OptionsError<'_> {}

/// Sets options by the words that `SNUGFIT_OPTIONS` has for the library that is preloaded. Do it before the first allocation:
/// what was allocated before is not hardened. The environment is not read: a program that wants it hands over the variable.
///
/// ```
/// use snugfit::{OptionsError, set_options};
///
/// set_options("canary,zero,check=100000")?;
/// assert_eq!(set_options("canaries"), Err(OptionsError::UnknownWord("canaries")));
/// assert_eq!(set_options("hardened"), Err(OptionsError::TooLate));
/// # Ok::<(), OptionsError<'_>>(())
/// ```
///
/// # Errors
/// If a word is none, or the allocator was hardened before.
pub fn set_options(words: &str) -> Result<(), OptionsError<'_>> {
    let mut unknown = None;
    let options = Options::parse(words.as_bytes(), |word| {
        unknown = unknown.or(Some(str::from_utf8(word).unwrap_or_default()));
    });
    match unknown {
        Some(word) => Err(OptionsError::UnknownWord(word)),
        None => options.apply().map_err(|TooLate| OptionsError::TooLate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    /// The options of a text, and the words in it that are none.
    fn parse(text: &str) -> (Options, Vec<&str>) {
        let mut others = Vec::new();
        let options =
            Options::parse(text.as_bytes(), |word| others.push(str::from_utf8(word).expect("it is text")));
        (options, others)
    }

    #[test]
    fn words_are_options_in_any_order() {
        let both = Options { backtrace: true, check: NonZero::new(7), ..Options::default() };
        assert_eq!(parse(""), (Options::default(), vec![]));
        assert_eq!(parse("backtrace,check=7"), (both, vec![]));
        assert_eq!(parse(",check=7,,backtrace,check=9,"), (both, vec![]));
        assert_eq!(parse("arenas=3,arenas=1").0.arenas, NonZero::new(3));
    }

    #[test]
    fn other_words_are_handed_over_and_skipped() {
        let backtrace = Options { backtrace: true, ..Options::default() };
        assert_eq!(parse("foo,backtrace,bar=1"), (backtrace, vec!["foo", "bar=1"]));
        let none =
            ["Backtrace", "backtrace=1", "backtrac", " backtrace", "check", "check=", "check=0", "check=x"];
        for word in none {
            assert_eq!(parse(word), (Options::default(), vec![word]));
        }
    }

    #[test]
    fn every_word_is_said_to_be_known() {
        let words: Vec<&str> = Options::WORDS.split('`').skip(1).step_by(2).collect();
        let words = words.join(",").replace("=N", "=7").replace("RATE", "1000");
        let hardening = Hardening { guard: NonZero::new(1000), ..Hardening::ALL };
        let seven = NonZero::new(7);
        let all = Options { arenas: seven, backtrace: true, check: seven, headers: true, hardening };
        assert_eq!(parse(&words), (all, vec![]));
    }

    #[test]
    fn each_word_of_the_hardened_mode_stands_alone() {
        let hardening = |text| parse(text).0.hardening;
        assert_eq!(hardening("zero"), Hardening { zero: true, ..Hardening::NONE });
        assert_eq!(hardening("guard=7"), Hardening { guard: NonZero::new(7), ..Hardening::NONE });
        assert_eq!(hardening("guard=7,hardened"), Hardening { guard: NonZero::new(7), ..Hardening::ALL });
        let sum = hardening("canary,fill,zero,quarantine,random,guard-pages,zero-size");
        assert_eq!(Hardening { guard: Hardening::ALL.guard, ..sum }, Hardening::ALL);
        for word in ["guard", "guard=", "guard=0", "guard=-1", "guard=x", "guard=99999999999"] {
            assert_eq!(parse(word), (Options::default(), vec![word]));
        }
    }

    #[test]
    fn a_word_that_is_none_changes_nothing() {
        assert_eq!(set_options("hardened,foo"), Err(OptionsError::UnknownWord("foo")));
        assert!(!crate::mode::is_hardened());
    }
}
