//! Blocks that claim more than they are, and notice who writes where.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::vec;
use std::vec::Vec;

use snugfit_tag::{Block, FOOTER, GRANULE, HEADER, Seal, Tag};

use crate::MAX_LINKS;

const WORD: usize = size_of::<u64>();

/// A row of stubs. A stub has a header and a few words behind it; its header may claim any size, because an index
/// touches nothing but tag and links. A footer and all that comes after the links are filled with a pattern, and so
/// is the whole of a stub that is not in the index.
///
/// ```text
///         header     links of a block of 32    claimed footer and beyond      next stub
///        ┌──────────┬────────────┬────────────┬──────────────────────────────┬─────────
///        │ tag  seal│ the index's│ the index's│ pattern  pattern  ...        │
///        └──────────┴────────────┴────────────┴──────────────────────────────┴─────────
///        ▲ 8 mod 16               ◀──────────── spacing ─────────────────────▶
/// ```
pub(super) struct Stubs {
    memory: NonNull<u8>,
    layout: Layout,
    spacing: usize,
    /// The claimed size of each stub in the index; `None` for one that is not.
    held: Vec<Option<usize>>,
}

impl Stubs {
    /// `count` stubs, one every `spacing` bytes: a multiple of 16. No index may use more than `spacing - 8` bytes.
    pub(super) fn new(count: usize, spacing: usize) -> Self {
        assert!(spacing.is_multiple_of(GRANULE));
        let layout = Layout::from_size_align(count * spacing + HEADER, GRANULE).expect("a small layout");
        // SAFETY: the layout is not empty.
        let memory = unsafe { alloc(layout) };
        let memory = NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout));
        let mut stubs = Self { memory, layout, spacing, held: vec![None; count] };
        (0..count).for_each(|stub| stubs.blank(stub));
        stubs
    }

    /// The bytes from one stub to the next.
    pub(super) const fn spacing(&self) -> usize {
        self.spacing
    }

    pub(super) fn block(&self, stub: usize) -> Block {
        assert!(stub < self.held.len());
        // SAFETY: the first header is at 8 mod 16 and stubs are whole granules apart, within the allocation.
        unsafe { Block::from_header(self.memory.byte_add(HEADER + stub * self.spacing)) }
    }

    /// The stub that `block` is. Panics if it is none.
    pub(super) fn number(&self, block: Block) -> usize {
        let stub = (block.address() - HEADER).wrapping_sub(self.memory.addr().get()) / self.spacing;
        assert!(stub < self.held.len() && self.block(stub) == block, "{:#x} is no block", block.address());
        stub
    }

    /// Runs `call` on a stub whose tag is noise meanwhile: the index is told the size and may not read it there.
    pub(super) fn with_tag_hidden(&self, stub: usize, call: impl FnOnce(Block)) {
        let block = self.block(stub);
        let (tag, noise) = (block.tag(), Tag::from_bits(self.pattern(stub, 1) as u32));
        block.set_tag(noise);
        call(block);
        assert!(block.tag() == noise, "the tag of a block passed in was written");
        block.set_tag(tag);
    }

    /// Writes to a link of a stub in the index, as a program does that uses what it has freed.
    pub(super) fn overwrite(&self, stub: usize, link: usize, value: u64) {
        assert!(link < self.links(stub));
        // SAFETY: the word lies within the stub.
        unsafe { self.word(stub, link).write(value) };
    }

    /// Whether `block` is a stub in the index, of the size that it claims.
    pub(super) fn holds(&self, block: Block) -> bool {
        let offset = block.address().wrapping_sub(HEADER).wrapping_sub(self.memory.addr().get());
        offset.is_multiple_of(self.spacing)
            && self.held.get(offset / self.spacing).copied().flatten() == Some(block.size())
    }

    /// The stub is in the index from here on, as a block of `size` bytes; it was inserted or replaced another.
    pub(super) fn hold(&mut self, stub: usize, size: usize) {
        self.verify_header(stub);
        self.verify_from(stub, self.links(stub).max(self.links_of(size)));
        self.held[stub] = Some(size);
        self.block(stub).set_tag(Tag::free(size));
        self.block(stub).set_seal(Seal::FREE);
        self.fill(stub);
    }

    /// The stub is not in the index from here on.
    pub(super) fn release(&mut self, stub: usize) {
        self.verify_stub(stub);
        self.blank(stub);
    }

    fn blank(&mut self, stub: usize) {
        self.held[stub] = None;
        self.block(stub).set_tag(self.tag(stub));
        self.block(stub).set_seal(self.seal(stub));
        self.fill(stub);
    }

    /// Panics unless every byte is as it was left, apart from the links of blocks in the index.
    pub(super) fn verify(&self) {
        (0..self.held.len()).for_each(|stub| self.verify_stub(stub));
    }

    fn verify_stub(&self, stub: usize) {
        self.verify_header(stub);
        self.verify_from(stub, self.links(stub));
    }

    fn verify_header(&self, stub: usize) {
        let block = self.block(stub);
        assert!(
            block.tag() == self.tag(stub) && block.seal() == self.seal(stub),
            "a header was written: {block:?}"
        );
    }

    fn verify_from(&self, stub: usize, first: usize) {
        for word in first..self.words() {
            // SAFETY: the word lies within the stub, and a pattern was written to it.
            let found = unsafe { self.word(stub, word).read() };
            assert!(
                found == self.pattern(stub, word),
                "word {word} of a block that has {first} words for links was written"
            );
        }
    }

    /// Writes the pattern to the words that are not the index's.
    fn fill(&mut self, stub: usize) {
        for word in self.links(stub)..self.words() {
            // SAFETY: the word lies within the stub, and the index may not use it.
            unsafe { self.word(stub, word).write(self.pattern(stub, word)) };
        }
    }

    /// The tag that the stub should have: noise unless it is in the index.
    fn tag(&self, stub: usize) -> Tag {
        self.held[stub].map_or(Tag::from_bits(self.pattern(stub, 0) as u32), Tag::free)
    }

    /// The seal that the stub should have: noise unless it is in the index.
    fn seal(&self, stub: usize) -> Seal {
        self.held[stub].map_or(Seal::from_bits(self.pattern(stub, 2) as u32), |_| Seal::FREE)
    }

    /// The words behind a header.
    fn words(&self) -> usize {
        (self.spacing - HEADER) / WORD
    }

    /// The words of a stub that are the index's: none unless it is in the index.
    fn links(&self, stub: usize) -> usize {
        self.held[stub].map_or(0, |size| self.links_of(size))
    }

    /// The words that an index may use in a block of `size` bytes: those between header and footer, as far as the
    /// stub has them.
    fn links_of(&self, size: usize) -> usize {
        ((size - HEADER - FOOTER) / WORD).min(MAX_LINKS).min(self.words())
    }

    fn word(&self, stub: usize, word: usize) -> NonNull<u64> {
        assert!(word < self.words());
        // SAFETY: the word lies within the stub, which lies within the allocation.
        unsafe { self.block(stub).payload().byte_add(word * WORD).cast() }
    }

    /// A different odd number for every word of every stub: a link never looks like this.
    fn pattern(&self, stub: usize, word: usize) -> u64 {
        let place = (stub * self.words() + word) as u64 + 1;
        place.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1
    }
}

impl Drop for Stubs {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout.
        unsafe { dealloc(self.memory.as_ptr(), self.layout) };
    }
}
