//! A program with threads, maps and strings.

use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::channel;
use std::thread;

fn count(thread: usize) -> BTreeMap<String, usize> {
    let mut counts = HashMap::new();
    for number in 0..20_000 {
        *counts.entry(format!("{:x}", (number * 7919 + thread) % 1009)).or_insert(0) += number;
    }
    counts.into_iter().collect()
}

fn main() {
    let (sender, receiver) = channel();
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let sender = sender.clone();
            thread::spawn(move || sender.send((thread, count(thread))).expect("somebody receives"))
        })
        .collect();
    drop(sender);
    let all: BTreeMap<_, _> = receiver.into_iter().collect();
    for thread in threads {
        thread.join().expect("no thread panics");
    }
    for (thread, counts) in all {
        let text: Vec<String> = counts.iter().map(|(key, sum)| format!("{key}={sum}")).collect();
        println!("{thread}: {}", text.join(" "));
    }
}
