//! What the heap's tests share: a shadow of its live payloads, and a source that leaves gaps.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use proptest::prelude::ProptestConfig;
use proptest::test_runner::FileFailurePersistence;
use snugfit_heap::{Heap, ResizeError};
use snugfit_index::FreeIndex;
use snugfit_source::{Extent, Fixed, Mapped, Source};
use snugfit_tag::{Format, Key};

/// A key as good as any for a test.
pub const KEY: Key = Key::new(0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7344);

/// One live payload.
#[derive(Clone, Copy, Debug)]
struct Payload {
    pointer: NonNull<u8>,
    size: usize,
    pattern: u8,
}

/// A heap, and what it must not touch: every live payload, filled with a pattern of its own.
pub struct Shadow<S, I, F> {
    pub heap: Heap<S, I, F>,
    live: BTreeMap<usize, Payload>,
    patterns: u8,
}

impl<S: Source, I: FreeIndex, F: Format> Shadow<S, I, F> {
    pub fn new(source: S) -> Self {
        Self { heap: Heap::new(source, KEY), live: BTreeMap::new(), patterns: 0 }
    }

    pub fn live(&self) -> usize {
        self.live.len()
    }

    pub fn addresses(&self) -> impl Iterator<Item = usize> + '_ {
        self.live.keys().copied()
    }

    /// The start of the live payload number `which`, counted round.
    fn pick(&self, which: usize) -> Option<usize> {
        self.live.keys().nth(which.checked_rem(self.live.len())?).copied()
    }

    pub fn allocate(&mut self, size: usize) -> bool {
        let pointer = self.heap.allocate(size);
        self.enter(pointer, size, 16)
    }

    pub fn allocate_zeroed(&mut self, size: usize) -> bool {
        let pointer = self.heap.allocate_zeroed(size);
        if let Some(pointer) = pointer {
            // SAFETY: the heap has just returned that many bytes.
            let bytes = unsafe { std::slice::from_raw_parts(pointer.as_ptr(), size) };
            assert!(bytes.iter().all(|&byte| byte == 0), "{size} bytes at {pointer:?} are not zero");
        }
        self.enter(pointer, size, 16)
    }

    pub fn allocate_aligned(&mut self, size: usize, align: usize) -> bool {
        let pointer = self.heap.allocate_aligned(size, align);
        self.enter(pointer, size, align)
    }

    /// Takes over a new payload: it must be aligned, inside a segment and apart from all others.
    fn enter(&mut self, pointer: Option<NonNull<u8>>, size: usize, align: usize) -> bool {
        let Some(pointer) = pointer else { return false };
        let start = pointer.addr().get();
        // SAFETY: the heap has just returned it.
        let usable = unsafe { self.heap.usable_size(pointer) }.expect("a new payload is live");
        assert!(usable >= size, "{usable} usable bytes for {size}");
        assert!(start.is_multiple_of(align), "{pointer:?} is not aligned to {align}");
        let held = self.heap.segments().any(|s| s.start <= start && start + usable <= s.start + s.touched);
        assert!(held, "{pointer:?} lies in no segment");
        let before = self.live.range(..start).next_back();
        assert!(
            before.is_none_or(|(&at, p)| at + p.size <= start),
            "{pointer:?} overlaps the payload before it"
        );
        let after = self.live.range(start..).next();
        assert!(
            after.is_none_or(|(&at, _)| start + usable <= at),
            "{pointer:?} overlaps the payload after it"
        );
        self.patterns = self.patterns.wrapping_add(1);
        let payload = Payload { pointer, size, pattern: self.patterns };
        // SAFETY: the payload has that many bytes.
        unsafe { pointer.write_bytes(payload.pattern, size) };
        self.live.insert(start, payload);
        true
    }

    /// Checks that the first `size` bytes at `pointer` are still what was written.
    fn check(pointer: NonNull<u8>, size: usize, pattern: u8) {
        // SAFETY: the payload is live and at least that large.
        let bytes = unsafe { std::slice::from_raw_parts(pointer.as_ptr(), size) };
        let changed = bytes.iter().position(|&byte| byte != pattern);
        assert_eq!(changed, None, "a byte of the payload at {pointer:?} has changed");
    }

    pub fn free(&mut self, which: usize, state_size: bool) {
        let Some(payload) = self.pick(which).and_then(|at| self.live.remove(&at)) else { return };
        Self::check(payload.pointer, payload.size, payload.pattern);
        // SAFETY: the payload is live, and forgotten from here on.
        let freed = unsafe {
            if state_size {
                self.heap.deallocate_sized(payload.pointer, payload.size)
            } else {
                self.heap.deallocate(payload.pointer)
            }
        };
        assert_eq!(freed, Ok(()));
    }

    /// Returns false if there was no memory; the payload must then be as it was.
    pub fn resize(&mut self, which: usize, size: usize) -> bool {
        let Some(at) = self.pick(which) else { return true };
        let payload = self.live[&at];
        // SAFETY: the payload is live, and replaced by the result.
        match unsafe { self.heap.resize(payload.pointer, size) } {
            Ok(pointer) => {
                self.live.remove(&at);
                Self::check(pointer, size.min(payload.size), payload.pattern);
                self.enter(Some(pointer), size, 16)
            }
            Err(error) => {
                assert_eq!(error, ResizeError::OutOfMemory);
                Self::check(payload.pointer, payload.size, payload.pattern);
                false
            }
        }
    }

    /// The heap is valid, knows exactly the live payloads, and has changed none of their bytes.
    pub fn validate(&self) {
        if let Err(violation) = self.heap.validate() {
            panic!("{violation}");
        }
        assert_eq!(self.heap.stats().blocks_in_use, self.live.len());
        for payload in self.live.values() {
            Self::check(payload.pointer, payload.size, payload.pattern);
        }
    }

    /// Frees everything, and gives back all that the source takes.
    pub fn finish(mut self) {
        while !self.live.is_empty() {
            self.free(0, false);
        }
        self.validate();
        let stats = self.heap.stats();
        assert_eq!((stats.blocks_in_use, stats.bytes_in_use), (0, 0));
        // SAFETY: nothing is live.
        unsafe { self.heap.release() };
    }
}

