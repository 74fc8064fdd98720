//! An array that grows.

use std::ptr::NonNull;
use std::time::{Duration, Instant};

use snugfit_trace::Target;

/// The size every array starts with, and the unit of all sizes: no two of them need equally large blocks.
const UNIT: usize = 16;

/// What malloc aligns to.
const ALIGN: usize = 16;

/// By how much an array grows when it is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// To twice its size.
    Doubling,
    /// By a quarter, at least 16 bytes.
    Quarter,
    /// By 64 bytes, whatever its size.
    Append,
}

impl Growth {
    /// What it is called in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Doubling => "doubling",
            Self::Quarter => "by a quarter",
            Self::Append => "by 64 bytes",
        }
    }

    /// The sizes of an array from 16 bytes up to `limit`.
    #[must_use]
    pub fn sizes(self, limit: usize) -> Vec<usize> {
        let next = |&size: &usize| Some(self.after(size)).filter(|&size| size <= limit);
        std::iter::successors(Some(UNIT), next).collect()
    }

    fn after(self, size: usize) -> usize {
        match self {
            Self::Doubling => size * 2,
            Self::Quarter => (size + size.div_ceil(4)).next_multiple_of(UNIT),
            Self::Append => size + 64,
        }
    }
}

/// An array at the end of the heap, with nothing behind it: grows through `sizes` and is freed, `times` times over.
/// Returns how long that took, and how often it moved.
///
/// # Panics
/// If the target refuses.
pub fn array_at_the_end<T: Target>(target: &mut T, sizes: &[usize], times: u64) -> (Duration, usize) {
    grow(target, sizes, times)
}

/// The same with another block behind the array wherever it goes, so that it has to move each time.
///
/// A stage is set before: for every size a hole that it fits exactly, and between the holes fences, blocks in use. So
/// the best fit leads the array from hole to hole. An allocator that fits in another way does as it pleases.
///
/// ```text
///   hole 16 │ fence │ hole 32 │ fence │   hole 64   │ fence │          hole 128          │ fence │ ...
///      array ─────▶ array ────────▶ array ─────────────▶ array
/// ```
///
/// # Panics
/// If the target refuses.
pub fn array_in_the_way<T: Target>(target: &mut T, sizes: &[usize], times: u64) -> (Duration, usize) {
    let fences = set_stage(target, sizes);
    let outcome = grow(target, sizes, times);
    for fence in fences {
        // SAFETY: allocated for the stage, and used by nobody.
        unsafe { target.free(fence, UNIT, ALIGN) };
    }
    outcome
}

/// Leaves a hole for each of `sizes`, in that order, and returns the fences between them.
fn set_stage<T: Target>(target: &mut T, sizes: &[usize]) -> Vec<NonNull<u8>> {
    let mut allocate = |size| target.allocate(size).expect("memory for the stage");
    let (holes, fences): (Vec<_>, Vec<_>) =
        sizes.iter().map(|&size| (allocate(size), allocate(UNIT))).unzip();
    for (hole, &size) in holes.into_iter().zip(sizes) {
        // SAFETY: allocated a moment ago with that size, and used by nobody. Pages that were never written would be
        // cheap to copy from.
        unsafe {
            hole.write_bytes(1, size);
            target.free(hole, size, ALIGN);
        }
    }
    fences
}

fn grow<T: Target>(target: &mut T, sizes: &[usize], times: u64) -> (Duration, usize) {
    // The first pass finds no page mapped, and teaches the target what to keep.
    grow_once(target, sizes);
    let started = Instant::now();
    let moves = (0..times).map(|_| grow_once(target, sizes)).sum();
    (started.elapsed(), moves)
}

/// Grows one array and frees it. Returns how often it moved.
fn grow_once<T: Target>(target: &mut T, sizes: &[usize]) -> usize {
    let (mut size, mut moves) = (sizes[0], 0);
    let mut array = target.allocate(size).expect("memory for the array");
    for &larger in &sizes[1..] {
        // SAFETY: the target returned the array in the step before, with that size.
        let grown = unsafe { target.resize(array, size, ALIGN, larger) }.expect("memory for the array");
        // A program grows an array to append to it.
        // SAFETY: the array has that many bytes now.
        unsafe { grown.byte_add(size).write(1) };
        moves += usize::from(grown != array);
        (array, size) = (grown, larger);
    }
    // SAFETY: the target returned the array, with that size, and nobody uses it any more.
    unsafe { target.free(array, size, ALIGN) };
    moves
}
