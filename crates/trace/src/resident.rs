//! The resident memory of this process, as Linux accounts for it.

use std::{fs, io};

use crate::Progress;

/// Watches the resident memory of this process grow during a replay: the footprint of an allocator that does not
/// account for it itself. Whatever else the process allocates meanwhile is in it too, so the replay belongs in a
/// process of its own, after everything it needs was touched.
///
/// The kernel keeps a high-water mark, but raises it from a count that may lag behind by some dozen pages on every
/// processor, and that is percents of a small trace. What it reports when asked is exact. So it is asked whenever
/// more is allocated than before, and now and then; the high-water mark is for what comes and goes in between.
#[derive(Debug)]
pub struct ResidentWatch {
    base: usize,
    peak: usize,
    /// Ask again when this many bytes are allocated.
    live_bytes: usize,
    /// Ask again at this operation.
    operation: usize,
}

impl ResidentWatch {
    /// The most operations that pass unwatched.
    const PERIOD: usize = 512;

    /// Starts from what is resident now. From here on this process gets no huge pages.
    ///
    /// # Errors
    /// If Linux's `/proc` does not reset, or does not tell, the peak of resident memory.
    pub fn start() -> io::Result<Self> {
        forbid_huge_pages();
        let file = "/proc/self/clear_refs";
        fs::write(file, "5").map_err(|error| {
            said(error.kind(), &format!("cannot reset peak resident memory by {file}: {error}"))
        })?;
        let base = status("VmRSS:")?;
        Ok(Self { base, peak: base, live_bytes: 0, operation: 0 })
    }

    /// To be called after every operation: pass it on from [`Replay::check`](crate::Replay::check).
    pub fn observe(&mut self, progress: Progress) {
        if progress.live_bytes < self.live_bytes && progress.operation < self.operation {
            return;
        }
        // A failure would come again at the end, and is reported there.
        self.peak = self.peak.max(status("VmHWM:").unwrap_or(0));
        // A thousandth more, or a page.
        self.live_bytes = self.live_bytes.max(progress.live_bytes + progress.live_bytes / 1024 + 4096);
        self.operation = progress.operation + Self::PERIOD;
    }

    /// By how many bytes the peak has grown.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub fn growth(&self) -> io::Result<usize> {
        Ok(self.peak.max(status("VmHWM:")?) - self.base)
    }
}

/// With huge pages, the first byte touched of two MiB would count as all of them.
fn forbid_huge_pages() {
    // SAFETY: sets a flag of this process; the unused arguments have to be 0. If it is refused, so be it.
    unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1_usize, 0_usize, 0_usize, 0_usize) };
}

fn said(kind: io::ErrorKind, sentence: &str) -> io::Error {
    io::Error::new(kind, sentence)
}

fn status(key: &str) -> io::Result<usize> {
    let file = "/proc/self/status";
    let text = fs::read_to_string(file)
        .map_err(|error| said(error.kind(), &format!("cannot read {file}: {error}")))?;
    let kibibytes =
        text.lines().find_map(|line| line.strip_prefix(key)?.trim().strip_suffix(" kB")?.parse().ok());
    kibibytes
        .map(|number: usize| number * 1024)
        .ok_or_else(|| said(io::ErrorKind::NotFound, &format!("{file} does not state {key}")))
}
