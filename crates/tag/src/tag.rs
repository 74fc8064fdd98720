//! The low half of a header: size and flags.

use core::fmt;

use crate::size::{GRANULE, MAX_BLOCK};

/// Size and state of a block, as its header stores them: a multiple of 16 in the upper 28 bits, flags in the lower 4.
///
/// The `with` methods return a new tag.
///
/// ```
/// use snugfit_tag::Tag;
///
/// let tag = Tag::in_use(64, true);
/// assert_eq!((tag.size(), tag.is_in_use(), tag.is_previous_in_use()), (64, true, true));
/// assert_eq!(format!("{tag:?}"), "in use, 64 bytes, previous in use");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Tag(u32);

impl Tag {
    const IN_USE: u32 = 1;
    const PREVIOUS_IN_USE: u32 = 2;
    const LAST: u32 = 4;
    const RESERVED: u32 = 8;
    /// Every bit below the size, the reserved one included.
    pub(crate) const FLAGS: u32 = GRANULE as u32 - 1;

    /// The tag of a block of `size` bytes in use.
    #[inline]
    #[must_use]
    pub const fn in_use(size: usize, previous_in_use: bool) -> Self {
        Self(Self::size_bits(size) | Self::IN_USE | if previous_in_use { Self::PREVIOUS_IN_USE } else { 0 })
    }

    /// The tag of a free block of `size` bytes. Its previous block is in use: two free neighbours coalesce.
    #[inline]
    #[must_use]
    pub const fn free(size: usize) -> Self {
        Self(Self::size_bits(size) | Self::PREVIOUS_IN_USE)
    }

    /// The tag of an epilogue: the header of size 0 that ends a run of blocks.
    #[inline]
    #[must_use]
    pub const fn epilogue(previous_in_use: bool) -> Self {
        Self(Self::in_use(0, previous_in_use).0 | Self::LAST)
    }

    #[inline]
    const fn size_bits(size: usize) -> u32 {
        debug_assert!(size <= MAX_BLOCK && size.is_multiple_of(GRANULE));
        size as u32
    }

    /// The tag whose bits are `bits`, whatever they mean: for reading a header that may be damaged.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits as stored.
    #[inline]
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Size of the block in bytes, header included; 0 for an epilogue.
    #[inline]
    #[must_use]
    pub const fn size(self) -> usize {
        (self.0 & !Self::FLAGS) as usize
    }

    /// Whether the block is in use: not free. Blocks in a cache count as in use.
    #[inline]
    #[must_use]
    pub const fn is_in_use(self) -> bool {
        self.0 & Self::IN_USE != 0
    }

    /// Whether this is the tag of a block in use, and not an epilogue's or one with the reserved flag set.
    #[inline]
    #[must_use]
    pub const fn is_block_in_use(self) -> bool {
        self.0 & (Self::FLAGS & !Self::PREVIOUS_IN_USE) == Self::IN_USE
    }

    /// Whether this [is the tag of a block in use](Self::is_block_in_use) of `size` bytes.
    #[inline]
    #[must_use]
    pub const fn is_in_use_of(self, size: usize) -> bool {
        self.0 & !Self::PREVIOUS_IN_USE == Self::size_bits(size) | Self::IN_USE
    }

    /// The size in granules, if this [is the tag of a block in use](Self::is_block_in_use). A number that is larger than any size
    /// if it is not: what should be clear below the size becomes the highest bits.
    #[inline]
    #[must_use]
    pub const fn granules_in_use(self) -> usize {
        let size = (self.0 & !Self::PREVIOUS_IN_USE).wrapping_sub(Self::IN_USE);
        size.rotate_right(GRANULE.ilog2()) as usize
    }

    /// Whether the block before this one is in use. If not, its footer lies right before this header.
    #[inline]
    #[must_use]
    pub const fn is_previous_in_use(self) -> bool {
        self.0 & Self::PREVIOUS_IN_USE != 0
    }

    /// Whether this is an epilogue.
    #[inline]
    #[must_use]
    pub const fn is_last(self) -> bool {
        self.0 & Self::LAST != 0
    }

    /// The same flags with another size.
    #[inline]
    #[must_use]
    pub const fn with_size(self, size: usize) -> Self {
        Self(Self::size_bits(size) | self.0 & Self::FLAGS)
    }

    /// The same tag with the previous block in use, as it may have been already.
    #[inline]
    #[must_use]
    pub const fn with_previous_in_use(self) -> Self {
        Self(self.0 | Self::PREVIOUS_IN_USE)
    }

    /// The same tag after the previous block was freed. It was in use: debug builds assert that.
    #[inline]
    #[must_use]
    pub const fn with_previous_free(self) -> Self {
        debug_assert!(self.is_previous_in_use());
        Self(self.0 & !Self::PREVIOUS_IN_USE)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_last(), self.is_in_use()) {
            (true, _) => write!(f, "epilogue")?,
            (false, true) => write!(f, "in use, {} bytes", self.size())?,
            (false, false) => write!(f, "free, {} bytes", self.size())?,
        }
        f.write_str(if self.is_previous_in_use() { ", previous in use" } else { ", previous free" })?;
        // No block has this flag: a header that shows it is damaged, and should not read like a sound one.
        if self.0 & Self::RESERVED != 0 { f.write_str(", reserved flag set") } else { Ok(()) }
    }
}
