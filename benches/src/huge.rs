//! Memory in large pages.

use std::ptr::{NonNull, null_mut};

/// The size of a large page, on x86-64.
const HUGE_PAGE: usize = 2 << 20;

/// Zeroed memory that the system is asked to back by large pages. With those, a million cache lines need a few dozen
/// entries of the translation buffer, and what is measured is the cache and not the page tables. Where the system
/// has none the memory is the same, only slower.
///
/// ```text
///   mapping ┬──────────┬──────────────────┬───────┬
///           │  unused  │  large pages     │ unused│
///           └──────────┴──────────────────┴───────┘
///                      ▲ start, a multiple of 2 MiB
/// ```
#[derive(Debug)]
pub(crate) struct HugeMemory {
    mapping: NonNull<u8>,
    mapped: usize,
    start: NonNull<u8>,
}

impl HugeMemory {
    /// At least `bytes` of them.
    pub(crate) fn new(bytes: usize) -> Self {
        let len = bytes.next_multiple_of(HUGE_PAGE);
        let mapped = len + HUGE_PAGE;
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, at an address that the system chooses.
        let mapping = unsafe { libc::mmap(null_mut(), mapped, access, kind, -1, 0) };
        assert!(mapping != libc::MAP_FAILED, "{mapped} bytes can be mapped");
        let mapping = NonNull::new(mapping).expect("no mapping is at address 0").cast::<u8>();
        // SAFETY: the next multiple of a large page is at most that far away, and the mapping has one to spare.
        let start = unsafe { mapping.byte_add(mapping.align_offset(HUGE_PAGE)) };
        // A refusal is no failure: see above.
        // SAFETY: these bytes are ours.
        unsafe { libc::madvise(start.as_ptr().cast(), len, libc::MADV_HUGEPAGE) };
        Self { mapping, mapped, start }
    }

    /// The first byte, aligned to a large page.
    pub(crate) const fn start(&self) -> NonNull<u8> {
        self.start
    }
}

impl Drop for HugeMemory {
    fn drop(&mut self) {
        // SAFETY: mapped in `new`, and nobody has a block here any more.
        unsafe { libc::munmap(self.mapping.as_ptr().cast(), self.mapped) };
    }
}
