//! Text: strings are built piece by piece, joined, kept for a while in maps, and dropped.
//!
//! Ours, after what scripts and servers do all day: strings that grow by appending (so they are resized), strings made to
//! measure of two others, and small hash maps from one to the other.

use std::collections::VecDeque;
use std::hash::{BuildHasherDefault, DefaultHasher};

use allocator_api2::vec::Vec as VecIn;
use hashbrown::HashMap;
use rand::RngExt;
use rand::rngs::SmallRng;

use super::threads::side_by_side;
use super::{Plan, Workload, random};
use crate::allocator::{Handle, Served};

/// Lines that a thread writes, in full measure.
const LINES: usize = 400_000;
/// Words in a line, letters in a word.
const WORDS: std::ops::RangeInclusive<usize> = 2..=20;
const LETTERS: std::ops::RangeInclusive<usize> = 3..=12;
/// Lines that are kept: the oldest goes when a new one comes.
const KEPT: usize = 10_000;
/// Entries of a map when it is full, and maps that are kept.
const ENTRIES: usize = 32;
const MAPS: usize = 128;

const LETTER: [u8; 12] = *b"etaoinshrdlu";

type Text<S> = VecIn<u8, Handle<S>>;
/// Its hashes are the same in every run.
type Map<S> = HashMap<Text<S>, Text<S>, BuildHasherDefault<DefaultHasher>, Handle<S>>;

pub(crate) struct Strings<S: Served> {
    lines: usize,
    writers: Vec<Writer<S>>,
}

struct Writer<S: Served> {
    random: SmallRng,
    kept: VecDeque<Text<S>>,
    maps: VecDeque<Map<S>>,
    operations: u64,
}

impl<S: Served> Workload for Strings<S> {
    fn prepare(plan: Plan) -> Self {
        let writer = |thread| Writer {
            random: random(thread),
            kept: VecDeque::with_capacity(KEPT + 1),
            maps: VecDeque::with_capacity(MAPS + 1),
            operations: 0,
        };
        Self { lines: plan.times(LINES), writers: (0..plan.threads).map(writer).collect() }
    }

    fn run(self) -> u64 {
        let lines = self.lines;
        side_by_side(self.writers.into_iter().map(|writer| move || writer.write(lines)).collect())
    }
}

impl<S: Served> Writer<S> {
    fn write(mut self, lines: usize) -> u64 {
        for number in 0..lines {
            let line = self.line();
            if number % 4 == 0 {
                self.note(&line);
            }
            let joined = self.join(&line);
            self.kept.extend([line, joined]);
            while self.kept.len() > KEPT {
                self.kept.pop_front();
            }
        }
        self.operations
    }

    /// Words appended to one another, in a string that starts empty.
    fn line(&mut self) -> Text<S> {
        let mut line = VecIn::new_in(Handle::new());
        for _ in 0..self.random.random_range(WORDS) {
            self.append_word(&mut line);
        }
        line
    }

    fn append_word(&mut self, text: &mut Text<S>) {
        let capacity = text.capacity();
        for _ in 0..self.random.random_range(LETTERS) {
            text.push(LETTER[self.random.random_range(0..LETTER.len())]);
        }
        text.push(b' ');
        self.operations += u64::from(text.capacity() != capacity);
    }

    /// `line` behind an older one.
    fn join(&mut self, line: &Text<S>) -> Text<S> {
        let older = match self.kept.len() {
            0 => &line[..],
            kept => &self.kept[self.random.random_range(0..kept)][..],
        };
        // Joined lines are joined again: without a limit, they would grow for ever.
        let older = &older[..older.len().min(100)];
        let mut joined = VecIn::with_capacity_in(older.len() + line.len(), Handle::new());
        joined.extend_from_slice(older);
        joined.extend_from_slice(line);
        self.operations += 1;
        joined
    }

    /// Puts `line` into the newest map, under a key of one word.
    fn note(&mut self, line: &Text<S>) {
        let mut key = VecIn::new_in(Handle::new());
        self.append_word(&mut key);
        if self.maps.back().is_none_or(|map| map.len() >= ENTRIES) {
            self.maps.push_back(HashMap::with_hasher_in(BuildHasherDefault::default(), Handle::new()));
            if self.maps.len() > MAPS {
                self.maps.pop_front();
            }
        }
        let map = self.maps.back_mut().expect("one was put there if there was none");
        let capacity = map.capacity();
        map.insert(key, line.clone());
        self.operations += 1 + u64::from(map.capacity() != capacity);
    }
}
