//! The constants of the format, in bytes, and the rules that tie them together.

use crate::Tag;

/// Alignment unit of block sizes, and the alignment of every payload.
pub const GRANULE: usize = 16;

/// Bytes of a header: a 32-bit tag and a 32-bit seal.
pub const HEADER: usize = 8;

/// Bytes of a footer.
pub const FOOTER: usize = 8;

/// The smallest block: a header, two link words, a footer.
pub const MIN_BLOCK: usize = 32;

/// The largest block: what 28 bits of granules can say, 16 bytes under 4 GiB.
pub const MAX_BLOCK: usize = (u32::MAX as usize) & !(GRANULE - 1);

const _: () = {
    assert!(GRANULE.is_power_of_two(), "sizes are masked with GRANULE - 1");
    assert!(MIN_BLOCK.is_multiple_of(GRANULE), "sizes are whole granules");
    assert!(
        MIN_BLOCK >= HEADER + 2 * size_of::<usize>() + FOOTER,
        "a free block holds two links and a footer"
    );
    assert!(HEADER == 2 * size_of::<u32>(), "a header is a tag and a seal");
    assert!(GRANULE > Tag::FLAGS as usize, "the flags live below the size");
};
