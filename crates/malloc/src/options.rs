//! The words of `SNUGFIT_OPTIONS`.
//!
//! A new word is a field, a line in [`Options::take`] and one in [`KNOWN`].

use core::num::NonZero;

use snugfit::Hardening;

/// The variable that the words are in, separated by commas.
pub(crate) const VARIABLE: &[u8] = b"SNUGFIT_OPTIONS";

/// What is said of the words there are to who wrote another.
pub(crate) const KNOWN: &[u8] =
    b"known are `validate`, `check=N`, `stats=PATH`, `hardened`, `canary`, `fill`, `zero`, \
    `quarantine`, `random`, `guard-pages`, `zero-size` and `guard=RATE`";

/// What the words ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options<'a> {
    /// `validate`: to check the whole heap at exit.
    pub(crate) validate: bool,
    /// `check=N`: to check it after every so many calls too.
    pub(crate) check: Option<NonZero<u32>>,
    /// `stats=PATH`: to count calls, and to append a line to this file at exit. Of two the first counts, so that who
    /// puts one in front gets it.
    pub(crate) stats: Option<&'a [u8]>,
    /// `hardened`, or some of the words that it is the sum of.
    pub(crate) hardening: Hardening,
}

impl<'a> Options<'a> {
    /// Reads all words. Those that it does not know go to `unknown`, and are skipped.
    pub(crate) fn parse(text: &'a [u8], mut unknown: impl FnMut(&'a [u8])) -> Self {
        let mut options = Self::default();
        for word in text.split(|&byte| byte == b',').filter(|word| !word.is_empty()) {
            if !options.take(word) {
                unknown(word);
            }
        }
        options
    }

    /// Whether `word` is one; if so, it counts from now on.
    fn take(&mut self, word: &'a [u8]) -> bool {
        match (word, value(word, b"stats=")) {
            (b"validate", _) => self.validate = true,
            (_, Some(path)) => self.stats = self.stats.or(Some(path)),
            _ => match value(word, b"check=").and_then(number) {
                Some(calls) => self.check = self.check.or(Some(calls)),
                None => return self.harden(word),
            },
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
}

/// What is behind `name` in a word that starts with it; nothing is no value.
fn value<'a>(word: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    word.strip_prefix(name).filter(|value| !value.is_empty())
}

/// A number that is not 0, in decimal digits.
fn number(text: &[u8]) -> Option<NonZero<u32>> {
    str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The options of a text, and the words in it that are none.
    fn parse(text: &str) -> (Options<'_>, Vec<&str>) {
        let mut unknown = Vec::new();
        let options =
            Options::parse(text.as_bytes(), |word| unknown.push(str::from_utf8(word).expect("it is text")));
        (options, unknown)
    }

    #[test]
    fn words_are_options_in_any_order() {
        let both = Options { validate: true, stats: Some(b"/tmp/a b=c"), ..Options::default() };
        assert_eq!(parse(""), (Options::default(), vec![]));
        assert_eq!(parse("validate"), (Options { validate: true, ..Options::default() }, vec![]));
        assert_eq!(parse("stats=/tmp/a b=c,validate"), (both, vec![]));
        assert_eq!(parse(",validate,,stats=/tmp/a b=c,"), (both, vec![]));
    }

    #[test]
    fn the_first_path_counts() {
        assert_eq!(parse("stats=a,stats=b").0.stats, Some(b"a".as_slice()));
    }

    #[test]
    fn other_words_are_handed_back_and_skipped() {
        let validate = Options { validate: true, ..Options::default() };
        assert_eq!(parse("foo,validate,bar=1"), (validate, vec!["foo", "bar=1"]));
        for word in [
            "Validate",
            "validate=1",
            "validat",
            "validates",
            " validate",
            "stats",
            "stats=",
            "check=",
            "check=0",
            "check=x",
        ] {
            assert_eq!(parse(word), (Options::default(), vec![word]));
        }
    }

    #[test]
    fn every_word_is_said_to_be_known() {
        let known = str::from_utf8(KNOWN).expect("it is text");
        let words: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        let words = words.join(",").replace("=N", "=7").replace("RATE", "1000");
        let hardening = Hardening { guard: NonZero::new(1000), ..Hardening::ALL };
        let all = Options { validate: true, check: NonZero::new(7), stats: Some(b"PATH"), hardening };
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
}
