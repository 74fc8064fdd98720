//! A complete first-fit allocator over an array of bytes, from nothing but `snugfit-tag` and the standard library.
//!
//! It keeps no list of free blocks: to allocate, it walks the array from the start and takes the first free block
//! that is large enough, and cuts off what it does not need. To free, it joins the block with its free neighbours at
//! once; the boundary tags find both without a search.
//!
//! ```text
//!  offset 0    8          16                                                SIZE - 8
//!         ┌────┬──────────┬──────────────────────────┬──────────┬─── ... ──┬──────────┐
//!         │ -- │ header   │ payload                  │ header   │ payload  │ epilogue │
//!         └────┴──────────┴──────────────────────────┴──────────┴─── ... ──┴──────────┘
//! ```
use std::hash::{BuildHasher, RandomState};
use std::marker::PhantomData;
use std::ptr::NonNull;

use snugfit_tag::{Block, Compact, Format, GRANULE, Key, MIN_BLOCK, Seal, State, Tag};

const SIZE: usize = 64 * 1024;

/// The bytes to hand out. Aligned, so that payloads, 8 bytes after a header at 8 mod 16, are aligned to 16.
#[repr(align(16))]
struct Buffer([u8; SIZE]);

/// Why a pointer is not accepted by [`FirstFit::free`].
#[derive(Debug, PartialEq)]
enum Misuse {
    WrongPointer,
    DoubleFree,
}

struct FirstFit<'a> {
    first: Block,
    key: Key,
    buffer: PhantomData<&'a mut Buffer>,
}

impl<'a> FirstFit<'a> {
    /// One free block over the whole buffer, and the epilogue behind it.
    fn new(buffer: &'a mut Buffer) -> Self {
        // SAFETY: the header lies at 8; the block ends at SIZE - 8, which leaves 8 bytes for the epilogue. The buffer
        // is borrowed for as long as this value lives, and initialised, so any header in it may be read.
        let first = unsafe {
            let first = Block::from_payload(NonNull::from(&mut buffer.0).cast().byte_add(GRANULE));
            first.write_free(SIZE - GRANULE);
            first.next().set_header(Tag::epilogue(false), Seal::FREE);
            first
        };
        // The standard library's random numbers are the seeds of its hash maps.
        let key = Key::new(RandomState::new().hash_one(0), RandomState::new().hash_one(0));
        Self { first, key, buffer: PhantomData }
    }

    /// All blocks in order of address, up to the epilogue.
    fn blocks(&self) -> impl Iterator<Item = Block> {
        std::iter::successors(Some(self.first), |block| {
            // SAFETY: the tags are true, and the epilogue is never asked for its next block.
            Some(unsafe { block.next() }).filter(|next| !next.tag().is_last())
        })
    }

    /// At least `bytes` bytes, aligned to 16; `None` if no free block is large enough.
    fn allocate(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        let wanted = Compact::block_size(bytes)?;
        let block = self.blocks().find(|block| !block.tag().is_in_use() && block.size() >= wanted)?;
        let mut size = block.size();
        // SAFETY: the block is free, so this allocator owns all its bytes, and a header follows them.
        unsafe {
            if size - wanted >= MIN_BLOCK {
                // The rest is free now and ends where the block did: what comes after it need not change.
                let _rest = block.split(size, wanted);
                size = wanted;
            } else {
                let next = block.next();
                next.set_tag(next.tag().with_previous_in_use());
            }
            // The neighbours of a free block are in use, hence `true`: the previous one is.
            Compact::seal(block, Tag::in_use(size, true), self.key);
        }
        Some(block.payload())
    }

    /// Takes back what `allocate` returned, or says what is wrong with the pointer.
    ///
    /// # Safety
    /// - If `payload` is that of a live block, nobody uses it any longer. Any other pointer is refused, save one in 2^32.
    unsafe fn free(&mut self, payload: NonNull<u8>) -> Result<(), Misuse> {
        let offset = payload.addr().get().wrapping_sub(self.first.payload().addr().get());
        if offset >= SIZE - GRANULE || !offset.is_multiple_of(GRANULE) {
            return Err(Misuse::WrongPointer);
        }
        // SAFETY: there are eight bytes at 8 mod 16 inside the buffer, as just checked. They are reached from the first
        // block, because the caller's pointer may be good for its payload only.
        let block = unsafe { self.first.offset(offset) };
        let mut size = block.size();
        match self.key.state(block.seal(), block.address(), size) {
            Some(State::Live) if block.tag().is_block_in_use() => {}
            Some(State::Free) => return Err(Misuse::DoubleFree),
            _ => return Err(Misuse::WrongPointer),
        }
        // Joined to the previous block, this header becomes a remnant inside it; it must not stay valid.
        block.set_seal(Seal::FREE);
        // SAFETY: the seal vouches for the size, and a header follows the block. A block whose flag says that the
        // previous one is free has that one's footer before it. The joined bytes are this allocator's.
        unsafe {
            let next = block.next();
            if next.tag().is_in_use() {
                next.set_tag(next.tag().with_previous_free());
            } else {
                size += next.size();
            }
            let mut start = block;
            if !block.tag().is_previous_in_use() {
                start = block.previous();
                size += start.size();
            }
            start.write_free(size);
        }
        Ok(())
    }

    fn show(&self, title: &str) {
        println!("{title}");
        for block in self.blocks() {
            println!("  {:>6}  {:?}", block.address() - self.first.address(), block.tag());
        }
    }
}

fn main() {
    let mut buffer = Box::new(Buffer([0; SIZE]));
    let mut heap = FirstFit::new(&mut buffer);
    let [a, b, c] = [100, 1000, 24].map(|bytes| heap.allocate(bytes).expect("the buffer is large enough"));
    heap.show("three blocks in use:");
    // SAFETY: nothing uses the blocks; the wrong pointers are refused.
    unsafe {
        assert_eq!(heap.free(b.byte_add(16)), Err(Misuse::WrongPointer));
        assert_eq!([b, b].map(|payload| heap.free(payload)), [Ok(()), Err(Misuse::DoubleFree)]);
        heap.show("`free(b + 16)` refused, `free(b)` done, `free(b)` again refused:");
        assert_eq!(heap.allocate(500), Some(b), "the first fit is the hole that b left");
        heap.show("500 bytes, cut from the front of that hole:");
        assert_eq!([c, a, b].map(|payload| heap.free(payload)), [Ok(()), Ok(()), Ok(())]);
        assert_eq!(heap.free(c), Err(Misuse::DoubleFree), "even after its block was joined to another");
    }
    heap.show("all freed, all joined:");
    assert!(heap.blocks().map(Block::size).eq([SIZE - GRANULE]), "one free block, as at the start");
}
