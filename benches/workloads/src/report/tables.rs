//! The results as tables.

use std::fmt::Write;

use comfy_table::presets::{UTF8_FULL, UTF8_FULL_CONDENSED};
use comfy_table::{CellAlignment, Table};

use super::{Cell, Machine, Means, Ratio, Results};
use crate::workload::WorkloadName;

/// What the columns cannot say in a word.
const PLACES: &str = "\
milliseconds, the median of the rounds; below, the ratio to the reference. The work is fixed for each thread, so with twice
the threads there is twice the work.";
const MEANS: &str = "\
time, RSS: peak growth of resident memory, both in terms of the reference. util: peak live bytes / peak growth of resident
memory. x time, x RSS: what x takes in terms of the contender in this row. All are geometric means over the workloads;
those of false sharing hold too little memory to count for RSS and util. *: without the places where one of both failed.";

/// All tables: for each number of threads the times and the means, and the means over all.
pub(crate) fn text(results: &Results) -> String {
    let mut text = String::new();
    for &threads in &results.settings.threads {
        add(&mut text, &format!("{}, reference: {}", title(Some(threads)), results.reference));
        add(&mut text, &places(results, threads));
        add(&mut text, PLACES);
        add(&mut text, "");
        add(&mut text, &means(results, Some(threads)));
    }
    if results.settings.threads.len() > 1 {
        add(&mut text, &title(None));
        add(&mut text, &means(results, None));
    }
    add(&mut text, MEANS);
    text + &company(&results.machine)
}

/// Who else was there.
fn company(machine: &Machine) -> String {
    match machine.processors_used_by_others {
        Some(others) => format!("Meanwhile others used {others:.2} of {} processors.", machine.cores),
        None => "What others did meanwhile is not known.".to_owned(),
    }
}

fn add(text: &mut String, paragraph: &str) {
    writeln!(text, "{paragraph}").expect("a string takes whatever comes");
}

fn title(threads: Option<usize>) -> String {
    match threads {
        Some(1) => "1 thread".to_owned(),
        Some(threads) => format!("{threads} threads"),
        None => "all numbers of threads".to_owned(),
    }
}

/// A row for each workload, a column for each contender.
fn places(results: &Results, threads: usize) -> String {
    let contenders = results.contenders.iter().map(|contender| contender.name.clone());
    let mut table = empty([String::from("workload")].into_iter().chain(contenders), true);
    for &workload in &results.settings.workloads {
        let of = |name: &str| place(results, workload, threads, name);
        let cells = results.contenders.iter().map(|contender| of(&contender.name));
        table.add_row([short(workload)].into_iter().chain(cells));
    }
    finished(table)
}

/// The longer names are broken, or the columns would not fit beside them.
fn short(workload: WorkloadName) -> String {
    workload.name().replace("producer_", "producer_\n").replace("sharing_", "sharing_\n")
}

fn place(results: &Results, workload: WorkloadName, threads: usize, contender: &str) -> String {
    let time = |name| results.cell(workload, threads, name).and_then(|cell: &Cell| cell.median_nanoseconds);
    let Some(own) = time(contender) else { return "failed".to_owned() };
    let ratio = time(&results.reference).map_or("-".to_owned(), |reference| factor(own / reference));
    format!("{:.1}\n{ratio}", own / 1e6)
}

/// A row for each contender.
fn means(results: &Results, threads: Option<usize>) -> String {
    let rows: Vec<&Means> = results.means.iter().filter(|means| means.threads == threads).collect();
    let ours = rows.first().map_or(&[][..], |means| &means.ours);
    let headers = ours.iter().flat_map(|ratio| ["time", "RSS"].map(|what| format!("{} {what}", ratio.of)));
    let mut table =
        empty(["contender", "time", "RSS", "util"].map(str::to_owned).into_iter().chain(headers), false);
    for means in rows {
        let util = means.utilisation.map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0));
        let [time, rss] = both(&means.to_reference);
        let ours = means.ours.iter().flat_map(both);
        table.add_row([means.contender.clone(), time, rss, util].into_iter().chain(ours));
    }
    finished(table)
}

fn both(ratio: &Ratio) -> [String; 2] {
    let partial = if ratio.is_partial() { "*" } else { "" };
    [ratio.time, ratio.peak_rss]
        .map(|value| value.map_or("-".to_owned(), |value| format!("{}{partial}", factor(value))))
}

fn factor(value: f64) -> String {
    format!("{value:.2}x")
}

fn empty(header: impl Iterator<Item = String>, lines_between: bool) -> Table {
    let mut table = Table::new();
    let lines = UTF8_FULL.with_solid_inner_borders();
    table.load_style(if lines_between { lines } else { UTF8_FULL_CONDENSED });
    table.set_header(header);
    table
}

/// The first column holds words; numbers are aligned to the right.
fn finished(mut table: Table) -> String {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn every_contender_and_every_workload_is_there() {
        let results = example::results();
        let text = text(&results);
        for contender in &results.contenders {
            // In the times and in the means of each number of threads, and in the means over all.
            let count = text.split_whitespace().filter(|word| *word == contender.name).count();
            assert!(count >= 5, "{} is there {count} times:\n{text}", contender.name);
        }
        for workload in ["trees", "active", "1 thread,", "2 threads,", "all numbers"] {
            assert!(text.contains(workload), "{workload}:\n{text}");
        }
    }

    #[test]
    fn ratios_are_to_the_reference() {
        let text = text(&example::results());
        // The first takes half of what the second, the reference, takes, and the third one and a half times that.
        for ratio in ["0.50x", "1.00x", "1.50x"] {
            assert!(text.contains(ratio), "{ratio}:\n{text}");
        }
        assert!(text.contains("50.0 %") && text.contains("25.0 %"), "{text}");
    }

    #[test]
    fn a_failure_is_said_and_not_averaged() {
        let mut results = example::results();
        results.cells[2].failure = Some("it crashed".to_owned());
        results.cells.iter_mut().for_each(|cell| cell.median_nanoseconds = None);
        let Results { machine, settings, contenders, missing, reference, cells, .. } = results;
        let text = text(&Results::new(machine, &settings, contenders, missing, reference, cells));
        assert!(text.contains("failed") && text.contains("x*"), "{text}");
    }
}
