//! What a round of the indices costs with a thousand times as many free blocks.
//!
//! `oracle` is the floor under every index whose links are in the blocks: it knows without a search which block to
//! return, and touches it. Cold, at a million blocks, even that costs many times what it costs at a thousand, because the
//! block itself has to be fetched from memory. So the bar is for warm rounds, where the search is what counts.
//!
//! Each number is the median of several short runs, in which the indices take turns: whatever else the machine does
//! meanwhile troubles all of them alike.
//!
//! In a virtual machine whose host has small pages, large pages are large in name only: then a million blocks, spread
//! over 64 MB, pay for page tables as well, and the ratios come out higher than what the indices are to blame for.

use std::time::{Duration, Instant};

use snugfit_bins::BinsIndex;
use snugfit_index::FreeIndex;
use snugfit_list::ListIndex;
use snugfit_tree::TreeIndex;

use snugfit_benches::{Oracle, Pace, Population, Requests};

const FEW: usize = 1_000;
const MANY: usize = 1_000_000;
/// The list is O(n): this is as many as it can bear.
const MANY_FOR_A_LIST: usize = 10_000;

/// Not an index, but the least that any costs: one block is touched, without a search.
const FLOOR: &str = "oracle";

/// What a warm round may cost at a million blocks, in rounds at a thousand.
const BAR: f64 = 4.0;

/// Rounds between two looks at the clock.
const BATCH: u64 = 64;

/// How often, and for how long each time.
struct Effort {
    runs: usize,
    slice: Duration,
}

/// For numbers.
const FULL: Effort = Effort { runs: 11, slice: Duration::from_millis(30) };
/// To see that it runs.
const QUICK: Effort = Effort { runs: 1, slice: Duration::from_millis(1) };

/// An index with its blocks.
trait Subject {
    fn rounds(&mut self, requests: &mut Requests, count: u64);
    fn requests(&self, pace: Pace) -> Requests;
}

impl<I: FreeIndex> Subject for Population<I> {
    fn rounds(&mut self, requests: &mut Requests, count: u64) {
        (0..count).for_each(|_| self.round(requests.draw()));
    }

    fn requests(&self, pace: Pace) -> Requests {
        Requests::new(pace, self.largest())
    }
}

/// One index with few and with many blocks.
struct Row {
    name: &'static str,
    many: usize,
    subjects: [Box<dyn Subject>; 2],
}

impl Row {
    fn new<I: FreeIndex + 'static>(name: &'static str, many: usize) -> Self {
        let subject = |count| Box::new(Population::<I>::new(count)) as Box<dyn Subject>;
        Self { name, many, subjects: [FEW, many].map(subject) }
    }
}

/// Rounds until the slice of time is over; returns nanoseconds per round.
fn run(subject: &mut dyn Subject, requests: &mut Requests, slice: Duration) -> f64 {
    let (started, mut rounds) = (Instant::now(), 0);
    loop {
        subject.rounds(requests, BATCH);
        rounds += BATCH;
        let elapsed = started.elapsed();
        if elapsed >= slice {
            return elapsed.as_nanos() as f64 / rounds as f64;
        }
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The medians of each row, with few and with many blocks.
fn measure(rows: &mut [Row], pace: Pace, effort: &Effort) -> Vec<[f64; 2]> {
    let mut times = vec![[const { Vec::new() }; 2]; rows.len()];
    for _ in 0..effort.runs {
        for (row, times) in rows.iter_mut().zip(&mut times) {
            for (subject, times) in row.subjects.iter_mut().zip(times) {
                let mut requests = subject.requests(pace);
                // The caches are full of the others' blocks.
                run(subject.as_mut(), &mut requests, effort.slice / 2);
                times.push(run(subject.as_mut(), &mut requests, effort.slice));
            }
        }
    }
    times.into_iter().map(|times| times.map(median)).collect()
}

fn print(rows: &[Row], pace: Pace, medians: &[[f64; 2]]) {
    for (row, &[few, many]) in rows.iter().zip(medians) {
        let ratio = many / few;
        let verdict = match pace {
            _ if row.name == FLOOR => "touches one block, without a search",
            Pace::Warm if row.many == MANY && ratio > BAR => "over the bar",
            Pace::Warm if row.many == MANY => "within the bar",
            _ => "",
        };
        println!(
            "{:<7} {:<6} {FEW:>8} {few:>10.1} {:>10} {many:>10.1} {ratio:>7.2}x  {verdict}",
            pace.name(),
            row.name,
            row.many,
        );
    }
}

fn main() {
    let only_test = std::env::args().any(|argument| argument == "--test");
    let effort = if only_test { QUICK } else { FULL };
    let mut rows = [
        Row::new::<BinsIndex>("bins", MANY),
        Row::new::<TreeIndex>("tree", MANY),
        Row::new::<ListIndex>("list", MANY_FOR_A_LIST),
        Row::new::<Oracle>(FLOOR, MANY),
    ];
    println!("A round: find, take, insert. Medians of {} runs. The bar: {BAR}x, warm.", effort.runs);
    println!(
        "{:<7} {:<6} {:>8} {:>10} {:>10} {:>10} {:>8}",
        "pace", "index", "blocks", "ns/round", "blocks", "ns/round", "ratio"
    );
    for pace in Pace::ALL {
        let medians = measure(&mut rows, pace, &effort);
        // What a test measures is too short to mean anything.
        if !only_test {
            print(&rows, pace, &medians);
        }
    }
}
