//! What is printed at the end.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

use super::report::Report;
use crate::units::{bytes, percent};

const HEADER: [&str; 7] = ["process", "pid", "calls", "peak live", "peak footprint", "util", "system calls"];

/// The columns that hold words; numbers are aligned to the right.
const WORDS: usize = 1;

/// More processes than this make nobody wiser.
const ROWS: usize = 12;

const CAPTION: &str = "\
calls: to allocate, resize and free. peak live: usable bytes of blocks in use. peak footprint: bytes held from the
system. util: peak live / peak footprint. system calls: those for memory.";

const NOTHING: &str = "\
snugfit: no process reported. A program that is statically linked, or set-user-ID, does not load the library; one that
ends by a signal, by _exit or by becoming another program does not report.";

/// The summary: the program's own process, which has the id `main`, then the others, the largest first.
pub(crate) fn of(reports: &[Report], main: u32) -> String {
    if reports.is_empty() {
        return NOTHING.to_owned();
    }
    let mut reports: Vec<&Report> = reports.iter().collect();
    reports.sort_by_key(|report| (report.pid != main, std::cmp::Reverse(report.peak_footprint)));
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED.with_solid_inner_borders());
    table.set_header(HEADER);
    for report in reports.iter().take(ROWS) {
        table.add_row(row(report));
    }
    for column in table.column_iter_mut().skip(WORDS) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let rest = match reports.len().saturating_sub(ROWS) {
        0 => String::new(),
        more => format!("... and {more} smaller processes\n"),
    };
    format!("{table}\n{rest}{CAPTION}")
}

fn row(report: &Report) -> [String; HEADER.len()] {
    [
        report.program.clone(),
        report.pid.to_string(),
        report.calls().to_string(),
        bytes(report.peak_live),
        bytes(report.peak_footprint),
        percent(report.utilization()),
        report.system_calls.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(pid: u32, peak_footprint: usize) -> Report {
        let program = format!("program{pid}");
        Report { pid, program, allocations: 10, peak_live: 50, peak_footprint, ..Report::default() }
    }

    #[test]
    fn the_main_process_comes_first_and_small_ones_are_counted() {
        let reports: Vec<Report> = (1..=20).map(|pid| report(pid, 100 * pid as usize)).collect();
        let text = of(&reports, 3);
        let place = |pid: u32| text.find(&format!("program{pid} "));
        assert!(place(3) < place(20) && place(20) < place(19), "{text}");
        assert_eq!((place(3).is_some(), place(1)), (true, None), "{text}");
        assert!(text.contains("and 8 smaller processes"), "{text}");
    }

    #[test]
    fn silence_is_explained() {
        assert!(of(&[], 1).contains("no process reported"));
    }
}
