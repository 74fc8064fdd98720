//! What a round of the indices costs with a thousand times as many free blocks.
//!
//! `oracle` is the floor under every index whose links are in the blocks: it knows without a search which block to
//! return, and touches it. Cold, at a million blocks, even that costs many times what it costs at a thousand, because the
//! block itself has to be fetched from memory. So the bar is for warm rounds, where the search is what counts.
//!
//! Each number is the median of several short runs, in which the indices take turns: whatever else the machine does
//! meanwhile troubles all of them alike.
//!
//! The list is shown beside them: it is O(n), and no bar is set for it. If another index is over the bar, the program
//! says so, and with `-- --strict` it fails.
//!
//! In a virtual machine whose host has small pages, large pages are large in name only: then a million blocks, spread
//! over 64 MB, pay for page tables as well, and the ratios come out higher than what the indices are to blame for.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use snugfit_bins::BinsIndex;
use snugfit_index::FreeIndex;
use snugfit_list::ListIndex;
use snugfit_trace::median;
use snugfit_tree::TreeIndex;

use snugfit_benches::{Oracle, Pace, Population, Requests};

const FEW: usize = 1_000;
const MANY: usize = 1_000_000;
/// What a warm round may cost at a million blocks, in rounds at a thousand.
const BAR: f64 = 4.0;

/// The most rounds between two looks at the clock.
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

/// What is expected of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// To stay within the bar, warm.
    Barred,
    /// Nothing: it is shown for comparison, and this is why.
    Shown(&'static str),
}

/// One index with few and with many blocks.
struct Row {
    name: &'static str,
    role: Role,
    subjects: [Box<dyn Subject>; 2],
}

impl Row {
    fn new<I: FreeIndex + 'static>(name: &'static str, role: Role) -> Self {
        let subject = |count| Box::new(Population::<I>::new(count)) as Box<dyn Subject>;
        Self { name, role, subjects: [FEW, MANY].map(subject) }
    }

    fn misses(&self, pace: Pace, [few, many]: [f64; 2]) -> bool {
        self.role == Role::Barred && pace == Pace::Warm && many / few > BAR
    }
}

/// Rounds until the slice of time is over, one at least; returns nanoseconds per round.
fn run(subject: &mut dyn Subject, requests: &mut Requests, slice: Duration) -> f64 {
    let (started, mut rounds, mut batch) = (Instant::now(), 0, 1);
    loop {
        subject.rounds(requests, batch);
        rounds += batch;
        let elapsed = started.elapsed();
        if elapsed >= slice {
            return elapsed.as_nanos() as f64 / rounds as f64;
        }
        // So a slow round is not one of many in a batch, and a quick one not delayed by the clock.
        batch = BATCH.min(batch * 2);
    }
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
    times.into_iter().map(|times| times.map(|mut times| median(&mut times))).collect()
}

fn print(rows: &[Row], pace: Pace, medians: &[[f64; 2]]) {
    for (row, &[few, many]) in rows.iter().zip(medians) {
        let verdict = match row.role {
            Role::Shown(why) => why,
            Role::Barred if row.misses(pace, [few, many]) => "over the bar",
            Role::Barred if pace == Pace::Warm => "within the bar",
            Role::Barred => "",
        };
        println!(
            "{:<7} {:<6} {FEW:>8} {few:>10.1} {MANY:>10} {many:>12.1} {:>8.2}x  {verdict}",
            pace.name(),
            row.name,
            many / few,
        );
    }
}

/// Says which rows miss the bar; whether there is one.
fn complain(rows: &[Row], pace: Pace, medians: &[[f64; 2]]) -> bool {
    let mut missed = false;
    for (row, &medians) in rows.iter().zip(medians).filter(|(row, medians)| row.misses(pace, **medians)) {
        let ratio = medians[1] / medians[0];
        eprintln!("missed: {} {} takes {ratio:.2}x at {MANY} blocks, {BAR}x allowed", pace.name(), row.name);
        missed = true;
    }
    missed
}

fn main() -> ExitCode {
    let only_test = std::env::args().any(|argument| argument == "--test");
    let effort = if only_test { QUICK } else { FULL };
    let mut rows = [
        Row::new::<BinsIndex>("bins", Role::Barred),
        Row::new::<TreeIndex>("tree", Role::Barred),
        Row::new::<ListIndex>("list", Role::Shown("walks all blocks")),
        Row::new::<Oracle>("oracle", Role::Shown("touches one block, without a search")),
    ];
    println!("A round: find, take, insert. Medians of {} runs. The bar: {BAR}x, warm.", effort.runs);
    println!(
        "{:<7} {:<6} {:>8} {:>10} {:>10} {:>12} {:>9}",
        "pace", "index", "blocks", "ns/round", "blocks", "ns/round", "ratio"
    );
    let mut missed = false;
    for pace in Pace::ALL {
        let medians = measure(&mut rows, pace, &effort);
        // What a test measures is too short to mean anything.
        if !only_test {
            print(&rows, pace, &medians);
            missed |= complain(&rows, pace, &medians);
        }
    }
    let strict = std::env::args().any(|argument| argument == "--strict");
    if missed && strict { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
