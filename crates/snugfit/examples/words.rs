//! A program whose every allocation is served by Snugfit: it counts the words of texts it makes up, on several threads, and
//! checks what it finds.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

#[global_allocator]
static ALLOCATOR: snugfit::Snugfit = snugfit::Snugfit;

const THREADS: u64 = 4;
const LINES: u64 = 3000;

/// A cache line of its own.
#[repr(align(128))]
struct Tally([u64; 4]);

/// What can be done with a line; boxed, since its type is known at run time only.
type Measure = Box<dyn Fn(&str) -> usize + Send>;

/// The same numbers every time, and they look random.
fn number(seed: u64) -> u64 {
    let mixed = (seed ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (mixed ^ mixed >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 33
}

/// A line of words, grown piece by piece.
fn line(seed: u64) -> String {
    let mut line = String::new();
    for at in 0..5 + number(seed) % 20 {
        let separator = if at == 0 { "" } else { " " };
        write!(line, "{separator}word{}", number(seed * 100 + at) % 500).expect("a string grows");
    }
    line
}

/// Counts the words of one thread's lines, and sends the lines on.
fn count(thread: u64, lines: &mpsc::Sender<String>) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for at in 0..LINES {
        let line = line(thread * LINES + at);
        for word in line.split(' ') {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
        lines.send(line).expect("the other end is open");
    }
    counts
}

/// All counts, in order of the words.
fn count_all(lines: &mpsc::Sender<String>) -> BTreeMap<String, usize> {
    let all = Arc::new(Mutex::new(BTreeMap::new()));
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let (all, lines) = (Arc::clone(&all), lines.clone());
            thread::spawn(move || {
                for (word, count) in count(number, &lines) {
                    *all.lock().expect("nobody panics").entry(word).or_default() += count;
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    Arc::into_inner(all).expect("the threads are gone").into_inner().expect("nobody panics")
}

/// Lengths, words and the letter `w` of all lines, each measured by a closure of its own.
fn measure(lines: &[String]) -> Box<Tally> {
    let prefix = String::from("word");
    let measures: Vec<Measure> = vec![
        Box::new(str::len),
        Box::new(|line| line.split(' ').count()),
        Box::new(move |line| line.matches(prefix.as_str()).count()),
    ];
    let mut tally = Box::new(Tally([0; 4]));
    for line in lines {
        for (sum, measure) in tally.0.iter_mut().zip(&measures) {
            *sum += measure(line) as u64;
        }
    }
    assert_eq!((&raw const *tally).addr() % 128, 0, "a cache line of its own");
    tally
}

/// A sieve in memory that is zero because it was asked to be.
fn primes_below(limit: usize) -> usize {
    let mut is_composite = vec![false; limit];
    for factor in 2..limit.isqrt() + 1 {
        if !is_composite[factor] {
            (factor * factor..limit).step_by(factor).for_each(|multiple| is_composite[multiple] = true);
        }
    }
    is_composite[2..].iter().filter(|&&is_composite| !is_composite).count()
}

/// Zeroed pages, aligned to 64 KiB.
fn aligned_pages() {
    let layout = Layout::from_size_align(300_000, 1 << 16).expect("a power of two");
    // SAFETY: the block is written within its size, and freed once, with its layout.
    unsafe {
        let pages = alloc_zeroed(layout);
        assert!(!pages.is_null() && pages.addr().is_multiple_of(layout.align()));
        assert!(std::slice::from_raw_parts(pages, layout.size()).iter().all(|&byte| byte == 0));
        pages.write_bytes(1, layout.size());
        dealloc(pages, layout);
    }
}

fn main() {
    snugfit::count_calls();
    let (sender, receiver) = mpsc::channel();
    let counts = count_all(&sender);
    drop(sender);
    let mut lines: Vec<String> = receiver.iter().collect();
    lines.sort_unstable_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    assert!(lines.is_sorted_by_key(String::len));
    assert_eq!(lines.len() as u64, THREADS * LINES);

    let words: usize = counts.values().sum();
    let Tally([bytes, by_split, by_prefix, _]) = *measure(&lines);
    assert_eq!((by_split, by_prefix), (words as u64, words as u64));
    assert_eq!(lines.concat().len() as u64, bytes);
    lines.iter_mut().for_each(|line| *line = line.to_uppercase());
    lines.iter_mut().for_each(String::shrink_to_fit);
    lines.retain(|line| line.contains("WORD7"));
    lines.shrink_to_fit();
    assert!(!lines.is_empty() && lines.iter().all(|line| line.starts_with("WORD")));
    assert_eq!(primes_below(1_000_000), 78_498);
    aligned_pages();

    snugfit::validate().expect("everything is as it should be");
    let stats = snugfit::stats();
    println!("{words} words, {} different, {bytes} bytes", counts.len());
    println!(
        "{} allocations, {} resizes, {} frees",
        stats.counts.allocations, stats.counts.resizes, stats.counts.frees
    );
    println!(
        "{} blocks live; at most {} bytes live, in {} from the system, by {} system calls",
        stats.heap_blocks + stats.direct_blocks,
        stats.counts.peak_live,
        stats.peak_footprint,
        stats.system_calls,
    );
}
