//! The last word of a block.

use crate::{Block, Canary};

/// The last eight bytes of a block: of a free one its size, of one in use in [`Mirrored`](crate::Mirrored) format
/// half a canary, and the length of the payload above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Footer(u64);

impl Footer {
    /// The footer of a free block of `size` bytes.
    #[inline]
    #[must_use]
    pub const fn free(size: usize) -> Self {
        Self(size as u64)
    }

    /// The footer of a block in use, behind a payload of `len` bytes: the half of its canary that lies at lower addresses,
    /// and the length above. It stays the same while the block is cached.
    #[inline]
    #[must_use]
    pub const fn mirror(len: usize, canary: Canary) -> Self {
        Self(canary.bits() & u32::MAX as u64 | (len as u64) << 32)
    }

    /// Whether this is the [`mirror`](Self::mirror) of the length that it states.
    #[inline]
    #[must_use]
    pub const fn is_mirror(self, canary: Canary) -> bool {
        self.0 as u32 == canary.bits() as u32
    }

    /// The length of the payload that this footer of a block in use states.
    #[inline]
    #[must_use]
    pub const fn payload_len(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// The block size that this footer of a free block states.
    #[inline]
    #[must_use]
    pub const fn size(self) -> usize {
        (self.0 & u32::MAX as u64) as usize
    }
}

impl Block {
    /// Reads the footer of this block, taken to be `size` bytes long.
    ///
    /// # Safety
    /// - The `size` bytes from the header on are memory that the caller may read; `size` is a multiple of 16 and
    ///   at least [`MIN_BLOCK`](crate::MIN_BLOCK).
    #[inline]
    #[must_use]
    pub unsafe fn footer(self, size: usize) -> Footer {
        // SAFETY: the footer's eight bytes end `size` bytes after the header, so the caller vouches for them; the
        // header is at 8 mod 16, so they are aligned.
        unsafe { self.header().byte_add(size - crate::FOOTER).cast::<Footer>().read() }
    }

    /// Writes the footer of this block, taken to be `size` bytes long.
    ///
    /// # Safety
    /// - As for [`footer`](Self::footer), for writing; no caller uses those bytes as payload.
    #[inline]
    pub unsafe fn set_footer(self, size: usize, footer: Footer) {
        // SAFETY: as in `footer`; nobody else holds these bytes.
        unsafe { self.header().byte_add(size - crate::FOOTER).cast::<Footer>().write(footer) };
    }
}
