//! The heap beside other allocators in pure Rust, on recorded programs: time and density in one run.
//!
//! ```text
//! cargo bench -p snugfit-benches --bench peers                  the table
//! cargo bench -p snugfit-benches --bench peers -- --json        the same as JSON
//! ```
//!
//! `Snugfit` is the allocator of a process, the `#[global_allocator]`: a cache, the heap with bins behind a lock and a page map,
//! and large blocks as mappings. `rusty_alloc` is one too. Of the others none has a lock but `rlsf`, whose users get it as
//! `GlobalTlsf`: `talc` is in its `TalcCell`, `dlmalloc` is
//! `Dlmalloc`, `rlsf, bare` is `FlexTlsf`, and the heap is as it is. (`snugfit compare` shows the system's `malloc`.) The
//! heap checks every pointer that it is given back; the others believe them. Passes alternate, so that whatever else the
//! machine does meanwhile troubles all of them alike; times are medians, and the ratios are of medians. The footprint is
//! the growth of peak resident memory with every byte written, in a process of its own for each, ours included.
//!
//! Bins are held to bars, see `bars`: if one is missed, the program says which, and with `-- --strict` it fails.

mod bars;
mod footprint;
mod peer;
mod rows;

use std::process::ExitCode;
use std::time::Duration;

use peer::Peer;
use rows::Row;
use snugfit_trace::{Replay, Trace, bundled};

/// Timed passes of each allocator on each trace.
const PASSES: usize = 15;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["--footprint", peer, trace] = arguments[..] {
        footprint::report(Peer::named(peer), &read(trace));
        return ExitCode::SUCCESS;
    }
    let only_test = arguments.contains(&"--test");
    let passes = if only_test { 1 } else { PASSES };
    let rows: Vec<Row> = bundled().iter().flat_map(|trace| measure(&read(trace.name), passes)).collect();
    if arguments.contains(&"--json") {
        rows::print_json(&rows);
    } else {
        rows::print_table(&rows, passes);
    }
    // A single pass is too little to judge by.
    let missed = if only_test { Vec::new() } else { bars::missed(&rows) };
    missed.iter().for_each(|sentence| eprintln!("missed: {sentence}"));
    if missed.is_empty() || !arguments.contains(&"--strict") { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(name: &str) -> Trace {
    let bundled = bundled().iter().find(|bundled| bundled.name == name).expect("a bundled trace");
    bundled.read().expect("the bundled traces are sound")
}

/// All peers on one trace.
fn measure(trace: &Trace, passes: usize) -> Vec<Row> {
    let mut replay = Replay::new(trace);
    let mut contenders = Peer::ALL.map(Peer::contender);
    let mut times = Peer::ALL.map(|_| Vec::new());
    for _ in 0..passes {
        for (contender, times) in contenders.iter_mut().zip(&mut times) {
            // The first pass fills the caches, which the others have emptied.
            contender.pass(&mut replay);
            times.push(contender.pass(&mut replay));
        }
    }
    let row = |(peer, times): (Peer, Vec<Duration>)| {
        let footprint = footprint::in_own_process(peer, trace.name());
        Row::new(trace, peer, &times, footprint)
    };
    Peer::ALL.into_iter().zip(times).map(row).collect()
}
