//! What can be wrong with a trace, in words for the person who has to mend it.

use std::{fmt, io};

/// A trace that cannot be used: which file, which line, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}", Place(self))]
pub struct TraceError {
    file: String,
    line: Option<usize>,
    damage: Damage,
}

/// Prints an error as compilers do, so that editors can jump to the line.
struct Place<'a>(&'a TraceError);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TraceError { file, line, damage } = self.0;
        match line {
            Some(line) => write!(f, "{file}:{line}: {damage}"),
            None => write!(f, "{file}: {damage}"),
        }
    }
}

impl TraceError {
    pub(crate) fn new(file: &str, line: Option<usize>, damage: Damage) -> Self {
        Self { file: file.to_owned(), line, damage }
    }

    /// The file, as it was named to the reader.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, counted from 1; `None` if the file could not be opened at all.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// What is wrong there.
    #[must_use]
    pub fn damage(&self) -> &Damage {
        &self.damage
    }
}

/// The ways in which a trace can be damaged.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// The file could not be opened.
    #[error("cannot open the trace: {0}")]
    Open(io::Error),
    /// Reading failed in the middle.
    #[error("cannot read on from here: {0}")]
    Read(io::Error),
    /// The gzip stream is not whole.
    #[error(
        "the gzip stream is damaged or cut off after this line ({0}); `gzip -t` will tell; fetch the file again"
    )]
    Gzip(io::Error),
    /// A line is not text.
    #[error("not text: a trace is lines of ASCII, plain or compressed with gzip")]
    Binary,
    /// A line is longer than any operation.
    #[error("a line of more than {limit} bytes: no operation is that long, so this is not a trace")]
    LongLine {
        /// The longest line that is read.
        limit: usize,
    },
    /// The file ends before the header does.
    #[error("the file ends here, where the header should state the {field}")]
    ShortHeader {
        /// What the line should have held.
        field: &'static str,
    },
    /// A header line is not one number.
    #[error("the header should state the {field} here as one number, but the line reads `{found}`")]
    Header {
        /// What the line should have held.
        field: &'static str,
        /// What it holds.
        found: String,
    },
    /// More ids than 32 bits can tell apart.
    #[error("{ids} ids are more than can be told apart: the most is {}", u32::MAX)]
    TooManyIds {
        /// The number the header states.
        ids: u64,
    },
    /// More ids than operations.
    #[error(
        "the header states {ids} ids but only {ops} operations: every id takes an operation to come to life"
    )]
    UnusedIds {
        /// Ids according to the header.
        ids: u32,
        /// Operations according to the header.
        ops: usize,
    },
    /// No operation starts like this.
    #[error(
        "unknown operation `{found}`: expected `a ID SIZE`, `c ID COUNT SIZE`, `m ID SIZE ALIGN`, `r ID SIZE` or `f ID`"
    )]
    UnknownOperation {
        /// What stands where the letter should.
        found: String,
    },
    /// The line ends too early.
    #[error("the {field} is missing")]
    MissingField {
        /// What should follow.
        field: &'static str,
    },
    /// The line goes on too long.
    #[error("`{found}` is one field too many")]
    ExtraField {
        /// The first field that does not belong.
        found: String,
    },
    /// A field is not a number.
    #[error("the {field} should be a number from 0 to {max}, but reads `{found}`")]
    NotANumber {
        /// What should stand here.
        field: &'static str,
        /// The largest number that may.
        max: u64,
        /// What does.
        found: String,
    },
    /// The file ends before all operations were read.
    #[error("the trace is cut off: the header states {expected} operations, but only {found} are here")]
    TooFewOperations {
        /// Operations according to the header.
        expected: u64,
        /// Operations in the file.
        found: usize,
    },
    /// More operations than the header states.
    #[error("more operations than the {expected} that the header states")]
    TooManyOperations {
        /// Operations according to the header.
        expected: u64,
    },
    /// An id the header leaves no room for.
    #[error("id {id} is out of range: the header states {ids} ids, counted from 0")]
    IdOutOfRange {
        /// The id.
        id: u32,
        /// Ids according to the header.
        ids: u32,
    },
    /// Allocation under an id that is taken.
    #[error("`{letter}` allocates id {id}, which is still allocated: free it first, or use another id")]
    AlreadyAllocated {
        /// The operation.
        letter: char,
        /// The id.
        id: u32,
    },
    /// Use of an id that is not allocated.
    #[error("`{letter}` needs id {id}, which is not allocated here")]
    NotAllocated {
        /// The operation.
        letter: char,
        /// The id.
        id: u32,
    },
    /// A size no allocator can serve.
    #[error("the size is more than {} bytes, the most an object can have", isize::MAX)]
    TooLarge,
    /// An alignment that is none.
    #[error("the alignment {align} is not a power of two up to {}", 1_usize << 62)]
    Alignment {
        /// The number.
        align: usize,
    },
}
