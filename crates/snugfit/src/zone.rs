//! The zone of tables: a heap of its own, beside the arenas, for blocks of a page and more that are asked for zeroed.
//!
//! Most of them are tables, which a program fills, reads and gives up. All of such a block is written before it is handed out, so it
//! matters more than elsewhere that its memory is near the processor: as it is where another table has just been. In one heap with all
//! else it is elsewhere each time, as blocks that live longer have come to lie there:
//!
//! ```text
//!   one heap    │ table │ block │ block │ table │ block │ block │ table │ ...      each table in memory of its own
//!
//!   the zone    │ table │                                                          where the last one was
//!   the heap    │ block │ block │ block │ block │ ...
//! ```
//!
//! While there are threads, each allocates from its own arena, tables or not: the zone would be one more lock for all of them.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use snugfit_source::os;

use crate::arenas::{self, with_arena};

/// The number of its arena; 0 while there is none.
static NUMBER: AtomicUsize = AtomicUsize::new(0);
/// So many bytes were asked for before there was one.
static BEFORE: AtomicUsize = AtomicUsize::new(0);

/// Tables have at least so many bytes.
const SMALLEST: usize = 4 << 10;

/// Bytes to be asked for before there is a zone: few programs ask for so many.
const WORTH: usize = 1 << 20;

/// And the first heap is at least so large, in bytes: a smaller one is near the processor as it is, and two heaps take more than one.
const LARGE_HEAP: usize = 8 << 20;

/// As long as the zone is smaller than this, in bytes, nothing of it is lent to other arenas, nor anything of theirs used for tables.
const OWN: usize = 1 << 20;

/// The number of the arena for a block of `size` bytes that is asked for zeroed, if that is the zone.
#[inline]
pub(crate) fn for_zeroed(size: usize) -> Option<usize> {
    if size < SMALLEST || !os::is_single_threaded() {
        return None;
    }
    match NUMBER.load(Relaxed) {
        0 => open_if_worth_it(size),
        number => Some(number),
    }
}

/// Whether the arena of that number, with a heap of `footprint` bytes, neither lends nor borrows.
pub(crate) fn is_apart(number: usize, footprint: usize) -> bool {
    number != 0 && NUMBER.load(Relaxed) == number && footprint < OWN
}

#[cold]
fn open_if_worth_it(size: usize) -> Option<usize> {
    let asked = BEFORE.load(Relaxed).saturating_add(size);
    // If there is to be none yet, that is asked again after as many bytes.
    BEFORE.store(if asked < WORTH { asked } else { 0 }, Relaxed);
    if asked < WORTH || with_arena(0, |arena| arena.heap.footprint()) < LARGE_HEAP {
        return None;
    }
    let number = arenas::open_zone()?;
    NUMBER.store(number, Relaxed);
    Some(number)
}
