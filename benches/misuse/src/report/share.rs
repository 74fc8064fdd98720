//! What part of the misuses was noticed.

use std::fmt;

use serde::Serialize;

use crate::verdict::Verdict;

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Share {
    pub(crate) noticed: usize,
    /// Those for which there is a verdict.
    pub(crate) of: usize,
}

impl FromIterator<Verdict> for Share {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        verdicts.into_iter().filter(|verdict| verdict.counts()).fold(Self::default(), |share, verdict| Self {
            noticed: share.noticed + usize::from(verdict.is_noticed()),
            of: share.of + 1,
        })
    }
}

impl Share {
    /// In per cent; `None` of nothing.
    pub(crate) fn percent(self) -> Option<f64> {
        (self.of > 0).then(|| 100.0 * self.noticed as f64 / self.of as f64)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.percent() {
            Some(percent) => write!(f, "{} of {}, {percent:.0} %", self.noticed, self.of),
            None => f.write_str("-"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Absent, Caught, Crashed, Failed, Hangs, Harmless, Missed};

    #[test]
    fn what_could_not_be_tried_is_in_neither_number() {
        let share: Share = [Caught, Crashed, Harmless, Missed, Hangs, Absent, Failed].into_iter().collect();
        assert_eq!(share, Share { noticed: 3, of: 5 });
        assert_eq!(share.to_string(), "3 of 5, 60 %");
    }

    #[test]
    fn nothing_of_nothing_is_no_share() {
        let share: Share = [Absent].into_iter().collect();
        assert_eq!((share.percent(), &share.to_string()[..]), (None, "-"));
    }
}
