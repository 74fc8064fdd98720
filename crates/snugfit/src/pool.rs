//! Memory for what the allocator keeps for itself: the caches of threads, and their magazines.
//!
//! It is not the heap's. A program that writes where it must not, behind the end of a block or into one that it has freed,
//! reaches headers and links, which are checked; it does not reach these, which are believed.

use core::ptr::NonNull;

use snugfit_source::{Extent, os};

/// Mappings of their own, between pages that nobody may touch, from which pieces are cut; what comes back is used again.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Each twice as large as the one before.
    chunks: [Option<Extent>; CHUNKS],
    /// Bytes of the last chunk that were not cut off yet.
    left: usize,
    /// Bytes cut off so far: what was ever touched.
    touched: usize,
    /// Bytes that are out.
    in_use: usize,
    /// So many times the system is not asked for more.
    not_asked: u8,
}

/// Pieces of one size that came back.
#[derive(Debug)]
pub(crate) struct Pieces {
    /// In its first word, each names the next.
    last: Option<NonNull<u8>>,
    /// Bytes of each.
    size: usize,
}

// SAFETY: what lies in it is nobody else's.
unsafe impl Send for Pool {}

const CHUNKS: usize = 20;
const FIRST_CHUNK: usize = 64 << 10;
/// Pieces are aligned to this: a line of the processor's cache.
const ALIGN: usize = 64;

impl Pieces {
    /// None yet, of `size` bytes each, aligned to 64 if that is a multiple of it, else to 8.
    pub(crate) const fn of(size: usize) -> Self {
        assert!(size.is_multiple_of(8) && size >= 8);
        Self { last: None, size }
    }
}

impl Pool {
    pub(crate) const NEW: Self =
        Self { chunks: [const { None }; CHUNKS], left: 0, touched: 0, in_use: 0, not_asked: 0 };

    /// Bytes held from the system and ever touched.
    pub(crate) const fn touched(&self) -> usize {
        self.touched
    }

    /// Bytes of the pieces that are out.
    pub(crate) const fn in_use(&self) -> usize {
        self.in_use
    }

    /// Whether `address` lies in memory of the pool.
    pub(crate) fn contains(&self, address: usize) -> bool {
        self.chunks.iter().flatten().any(|chunk| chunk.contains(address))
    }

    /// Gives out a piece. `None` if there is no memory. O(1), and seldom a system call.
    pub(crate) fn take(&mut self, pieces: &mut Pieces) -> Option<NonNull<u8>> {
        let taken = match pieces.last {
            Some(piece) => {
                // SAFETY: who gave it back has written the word, and nobody uses the piece.
                pieces.last = unsafe { piece.cast::<Option<NonNull<u8>>>().read() };
                piece
            }
            None => self.cut(pieces.size)?,
        };
        self.in_use += pieces.size;
        Some(taken)
    }

    /// Takes a piece back.
    ///
    /// # Safety
    /// - It came from [`take`](Self::take) of the same `pieces`, and nobody uses it any more.
    pub(crate) unsafe fn put(&mut self, pieces: &mut Pieces, piece: NonNull<u8>) {
        // SAFETY: the piece has at least a word, aligned to 8.
        unsafe { piece.cast::<Option<NonNull<u8>>>().write(pieces.last) };
        pieces.last = Some(piece);
        self.in_use -= pieces.size;
    }

    /// Cuts a piece from the end of the last chunk.
    fn cut(&mut self, size: usize) -> Option<NonNull<u8>> {
        let align = if size.is_multiple_of(ALIGN) { ALIGN } else { 8 };
        let rest = |left: usize| left.checked_sub(size).map(|rest| rest & !(align - 1));
        let rest = match rest(self.left) {
            Some(rest) => rest,
            None => rest(self.grow()?)?,
        };
        let chunk = self.chunks.iter().flatten().next_back()?;
        self.touched += self.left - rest;
        self.left = rest;
        // SAFETY: the piece lies in the chunk.
        Some(unsafe { chunk.start.byte_add(rest) })
    }

    /// Gets another chunk; returns how large it is. When the system has refused, it is left alone for a while: each free of a
    /// block for which there is no magazine comes here.
    fn grow(&mut self) -> Option<usize> {
        if self.not_asked > 0 {
            self.not_asked -= 1;
            return None;
        }
        let grown = self.ask();
        if grown.is_none() {
            self.not_asked = u8::MAX;
        }
        grown
    }

    #[cold]
    fn ask(&mut self) -> Option<usize> {
        let number = self.chunks.iter().position(Option::is_none)?;
        let (len, page) = (FIRST_CHUNK << number, os::page_size());
        let reserved = os::reserve(len + 2 * page)?;
        // SAFETY: the pages lie within the reservation.
        let chunk = Extent { start: unsafe { reserved.start.byte_add(page) }, len };
        // SAFETY: the reservation is nobody else's.
        unsafe {
            if !os::commit(chunk) {
                let _ = os::unmap(reserved);
                return None;
            }
        }
        *self.chunks.get_mut(number)? = Some(chunk);
        self.left = len;
        Some(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn pieces_lie_apart_and_are_used_again() {
        let (mut pool, mut large, mut small) = (Pool::NEW, Pieces::of(4160), Pieces::of(152));
        let mut taken = Vec::new();
        for _ in 0..200 {
            taken.push((pool.take(&mut small).expect("memory"), 152));
            taken.push((pool.take(&mut large).expect("memory"), 4160));
        }
        for &(piece, size) in &taken {
            let start = piece.addr().get();
            assert!(pool.contains(start) && pool.contains(start + size - 1));
            assert!(start.is_multiple_of(if size == 4160 { 64 } else { 8 }));
            // SAFETY: the piece has that many bytes.
            unsafe { piece.write_bytes(0xA5, size) };
        }
        let mut sorted: Vec<_> = taken.iter().map(|&(piece, size)| (piece.addr().get(), size)).collect();
        sorted.sort_unstable();
        assert!(sorted.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0), "one lies over another");
        let used = 200 * (152 + 4160);
        assert_eq!(pool.in_use(), used);
        let touched = pool.touched();
        assert!((used..used + 200 * 128).contains(&touched), "{touched}");
        for &(piece, size) in &taken {
            // SAFETY: it came from there, and is not used any more.
            unsafe { pool.put(if size == 152 { &mut small } else { &mut large }, piece) };
        }
        assert_eq!(pool.in_use(), 0);
        (0..200).for_each(|_| assert!(pool.take(&mut small).is_some() && pool.take(&mut large).is_some()));
        assert_eq!((pool.in_use(), pool.touched()), (used, touched));
    }

    #[test]
    fn a_system_that_has_refused_is_asked_again_later() {
        const NOWHERE: Extent = Extent { start: NonNull::dangling(), len: 0 };
        // There are no places for more chunks, which is refused as the system would.
        let mut pool = Pool { chunks: [const { Some(NOWHERE) }; CHUNKS], ..Pool::NEW };
        let mut pieces = Pieces::of(64);
        assert_eq!(pool.take(&mut pieces), None);
        pool.chunks = Pool::NEW.chunks;
        assert!((0..255).all(|_| pool.take(&mut pieces).is_none()), "left alone");
        assert!(pool.take(&mut pieces).is_some());
    }
}
