//! The words of `SNUGFIT_OPTIONS`.
//!
//! A new word is a field, a line in [`Options::take`] and one in [`KNOWN`].

/// The variable that the words are in, separated by commas.
pub(crate) const VARIABLE: &[u8] = b"SNUGFIT_OPTIONS";

/// What is said of the words there are to who wrote another.
pub(crate) const KNOWN: &[u8] = b"known are `validate` and `stats=PATH`";

/// What the words ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options<'a> {
    /// `validate`: to check the whole heap at exit.
    pub(crate) validate: bool,
    /// `stats=PATH`: to count calls, and to append a line to this file at exit. Of two the first counts, so that who
    /// puts one in front gets it.
    pub(crate) stats: Option<&'a [u8]>,
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
            _ => return false,
        }
        true
    }
}

/// What is behind `name` in a word that starts with it; nothing is no value.
fn value<'a>(word: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    word.strip_prefix(name).filter(|value| !value.is_empty())
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
        let both = Options { validate: true, stats: Some(b"/tmp/a b=c") };
        assert_eq!(parse(""), (Options::default(), vec![]));
        assert_eq!(parse("validate"), (Options { validate: true, stats: None }, vec![]));
        assert_eq!(parse("stats=/tmp/a b=c,validate"), (both, vec![]));
        assert_eq!(parse(",validate,,stats=/tmp/a b=c,"), (both, vec![]));
    }

    #[test]
    fn the_first_path_counts() {
        assert_eq!(parse("stats=a,stats=b").0.stats, Some(b"a".as_slice()));
    }

    #[test]
    fn other_words_are_handed_back_and_skipped() {
        let validate = Options { validate: true, stats: None };
        assert_eq!(parse("foo,validate,bar=1"), (validate, vec!["foo", "bar=1"]));
        for word in ["Validate", "validate=1", "validat", "validates", " validate", "stats", "stats="] {
            assert_eq!(parse(word), (Options::default(), vec![word]));
        }
    }

    #[test]
    fn every_word_is_said_to_be_known() {
        let known = str::from_utf8(KNOWN).expect("it is text");
        let words: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        assert_eq!(parse(&words.join(",")), (Options { validate: true, stats: Some(b"PATH") }, vec![]));
    }
}
