//! Traces of real programs, compiled in.

use crate::{Trace, TraceError};

/// A trace that comes with this crate.
#[derive(Clone, Copy)]
pub struct Bundled {
    /// What it is called: the program that was recorded.
    pub name: &'static str,
    /// The `.rep` file, compressed with gzip.
    pub bytes: &'static [u8],
}

impl Bundled {
    /// The trace itself.
    ///
    /// # Errors
    /// None, if the crate was built from what was checked in: its tests read them all.
    pub fn read(&self) -> Result<Trace, TraceError> {
        Trace::from_bytes(&format!("{}.rep.gz", self.name), self.bytes)
    }
}

impl std::fmt::Debug for Bundled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bundled({}, {} bytes)", self.name, self.bytes.len())
    }
}

macro_rules! bundle {
    ($($name:literal),*) => {
        &[$(Bundled { name: $name, bytes: include_bytes!(concat!("../traces/", $name, ".rep.gz")) }),*]
    };
}

/// The traces that come with this crate, by name: a compiler, a version control system, three interpreters and a
/// database.
///
/// ```
/// let names: Vec<_> = snugfit_trace::bundled().iter().map(|trace| trace.name).collect();
/// assert_eq!(names, ["cc1", "git", "lua5", "perl", "python3", "sqlite3"]);
/// ```
#[must_use]
pub fn bundled() -> &'static [Bundled] {
    bundle!["cc1", "git", "lua5", "perl", "python3", "sqlite3"]
}
