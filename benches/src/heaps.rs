//! Heaps to measure.

use snugfit_heap::Heap;
use snugfit_index::FreeIndex;
use snugfit_source::{Mapped, os};
use snugfit_tag::{Format, Key};

/// Lends a fresh heap over anonymous mappings to `body`, and gives its memory back afterwards: what `body` allocated
/// ends with it.
pub fn with_heap<I: FreeIndex, F: Format, R>(body: impl FnOnce(&mut Heap<Mapped, I, F>) -> R) -> R {
    let [mask, multiplier] = os::random_words();
    let mut heap = Heap::new(Mapped::new(), Key::new(mask, multiplier));
    let result = body(&mut heap);
    // SAFETY: no payload is used any more, as said above.
    unsafe { heap.release() };
    result
}
