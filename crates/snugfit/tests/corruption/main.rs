//! One word of the heap is overwritten, as programs do it that write where they must not, and then the program goes on. Either
//! that is found and named, or what the program works on is unharmed: no fault, no endless loop, no block over another, no
//! byte changed in a block that nobody has written to.
//!
//! Each seed is a child process. `SNUGFIT_SEED=<seed>` runs that one alone; `SNUGFIT_ROUNDS=<number>` as many as that, in place
//! of some hundred.

#[path = "../common/mod.rs"]
mod common;
mod damage;
mod shadow;
mod work;

use std::env::var;

use common::child::{Ended, listen, say};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use work::Work;

/// Seeds that are tried if nobody asks for others.
const ROUNDS: u64 = if common::EACH_CALL_VALIDATES { 40 } else { 600 };

/// A child that takes longer hangs.
const SECONDS: u32 = 60;

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It was told what is wrong.
    Named,
    /// It has come to its end, and all blocks were as it had left them.
    Unharmed,
    Failed,
}

fn main() {
    snugfit::keep_headers();
    let number = |name| var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("SNUGFIT_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SNUGFIT_ROUNDS").unwrap_or(ROUNDS),
    };
    let count = seeds.end - seeds.start;
    let outcomes: Vec<Outcome> = seeds.map(try_seed).collect();
    let all = |wanted| outcomes.iter().filter(|&&outcome| outcome == wanted).count();
    println!("{count} seeds: {} named, {} unharmed", all(Outcome::Named), all(Outcome::Unharmed));
    assert_eq!(all(Outcome::Failed), 0, "see above");
    // Else the damage is not where it would be noticed.
    assert!(count < ROUNDS || all(Outcome::Named) as u64 > count / 10, "hardly anything is found");
}

/// Whether it ended with the one line that says what is wrong.
fn is_line(ended: &Ended) -> bool {
    ended.is_aborted() && ended.errors.starts_with("snugfit: ") && ended.errors.lines().count() == 1
}

/// Whether it was a violation that ended it: where each call validates the heap, that panics first.
fn is_violation(ended: &Ended) -> bool {
    common::EACH_CALL_VALIDATES && ended.errors.contains("\ninvariant ")
}

/// One round, in a child.
fn try_seed(seed: u64) -> Outcome {
    let ended = listen(|pipe| {
        // SAFETY: asks for a signal that ends this child.
        unsafe { libc::alarm(SECONDS) };
        if seed % 2 == 1 {
            // From the second thread on, the heap is made of mappings, and the lock of more than loads and stores.
            std::thread::spawn(|| ()).join().expect("it does nothing");
        }
        Work::new(SmallRng::seed_from_u64(seed)).go(|what| say(pipe, what));
    });
    let is_named = is_line(&ended) || is_violation(&ended);
    if var("SNUGFIT_SEED").is_ok() {
        print!("{}{}", ended.said, ended.errors);
    }
    match (is_named, ended.is_well() && ended.errors.is_empty()) {
        (true, _) => Outcome::Named,
        (_, true) => Outcome::Unharmed,
        _ => {
            println!("seed {seed}: {}\n{}{}", ended.how(), ended.said, ended.errors);
            Outcome::Failed
        }
    }
}
