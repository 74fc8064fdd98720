//! The words of `SNUGFIT_OPTIONS` that are for this library alone; the others are [`snugfit::Options`].
//!
//! A new word is a field, a line in [`Own::take`] and one in [`KNOWN`].

use snugfit::Options;

/// The variable that the words are in, separated by commas.
pub(crate) const VARIABLE: &[u8] = b"SNUGFIT_OPTIONS";

/// What is said of the words there are to who wrote another; behind it come [`Options::WORDS`].
pub(crate) const KNOWN: &[u8] = b"known are `validate`, `stats=PATH`, ";

/// What the words for this library ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Own<'a> {
    /// `validate`: to check the whole heap at exit.
    pub(crate) validate: bool,
    /// `stats=PATH`: to count calls, and to append a line to this file at exit. Of two the first counts, so that who
    /// puts one in front gets it.
    pub(crate) stats: Option<&'a [u8]>,
}

impl<'a> Own<'a> {
    /// Reads all words. Those that nobody knows go to `unknown`, and are skipped.
    pub(crate) fn parse(text: &'a [u8], mut unknown: impl FnMut(&'a [u8])) -> (Self, Options) {
        let mut own = Self::default();
        let options = Options::parse(text, |word| {
            if !own.take(word) {
                unknown(word);
            }
        });
        (own, options)
    }

    /// Whether `word` is one; if so, it counts from now on.
    fn take(&mut self, word: &'a [u8]) -> bool {
        match (word, word.strip_prefix(b"stats=")) {
            (b"validate", _) => self.validate = true,
            (_, Some(path)) if !path.is_empty() => self.stats = self.stats.or(Some(path)),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text asks for, and the words in it that are none.
    fn parse(text: &str) -> (Own<'_>, Options, Vec<&str>) {
        let mut unknown = Vec::new();
        let (own, options) =
            Own::parse(text.as_bytes(), |word| unknown.push(str::from_utf8(word).expect("it is text")));
        (own, options, unknown)
    }

    #[test]
    fn words_are_options_in_any_order() {
        let none = (Own::default(), Options::default(), vec![]);
        let both = Own { validate: true, stats: Some(b"/tmp/a b=c") };
        assert_eq!(parse(""), none);
        assert_eq!(parse("validate").0, Own { validate: true, stats: None });
        assert_eq!(parse("stats=/tmp/a b=c,validate"), (both, none.1, vec![]));
        assert_eq!(parse(",validate,,stats=/tmp/a b=c,"), (both, none.1, vec![]));
    }

    #[test]
    fn the_first_path_counts() {
        assert_eq!(parse("stats=a,stats=b").0.stats, Some(b"a".as_slice()));
    }

    #[test]
    fn words_of_the_allocator_are_handed_on() {
        let (own, options, unknown) = parse("hardened,validate,check=5");
        assert!(own.validate && options.hardening == snugfit::Hardening::ALL);
        assert_eq!((options.check.map(u32::from), unknown), (Some(5), vec![]));
    }

    #[test]
    fn other_words_are_handed_back_and_skipped() {
        assert_eq!(parse("foo,validate,bar=1").2, ["foo", "bar=1"]);
        for word in ["Validate", "validate=1", "validat", "validates", " validate", "stats", "stats="] {
            assert_eq!(parse(word), (Own::default(), Options::default(), vec![word]));
        }
    }

    #[test]
    fn every_word_is_said_to_be_known() {
        let known = str::from_utf8(KNOWN).expect("it is text");
        let words: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        let all = Own { validate: true, stats: Some(b"PATH") };
        assert_eq!(parse(&words.join(",")), (all, Options::default(), vec![]));
    }
}
