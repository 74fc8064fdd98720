//! The allocator in numbers, and whether it is as it should be.

use core::ptr::from_ref;

/// The allocator in numbers, of bytes unless said otherwise. What is counted of calls is 0 until mem_count_calls is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Stats {
    /// Bytes held from the system now and ever touched.
    pub footprint: usize,
    /// The most that `footprint` has been.
    pub peak_footprint: usize,
    /// The number of blocks of the heap in use.
    pub heap_blocks: usize,
    /// Their bytes, headers and rounding included.
    pub heap_bytes: usize,
    /// The number of runs of memory that the heap has.
    pub heap_segments: usize,
    /// Bytes that the heap has from the system, touched or not.
    pub heap_reserved: usize,
    /// The number of blocks that are mappings of their own.
    pub direct_blocks: usize,
    /// Their bytes, whole pages.
    pub direct_bytes: usize,
    /// The number of system calls for memory.
    pub system_calls: usize,
    /// Calls that allocate.
    pub allocations: usize,
    /// Calls that resize a block.
    pub resizes: usize,
    /// Calls that free a block.
    pub frees: usize,
    /// Usable bytes of the blocks in use.
    pub live: usize,
    /// The most that `live` has been.
    pub peak_live: usize,
}

impl From<snugfit::Stats> for Stats {
    fn from(stats: snugfit::Stats) -> Self {
        let counts = stats.counts;
        Self {
            footprint: stats.footprint,
            peak_footprint: stats.peak_footprint,
            heap_blocks: stats.heap_blocks,
            heap_bytes: stats.heap_bytes,
            heap_segments: stats.heap_segments,
            heap_reserved: stats.heap_reserved,
            direct_blocks: stats.direct_blocks,
            direct_bytes: stats.direct_bytes,
            system_calls: stats.system_calls,
            allocations: counts.allocations,
            resizes: counts.resizes,
            frees: counts.frees,
            live: counts.live,
            peak_live: counts.peak_live,
        }
    }
}

/// Writes the allocator in numbers to `*stats`: mem_stats(&stats, sizeof stats). Returns the size that the library would
/// have written; a larger structure, of a later header, is written as far as the library knows it. It walks all blocks.
///
/// # Safety
/// - `stats` is valid for a write of `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mem_stats(stats: *mut Stats, size: usize) -> usize {
    let known = Stats::from(snugfit::stats());
    let bytes = from_ref(&known).cast::<u8>();
    // SAFETY: the caller vouches for the bytes written, and there are as many to read.
    unsafe { bytes.copy_to_nonoverlapping(stats.cast(), size.min(size_of::<Stats>())) };
    size_of::<Stats>()
}

/// Counts calls and live bytes from now on. That makes each call a little slower.
#[unsafe(no_mangle)]
pub extern "C" fn mem_count_calls() {
    snugfit::count_calls();
}

/// Gives unused memory back to the system, but for `keep` bytes at the end of the heap. Returns how many bytes.
#[unsafe(no_mangle)]
pub extern "C" fn mem_trim(keep: usize) -> usize {
    snugfit::trim(keep)
}
