//! What is printed.

use std::time::Duration;

use serde::Serialize;
use snugfit_trace::{Trace, geometric_mean, median};

use crate::footprint::Footprint;
use crate::peer::Peer;

/// One allocator on one trace.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    trace: String,
    allocator: &'static str,
    operations: usize,
    ns_per_op: f64,
    peak_live_bytes: usize,
    peak_footprint_bytes: usize,
    utilization: f64,
}

impl Row {
    pub(crate) fn new(trace: &Trace, peer: Peer, times: &[Duration], footprint: Footprint) -> Self {
        let mut times: Vec<f64> = times.iter().map(|time| time.as_nanos() as f64).collect();
        let operations = trace.ops().len();
        let Footprint { peak_live, peak_resident } = footprint;
        Self {
            trace: trace.name().to_owned(),
            allocator: peer.name(),
            operations,
            ns_per_op: median(&mut times) / operations as f64,
            peak_live_bytes: peak_live,
            peak_footprint_bytes: peak_resident,
            utilization: peak_live as f64 / peak_resident as f64,
        }
    }
}

pub(crate) fn print_json(rows: &[Row]) {
    println!("{}", serde_json::to_string_pretty(rows).expect("numbers and names"));
}

/// The geometric means of each allocator over all traces, in the order of [`Peer::ALL`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Means {
    pub(crate) times: [f64; Peer::ALL.len()],
    pub(crate) utilizations: [f64; Peer::ALL.len()],
}

impl Means {
    pub(crate) fn of(rows: &[Row]) -> Self {
        let mean = |peer: Peer, value: fn(&Row) -> f64| {
            let of_peer = rows.iter().filter(|row| row.allocator == peer.name());
            geometric_mean(of_peer.map(value)).expect("time passes, and memory is used")
        };
        Self {
            times: Peer::ALL.map(|peer| mean(peer, |row| row.ns_per_op)),
            utilizations: Peer::ALL.map(|peer| mean(peer, |row| row.utilization)),
        }
    }
}

/// A line for each trace, a column for each allocator: ns/op at utilisation; below them the geometric means, and the
/// ratio of the heap's time to each peer's.
pub(crate) fn print_table(rows: &[Row], passes: usize) {
    println!("ns/op (median of {passes} passes) at utilisation");
    print!("{:<10}", "");
    Peer::ALL.iter().for_each(|peer| print!("{:>17}", peer.name()));
    println!();
    for row_of_trace in rows.chunks(Peer::ALL.len()) {
        print!("{:<10}", row_of_trace[0].trace);
        row_of_trace.iter().for_each(|row| print_cell(row.ns_per_op, row.utilization));
        println!();
    }
    print!("{:<10}", "geomean");
    let Means { times, utilizations } = Means::of(rows);
    times.iter().zip(utilizations).for_each(|(&time, utilization)| print_cell(time, utilization));
    print!("\n{:<10}", "bins / it");
    times.iter().for_each(|time| print!("{:>16.3}x", times[0] / time));
    println!();
}

fn print_cell(time: f64, utilization: f64) {
    print!("{time:>8.1} {:>6.1} %", utilization * 100.0);
}
