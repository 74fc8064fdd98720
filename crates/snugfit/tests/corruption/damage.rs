//! A word of the heap, and what is written there.

use std::ops::Range;

use rand::rngs::SmallRng;
use rand::{Rng, RngExt};

/// Where the damage is done, and what was there before.
#[derive(Debug)]
pub(crate) struct Damage {
    pub(crate) address: usize,
    pub(crate) len: usize,
    pub(crate) old: u64,
    pub(crate) new: u64,
}

const PAGE: usize = 4096;

/// Overwrites a word, or some bytes of one, in the heap that lies in `heap`, near one of the blocks in `payloads` most of the
/// times. `None` if there happens to be no memory.
pub(crate) fn overwrite(rng: &mut SmallRng, heap: &Range<usize>, payloads: &[usize]) -> Option<Damage> {
    let address = place(rng, heap, payloads);
    if !heap.contains(&address) || !is_mapped(address) {
        return None;
    }
    let word = std::ptr::with_exposed_provenance_mut::<u64>(address);
    // SAFETY: the page is there, and it is a page of the heap.
    let old = unsafe { word.read() };
    let mut new = value(rng, old, heap, payloads);
    let mut len = 8;
    if rng.random_ratio(1, 3) {
        // The first bytes, as by one who writes too far; or the last, as by one who begins too early.
        len = rng.random_range(1..=8);
        let mask = u64::MAX >> (64 - 8 * len);
        let mask = if rng.random() { mask } else { mask.reverse_bits() };
        new = old & !mask | new & mask;
    }
    // SAFETY: as above. Whose the word is, is what the test is about.
    unsafe { word.write(new) };
    Some(Damage { address, len, old, new })
}

fn place(rng: &mut SmallRng, heap: &Range<usize>, payloads: &[usize]) -> usize {
    let near = payloads[rng.random_range(0..payloads.len())];
    let at = match rng.random_range(0..10) {
        0 => rng.random_range(heap.clone()),
        1 => near.wrapping_add(rng.random_range(0..PAGE)),
        // The header, or the footer before it.
        2..5 => near - 8 * rng.random_range(1..=2),
        // The links, if it is free.
        _ => near + 8 * rng.random_range(0..6),
    };
    at & !7
}

fn value(rng: &mut SmallRng, old: u64, heap: &Range<usize>, payloads: &[usize]) -> u64 {
    let any = payloads[rng.random_range(0..payloads.len())];
    match rng.random_range(0..13) {
        0 => 0,
        1 => u64::MAX,
        2..4 => old ^ 1 << rng.random_range(0..64),
        4 => old.wrapping_add(16),
        5 => old.wrapping_sub(16),
        6 => rng.random_range(0..4096),
        7 => u64::from_le_bytes(*b"too long"),
        8 => any as u64,
        9 => any as u64 - 8,
        10 => (rng.random_range(heap.clone()) & !15 | 8) as u64,
        11 => {
            // What is elsewhere in the heap: a link of another block, or a header.
            let from = any - 8 + 8 * rng.random_range(0..3);
            if !is_mapped(from) {
                return 0;
            }
            // SAFETY: it is there.
            unsafe { std::ptr::with_exposed_provenance::<u64>(from).read() }
        }
        _ => rng.next_u64(),
    }
}

/// Whether the eight bytes at `address`, a multiple of 8, are there.
fn is_mapped(address: usize) -> bool {
    let set = std::ptr::with_exposed_provenance::<u64>(address);
    // SAFETY: of a set of signals that it can read, the system says that it does not know what to do with it.
    let refused =
        unsafe { libc::syscall(libc::SYS_rt_sigprocmask, -1, set, std::ptr::null::<u64>(), 8_usize) };
    assert_eq!(refused, -1);
    crate::common::system::errno() == libc::EINVAL
}