/// A source of extents that never touch: every growth leaves a gap of 64 KiB, except that `joined` growths in a row
/// touch. So a heap over it has many segments.
#[derive(Debug)]
pub struct Gaps {
    map: Mapped,
    joined: usize,
    growths: usize,
}

impl Gaps {
    pub fn new(joined: usize) -> Self {
        Self { map: Mapped::new(), joined, growths: 0 }
    }
}

// SAFETY: everything is passed on to `Mapped`; the gaps are extents that nobody is given.
unsafe impl Source for Gaps {
    const ZEROED: bool = Mapped::ZEROED;
    const SHRINKS: bool = Mapped::SHRINKS;
    const RELEASES: bool = Mapped::RELEASES;
    const PURGES: bool = Mapped::PURGES;

    fn granularity(&self) -> usize {
        self.map.granularity()
    }

    fn grow(&mut self, size: usize) -> Option<Extent> {
        self.growths += 1;
        if self.growths.is_multiple_of(self.joined) {
            self.map.grow(64 << 10)?;
        }
        self.map.grow(size)
    }

    unsafe fn shrink(&mut self, tail: Extent) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.map.shrink(tail) }
    }

    unsafe fn release(&mut self, extent: Extent) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.map.release(extent) }
    }

    unsafe fn purge(&mut self, extent: Extent) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.map.purge(extent) }
    }
}

/// A buffer of its own, whose granularity is 16 bytes. It is never freed: a heap may outlive whoever asked for it.
pub fn buffer(len: usize) -> Fixed {
    Fixed::new(vec![MaybeUninit::uninit(); len].leak())
}

/// Seeds of failures are kept beside the test's file, under its name with `.seeds`, and tried first from then on.
pub fn config() -> ProptestConfig {
    let failure_persistence = Some(Box::new(FileFailurePersistence::WithSource("seeds")) as _);
    ProptestConfig { cases: 96, failure_persistence, ..ProptestConfig::default() }
}
