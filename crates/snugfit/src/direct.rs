//! Big blocks, each a mapping of its own.

use core::ptr::NonNull;

use snugfit_heap::BadPointer;
use snugfit_source::{Extent, os};
use snugfit_tag::{Block, GRANULE, HEADER, Key, Seal, State, Tag};

/// A block that is a mapping of its own: a pointer to its first byte.
///
/// ```text
///  | length | payload: offset | 0 | (nothing, where the alignment asks for it) | header | payload ...
///    0        8                16  24                                    offset-8     offset
/// ```
///
/// The header is that of an epilogue, which the heap takes for no block, under a seal made of its address and the
/// length of the mapping. It lies in the first page, the one that the page map marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mapping(NonNull<u8>);

/// Bytes of the words at the start. The third is 0, or says more of it ([`mapping`](crate::hardened)).
const RECORD: usize = 24;

/// Where the payload starts, if no larger alignment was asked for.
pub(crate) const FIRST_OFFSET: usize = (RECORD + HEADER).next_multiple_of(GRANULE);

/// What a mapping was that is none any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// All of its addresses, guard pages included.
    pub(crate) whole: Extent,
    /// Those that hold memory.
    pub(crate) inside: Extent,
}

impl Mapping {
    /// Maps a block of `size` bytes, aligned to `align`, a power of two. It reads as zero. No lock is needed: it is
    /// nobody's until it is [sealed](Self::seal).
    pub(crate) fn map(size: usize, align: usize) -> Option<Self> {
        let page = os::page_size();
        let offset = align.max(FIRST_OFFSET).min(page);
        let len = size.checked_add(offset)?.checked_next_multiple_of(page)?;
        let extent = if align <= page { os::map(len)? } else { map_aligned(len, align, page)? };
        Some(Self::made(extent, offset))
    }

    /// The mapping that `extent` is from now on, whose payload starts at `offset`.
    pub(crate) fn made(extent: Extent, offset: usize) -> Self {
        let mapping = Self(extent.start);
        mapping.set_word(0, extent.len);
        mapping.set_word(1, offset);
        mapping
    }

    /// The mapping whose first page `address` lies in.
    ///
    /// # Safety
    /// - It is that of a mapping that lives: the page map says so, under the lock.
    pub(crate) unsafe fn at(address: usize) -> Self {
        let page = address & !(os::page_size() - 1);
        let start = NonNull::new(core::ptr::with_exposed_provenance_mut(page));
        // SAFETY: the first page of the address space is no mapping.
        Self(unsafe { start.unwrap_unchecked() })
    }

    /// The mapping whose first page the header before `payload` lies in.
    ///
    /// # Safety
    /// - As for [`at`](Self::at), for that page.
    pub(crate) unsafe fn of(payload: NonNull<u8>) -> Self {
        // SAFETY: the caller vouches for the page.
        unsafe { Self::at(payload.addr().get() - HEADER) }
    }

    pub(crate) fn word(self, number: usize) -> usize {
        // SAFETY: the record lies within the first page.
        unsafe { self.0.cast::<usize>().add(number).read() }
    }

    pub(crate) fn set_word(self, number: usize, value: usize) {
        // SAFETY: as in `word`.
        unsafe { self.0.cast::<usize>().add(number).write(value) };
    }

    /// All of its bytes.
    pub(crate) fn extent(self) -> Extent {
        Extent { start: self.0, len: self.word(0) }
    }

    pub(crate) fn len(self) -> usize {
        self.word(0)
    }

    /// The page that the page map marks.
    pub(crate) fn first_page(self) -> Extent {
        Extent { start: self.0, len: os::page_size() }
    }

    pub(crate) fn offset(self) -> usize {
        self.word(1)
    }

    pub(crate) fn payload(self) -> NonNull<u8> {
        // SAFETY: the payload starts in the first page or right behind it, within the mapping.
        unsafe { self.0.byte_add(self.offset()) }
    }

    pub(crate) fn usable_size(self) -> usize {
        self.exact().unwrap_or(self.room())
    }

    /// The bytes from the payload's start to the end.
    pub(crate) fn room(self) -> usize {
        self.len() - self.offset()
    }

    /// The length of a mapping that holds a payload of `size` bytes at the offset of this one.
    pub(crate) fn len_for(self, size: usize) -> Option<usize> {
        let room = size.checked_add(self.least_behind())?;
        room.checked_add(self.offset())?.checked_next_multiple_of(os::page_size())
    }

