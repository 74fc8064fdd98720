//! The results as a table.

use comfy_table::presets::UTF8_FULL;
use comfy_table::{Cell, CellAlignment, Row as TableRow, Table};

use crate::mean;
use crate::row::{Parts, Row};
use crate::strategy::Strategy;
use crate::units::{bytes, nanoseconds, percent};

const HEADER: [&str; 11] = [
    "trace",
    "strategy",
    "ops",
    "ns/op",
    "peak live",
    "footprint",
    "util",
    "headers",
    "rounding",
    "free",
    "metadata",
];

/// The columns that hold words; numbers are aligned to the right.
const WORDS: usize = 2;

/// The longest name that leaves the table readable at 120 columns.
const LONGEST_NAME: usize = 12;

/// A table of the results: one row a trace, with one line a strategy, and the means at the end.
pub(crate) fn table(rows: &[Row], strategies: &[Strategy]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL.with_solid_inner_borders());
    table.set_header(HEADER);
    for of_trace in rows.chunks(strategies.len()) {
        table.add_row(merge(of_trace.iter().map(line)));
    }
    table.add_row(merge(strategies.iter().map(|&strategy| mean_line(rows, strategy))));
    for column in table.column_iter_mut().skip(WORDS) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

type Line = [String; HEADER.len()];

fn line(row: &Row) -> Line {
    let share = |part: fn(&Parts) -> usize| match &row.parts {
        Some(parts) => percent(part(parts) as f64 / row.peak_footprint_bytes as f64),
        None => "-".to_owned(),
    };
    [
        shortened(&row.trace),
        row.strategy.name().to_owned(),
        row.ops.to_string(),
        nanoseconds(row.ns_per_op),
        bytes(row.peak_live_bytes),
        bytes(row.peak_footprint_bytes),
        percent(row.utilization),
        share(|parts| parts.header_bytes),
        share(|parts| parts.rounding_bytes),
        share(|parts| parts.free_bytes),
        share(|parts| parts.metadata_bytes),
    ]
}

fn mean_line(rows: &[Row], strategy: Strategy) -> Line {
    let mean = |value: fn(&Row) -> f64, print: fn(f64) -> String| {
        mean::geometric(rows, strategy, value).map_or("-".to_owned(), print)
    };
    let mut line = Line::default();
    line[0] = "geomean".to_owned();
    line[1] = strategy.name().to_owned();
    line[3] = mean(|row| row.ns_per_op, nanoseconds);
    line[6] = mean(|row| row.utilization, percent);
    line
}

/// Makes one row of several lines. What is the same for all of them, the name of the trace, is said once.
fn merge(lines: impl Iterator<Item = Line>) -> TableRow {
    let lines: Vec<Line> = lines.collect();
    let column =
        |number: usize| lines.iter().map(|line| line[number].as_str()).collect::<Vec<_>>().join("\n");
    let cell = |number| if number == 0 { Cell::new(&lines[0][0]) } else { Cell::new(column(number)) };
    TableRow::from((0..HEADER.len()).map(cell).collect::<Vec<_>>())
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    let kept: String = name.chars().take(LONGEST_NAME - 1).collect();
    format!("{kept}…")
}
