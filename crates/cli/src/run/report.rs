//! What the processes of a program report of themselves.

use anyhow::{Context, Result};
use serde::Deserialize;

/// One line of the file: a process at its exit.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub(crate) struct Report {
    pub(crate) pid: u32,
    pub(crate) program: String,
    pub(crate) allocations: usize,
    pub(crate) resizes: usize,
    pub(crate) frees: usize,
    pub(crate) peak_live: usize,
    pub(crate) peak_footprint: usize,
    pub(crate) system_calls: usize,
}

impl Report {
    pub(crate) fn calls(&self) -> usize {
        self.allocations + self.resizes + self.frees
    }

    /// The share of the footprint that was live, at their peaks.
    pub(crate) fn utilization(&self) -> f64 {
        self.peak_live as f64 / self.peak_footprint.max(1) as f64
    }
}

/// Reads all lines, in the order of the exits.
pub(crate) fn read(text: &str) -> Result<Vec<Report>> {
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("a process reported `{line}`")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_reports_and_what_is_not_known_here_is_passed_over() {
        let text = "{\"pid\":7,\"program\":\"sh\",\"allocations\":5,\"resizes\":1,\"frees\":3,\"peak_live\":90,\
                    \"peak_footprint\":100,\"system_calls\":2,\"valid\":null,\"more\":1}\n";
        let reports = read(text).unwrap();
        assert_eq!((reports[0].pid, reports[0].calls()), (7, 9));
        assert!((reports[0].utilization() - 0.9).abs() < 1e-9);
        assert!(read("{\"pid\":7").is_err());
        assert_eq!(read("").unwrap(), []);
    }
}