    /// Whether a request for `size` bytes would have got it.
    pub(crate) fn serves(self, size: usize) -> bool {
        self.exact().map_or(self.len_for(size) == Some(self.len()), |exact| exact == size)
    }

    fn block(self) -> Block {
        // SAFETY: a header lies before the payload, in the first page.
        unsafe { Block::from_payload(self.payload()) }
    }

    /// Makes it a live block.
    pub(crate) fn seal(self, key: Key) {
        // SAFETY: the caller owns the mapping, and nobody else looks at its header.
        unsafe { self.block().set_header(Tag::epilogue(true), self.expected_seal(key)) };
        self.write_canary(key);
    }

    fn expected_seal(self, key: Key) -> Seal {
        key.seal(self.payload().addr().get() - HEADER, self.len(), State::Live)
    }

    /// What is wrong with `payload`, of which the page map says that its header lies in the first page.
    pub(crate) fn check(self, payload: NonNull<u8>, key: Key) -> Result<(), BadPointer> {
        // An offset that is none was overwritten: it is not followed.
        if !self.is_offset_sound() {
            return Err(BadPointer::HeaderOverwritten);
        }
        let header = self.block();
        if header.tag() != Tag::epilogue(true) || header.seal() != self.expected_seal(key) {
            return Err(BadPointer::HeaderOverwritten);
        }
        let (at, start) = (payload.addr().get(), self.payload().addr().get());
        if at == start { self.check_around(key) } else { Err(self.interior(at)) }
    }

    /// Whether its own words and header are as they were written.
    pub(crate) fn is_sound(self, key: Key) -> bool {
        self.is_offset_sound() && self.check(self.payload(), key).is_ok()
    }

    fn is_offset_sound(self) -> bool {
        let offset = self.offset();
        (FIRST_OFFSET..=os::page_size()).contains(&offset) && offset.is_multiple_of(GRANULE)
    }

    /// What is wrong with a pointer to `address`, which lies in the mapping but is not its payload.
    pub(crate) fn interior(self, address: usize) -> BadPointer {
        let payload = self.payload().addr().get();
        match address.checked_sub(payload) {
            Some(offset) => BadPointer::Interior { payload, offset, usable_size: self.usable_size() },
            None if address.is_multiple_of(GRANULE) => BadPointer::Foreign,
            None => BadPointer::Misaligned,
        }
    }

    /// Changes its length to `len`, elsewhere if it must and may; contents are kept, what is added reads as zero. It
    /// is to be sealed again.
    ///
    /// # Safety
    /// - The caller owns the block, and uses what is cut off, and after a move the old addresses, no more.
    pub(crate) unsafe fn remap(self, len: usize, may_move: bool) -> Option<Self> {
        if self.is_guarded() {
            // SAFETY: the caller vouches for the mapping.
            return unsafe { self.remap_guarded(len, may_move) };
        }
        let offset = self.offset();
        // SAFETY: the caller vouches for the mapping.
        let extent = unsafe { os::remap(self.extent(), len, may_move) }?;
        Some(Self::made(extent, offset))
    }
}

/// Unmaps what is left of a block. If the system refuses, because that would make one mapping more than it allows, it
/// takes at least the contents back.
///
/// # Safety
/// - `extent` is the caller's, and nobody uses it any more.
pub(crate) unsafe fn unmap(extent: Extent) {
    // SAFETY: the caller vouches for the extent.
    let _ = unsafe { os::unmap(extent) || os::purge(extent) };
}

