//! The resident memory of this process, as Linux accounts for it: without what is mapped from files, which is code and
//! nobody's data.
//!
//! Unlike `snugfit_trace::ResidentWatch` this leaves huge pages as they are, because the same run is timed; and as it asks
//! only at the end, a peak is known to within some dozen pages on each processor.

use std::fs;

use anyhow::{Context, Result};

/// What is resident now.
///
/// # Errors
/// If Linux's `/proc` does not tell.
pub(super) fn now() -> Result<u64> {
    without_files("VmRSS:")
}

/// By how much the peak rises.
pub(super) struct Growth {
    start: u64,
}

impl Growth {
    /// From here on.
    ///
    /// # Errors
    /// If Linux's `/proc` does not reset the peak, or does not tell.
    pub(super) fn start() -> Result<Self> {
        let file = "/proc/self/clear_refs";
        fs::write(file, "5").with_context(|| format!("cannot reset peak resident memory by {file}"))?;
        Ok(Self { start: now()? })
    }

    /// Up to here.
    ///
    /// # Errors
    /// If Linux's `/proc` does not tell.
    pub(super) fn bytes(&self) -> Result<u64> {
        Ok(without_files("VmHWM:")?.saturating_sub(self.start))
    }
}

fn without_files(key: &str) -> Result<u64> {
    let file = "/proc/self/status";
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    let bytes = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        let kibibytes = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kibibytes.map(|number| number * 1024).with_context(|| format!("{file} does not state {key}"))
    };
    Ok(bytes(key)?.saturating_sub(bytes("RssFile:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_came_and_went_is_in_the_peak() {
        const SIZE: usize = 64 << 20;
        let growth = Growth::start().unwrap();
        drop(std::hint::black_box(vec![1_u8; SIZE]));
        // Within what other tests may have freed meanwhile.
        assert!(growth.bytes().unwrap() > SIZE as u64 / 2);
    }
}
