//! The results as text: tables in Markdown, which are read as they are as well.

use std::fmt::Write;

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};

use super::share::Share;
use super::{Results, Row};
use crate::verdict::Verdict;

/// What the words in the cells mean.
const WORDS: &str = "\
caught: the allocator ended the process. crashed: the process died of an access that the system does not allow. harmless:
the program came to its end, and the misuse had had no effect. missed: it went through. -: the contender does not have the
function. Noticed are the first three.
";

/// All tables: the shares by kind, every case, and the cases that nobody could notice.
pub(crate) fn text(results: &Results) -> String {
    let mut text = String::new();
    add(&mut text, &shares(results));
    add(&mut text, &cases(results, |row| row.noticeable));
    add(&mut text, WORDS);
    let blind = |row: &Row| row.blind.is_some();
    if results.rows.iter().any(blind) {
        add(&mut text, "What no allocator could notice, and does not count:\n");
        add(&mut text, &cases(results, blind));
        add(&mut text, &reasons(results));
    }
    add(&mut text, "Controls, in which nothing is wrong:\n");
    text + &cases(results, |row| row.is_control)
}

fn add(text: &mut String, paragraph: &str) {
    writeln!(text, "{paragraph}").expect("a string takes whatever comes");
}

fn shares(results: &Results) -> String {
    let mut table = empty(results, &["noticed", "cases"]);
    let mut row = |name: &str, cases: usize, shares: &[Share]| {
        let first = [name.to_owned(), cases.to_string()].into_iter();
        table.add_row(first.chain(shares.iter().map(Share::to_string)));
    };
    for kind in &results.kinds {
        row(kind.kind, kind.noticeable, &kind.shares);
    }
    row("all", results.kinds.iter().map(|kind| kind.noticeable).sum(), &results.totals);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    finished(&table)
}

/// A row for each case that is `wanted`.
fn cases(results: &Results, wanted: impl Fn(&Row) -> bool) -> String {
    let mut table = empty(results, &["case"]);
    for row in results.rows.iter().filter(|row| wanted(row)) {
        let verdicts = row.outcomes.iter().map(|outcome| word(row, outcome.verdict));
        table.add_row([row.case.clone()].into_iter().chain(verdicts));
    }
    finished(&table)
}

/// In a control there is nothing to miss.
fn word(row: &Row, verdict: Verdict) -> String {
    if row.is_control && verdict == Verdict::Missed { "fine".to_owned() } else { verdict.to_string() }
}

/// A line for each case that nobody could notice.
fn reasons(results: &Results) -> String {
    let blind = results.rows.iter().filter_map(|row| Some((&row.case, row.blind?)));
    blind.map(|(case, why)| format!("- `{case}`: {why}\n")).collect()
}

fn empty(results: &Results, first: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    let names = results.contenders.iter().map(|contender| contender.name.clone());
    table.set_header(first.iter().map(|&name| name.to_owned()).chain(names));
    table
}

fn finished(table: &Table) -> String {
    format!("{table}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contender::Contender;
    use crate::report::Outcome;

    fn row(case: &str, kind: &'static str, blind: Option<&'static str>, verdict: Verdict) -> Row {
        let outcomes = vec![Outcome { verdict, ended: String::new(), said: None }];
        let is_control = kind == "control";
        let noticeable = blind.is_none() && !is_control;
        Row { case: case.to_owned(), kind, bytes: 24, is_control, noticeable, blind, outcomes }
    }

    #[test]
    fn every_case_has_its_place_and_only_the_noticeable_count() {
        let contender = Contender { name: "mine".to_owned(), library: None, options: None };
        let rows = vec![
            row("overflow/small", "overflow", None, Verdict::Caught),
            row("overflow/large", "overflow", None, Verdict::Missed),
            row("stray/small", "stray read", Some("it leaves no trace"), Verdict::Missed),
            row("stray/large", "stray read", None, Verdict::Crashed),
            row("control-free", "control", None, Verdict::Missed),
        ];
        let text = text(&Results::new(vec![contender], Vec::new(), rows));
        let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap_or_default();
        let cells = |start: &str| {
            line(start).trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(cells("| noticed"), ["noticed", "cases", "mine"], "{text}");
        assert_eq!(cells("| overflow "), ["overflow", "2", "1 of 2, 50 %"], "{text}");
        assert_eq!(cells("| stray read"), ["stray read", "1", "1 of 1, 100 %"], "{text}");
        assert_eq!(cells("| all"), ["all", "3", "2 of 3, 67 %"], "{text}");
        assert_eq!(cells("| overflow/large"), ["overflow/large", "missed"], "{text}");
        assert_eq!(line("- `stray/small`"), "- `stray/small`: it leaves no trace", "{text}");
        assert_eq!(cells("| control-free"), ["control-free", "fine"], "{text}");
    }
}