/// Maps `len` bytes so that the second page is aligned to `align`, which is larger than a page.
fn map_aligned(len: usize, align: usize, page: usize) -> Option<Extent> {
    let all = os::map(len.checked_add(align)?)?;
    let second = (all.start.addr().get() + page).checked_next_multiple_of(align)?;
    let skip = second - page - all.start.addr().get();
    let (before, after) = (all.head(skip), all.tail(skip + len));
    for spare in [before, after] {
        if spare.len > 0 {
            // SAFETY: the spare pages are this function's, and nobody uses them.
            unsafe { unmap(spare) };
        }
    }
    Some(all.tail(skip).head(len))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key::new(0x0123_4567_89AB_CDEF, 0x9E37_79B9_7F4A_7C15);

    fn offset(payload: NonNull<u8>, offset: isize) -> NonNull<u8> {
        NonNull::new(payload.as_ptr().wrapping_offset(offset)).unwrap()
    }

    #[test]
    fn a_mapping_holds_what_was_asked_for_at_its_alignment() {
        for align in [1, 16, 32, 64, 2048, 4096, 8192, 1 << 16, 1 << 21, 1 << 30] {
            for size in [0, 1, 4063, 4064, 4065, 4096, 100_000] {
                let mapping = Mapping::map(size, align).unwrap();
                mapping.seal(KEY);
                let payload = mapping.payload();
                assert!(payload.addr().get().is_multiple_of(align.max(GRANULE)), "{size} at {align}");
                assert!(
                    mapping.usable_size() >= size && mapping.usable_size() < size + 4096,
                    "{size} at {align}"
                );
                assert_eq!(mapping.len_for(size), Some(mapping.len()));
                // SAFETY: it lives.
                assert_eq!(unsafe { Mapping::of(payload) }, mapping);
                // SAFETY: the payload has that many bytes.
                unsafe { payload.write_bytes(0xA5, mapping.usable_size()) };
                assert_eq!(mapping.check(payload, KEY), Ok(()));
                assert!(mapping.is_sound(KEY));
                // SAFETY: nobody uses it any more.
                unsafe { unmap(mapping.extent()) };
            }
        }
    }

    #[test]
    fn absurd_sizes_and_alignments_are_refused() {
        for (size, align) in
            [(usize::MAX, 16), (usize::MAX - 4096, 16), (1, 1 << 62), (1 << 62, 1 << 62), (0, 1 << 63)]
        {
            assert_eq!(Mapping::map(size, align), None, "{size} at {align}");
        }
    }

    #[test]
    fn other_pointers_into_the_first_page_are_named() {
        let mapping = Mapping::map(10_000, 64).unwrap();
        mapping.seal(KEY);
        let payload = mapping.payload();
        let start = payload.addr().get();
        let usable_size = mapping.usable_size();
        for at in [1, 16, 1000] {
            let expected = BadPointer::Interior { payload: start, offset: at as usize, usable_size };
            assert_eq!(mapping.check(offset(payload, at), KEY), Err(expected));
        }
        assert_eq!(mapping.check(offset(payload, -16), KEY), Err(BadPointer::Foreign));
        assert_eq!(mapping.check(offset(payload, -1), KEY), Err(BadPointer::Misaligned));
        assert_eq!(mapping.check(payload, Key::new(1, 3)), Err(BadPointer::HeaderOverwritten));
        for word in 0..2 {
            let before = mapping.word(word);
            for value in [0, 8, before + 16, before + 4096, usize::MAX] {
                mapping.set_word(word, value);
                let found = mapping.check(payload, KEY);
                assert!(
                    matches!(found, Err(BadPointer::HeaderOverwritten | BadPointer::Foreign)),
                    "{found:?}"
                );
                mapping.set_word(word, before);
            }
        }
        assert_eq!(mapping.check(payload, KEY), Ok(()));
        // SAFETY: nobody uses it any more.
        unsafe { unmap(mapping.extent()) };
    }

    #[test]
    fn a_remapped_block_keeps_its_contents_and_its_offset() {
        let mapping = Mapping::map(10_000, 2048).unwrap();
        mapping.seal(KEY);
        // SAFETY: the payload has that many bytes.
        unsafe { mapping.payload().write_bytes(0xA5, 10_000) };
        let len = mapping.len_for(50_000_000).unwrap();
        // SAFETY: the old address is not used again.
        let larger = unsafe { mapping.remap(len, true) }.unwrap();
        larger.seal(KEY);
        assert!(larger.is_sound(KEY) && larger.usable_size() >= 50_000_000);
        assert!(larger.payload().addr().get().is_multiple_of(2048));
        // SAFETY: the payload has that many bytes.
        let bytes = unsafe { core::slice::from_raw_parts(larger.payload().as_ptr(), 50_000_000) };
        assert!(
            bytes[..10_000].iter().all(|&byte| byte == 0xA5) && bytes[20_000..].iter().all(|&byte| byte == 0)
        );
        let len = larger.len_for(1).unwrap();
        // SAFETY: what is cut off is not used.
        let smaller = unsafe { larger.remap(len, false) }.unwrap();
        assert_eq!((smaller, smaller.len()), (larger, 4096));
        // SAFETY: nobody uses it any more.
        unsafe { unmap(smaller.extent()) };
    }
}
