//! Wrong pointers and overwritten memory: each is named, and nothing else changes.

mod common;

use std::ptr::NonNull;

use common::{Gaps, KEY};
use snugfit_bins::BinsIndex;
use snugfit_heap::{BadPointer, Heap, ResizeError, Violation};
use snugfit_index::FreeIndex;
use snugfit_source::{Fixed, Mapped, Source};
use snugfit_tag::{Block, Compact, Footer, Format, Key, Mirrored, Seal, Tag};

type TestHeap<F = Compact> = Heap<Mapped, BinsIndex, F>;

fn heap<F: Format>() -> TestHeap<F> {
    Heap::new(Mapped::new(), KEY)
}

fn allocate<S: Source, I: FreeIndex, F: Format>(heap: &mut Heap<S, I, F>, size: usize) -> NonNull<u8> {
    heap.allocate(size).expect("memory")
}

fn free<S: Source, I: FreeIndex, F: Format>(
    heap: &mut Heap<S, I, F>,
    payload: NonNull<u8>,
) -> Result<(), BadPointer> {
    // SAFETY: the tests pass payloads of the heap, pointers into them, or other memory of the program.
    unsafe { heap.deallocate(payload) }
}

/// The pointer `offset` bytes from `payload`.
fn offset(payload: NonNull<u8>, offset: isize) -> NonNull<u8> {
    NonNull::new(payload.as_ptr().wrapping_offset(offset)).expect("not null")
}

fn block(payload: NonNull<u8>) -> Block {
    // SAFETY: the tests pass payloads of a heap that lives.
    unsafe { Block::from_payload(payload) }
}

#[test]
fn every_interior_pointer_is_named() {
    let mut heap = heap::<Compact>();
    let payload = allocate(&mut heap, 200);
    let _behind = allocate(&mut heap, 10);
    for at in 1..200 {
        let found = free(&mut heap, offset(payload, at));
        let expected =
            BadPointer::Interior { payload: payload.addr().get(), offset: at as usize, usable_size: 200 };
        assert_eq!(found, Err(expected), "{at} bytes in");
        // SAFETY: as in `free`.
        let resized = unsafe { heap.resize(offset(payload, at), 10) };
        assert_eq!(resized, Err(ResizeError::BadPointer(expected)), "{at} bytes in");
        // SAFETY: as in `free`.
        assert_eq!(unsafe { heap.usable_size(offset(payload, at)) }, Err(expected), "{at} bytes in");
    }
    assert_eq!(heap.validate(), Ok(()));
    assert_eq!(free(&mut heap, payload), Ok(()));
}

/// Odd addresses that lie in no payload in use.
#[test]
fn misaligned_pointers_are_named() {
    let mut heap = heap::<Compact>();
    let payloads: Vec<_> = (0..3).map(|_| allocate(&mut heap, 200)).collect();
    assert_eq!(free(&mut heap, payloads[1]), Ok(()));
    let misaligned = Err(BadPointer::Misaligned);
    assert_eq!(free(&mut heap, offset(payloads[0], -1)), misaligned, "the first header");
    assert_eq!(free(&mut heap, offset(payloads[0], -20)), misaligned, "the record of the segment");
    assert_eq!(free(&mut heap, offset(payloads[2], -8)), misaligned, "a header behind a free block");
    assert_eq!(free(&mut heap, offset(payloads[1], 5)), misaligned, "a free block");
    assert_eq!(free(&mut heap, offset(payloads[2], 201)), misaligned, "the epilogue");
    assert_eq!(free(&mut heap, offset(payloads[2], 1001)), misaligned, "the top");
    assert_eq!(free(&mut heap, offset(payloads[1], -8)), misaligned, "a header behind a block in use");
    let outside = NonNull::new(std::ptr::without_provenance_mut::<u8>(4097)).expect("not null");
    assert_eq!(free(&mut heap, outside), Err(BadPointer::Foreign));
}

#[test]
fn copies_of_headers_and_footers_do_not_pass() {
    let mut heap = heap::<Mirrored>();
    let model = allocate(&mut heap, 40);
    let hostile = allocate(&mut heap, 4096);
    for at in (0..4096).step_by(16) {
        // SAFETY: a header before the payload, and 4096 bytes of payload.
        unsafe {
            let header = offset(model, -8).cast::<u64>().read();
            offset(hostile, at).cast::<u64>().write(header);
            offset(hostile, at + 8).cast::<u64>().write(header);
        }
    }
    for at in (16..4096).step_by(16) {
        let found = free(&mut heap, offset(hostile, at));
        assert!(matches!(found, Err(BadPointer::Interior { .. })), "{at}: {found:?}");
    }
    assert_eq!(heap.validate(), Ok(()));
}

#[test]
fn double_frees_are_named_whatever_became_of_the_block() {
    let mut heap = heap::<Compact>();
    let payloads: Vec<_> = (0..6).map(|_| allocate(&mut heap, 100)).collect();
    let double = Err(BadPointer::DoubleFree);
    // Alone.
    assert_eq!(free(&mut heap, payloads[1]), Ok(()));
    assert_eq!(free(&mut heap, payloads[1]), double);
    // Joined with the block before it: its header lies inside a larger free block now.
    assert_eq!(free(&mut heap, payloads[2]), Ok(()));
    assert_eq!(free(&mut heap, payloads[2]), double);
    // Joined with the block behind it.
    assert_eq!(free(&mut heap, payloads[0]), Ok(()));
    assert_eq!(free(&mut heap, payloads[0]), double);
    assert_eq!(free(&mut heap, payloads[1]), double);
    // Joined with the top.
    assert_eq!(free(&mut heap, payloads[5]), Ok(()));
    assert_eq!(free(&mut heap, payloads[5]), double);
    assert_eq!(free(&mut heap, payloads[4]), Ok(()));
    assert_eq!(free(&mut heap, payloads[5]), double);
    assert_eq!(heap.validate(), Ok(()));
}

#[test]
fn foreign_pointers_are_named() {
    let mut heap = heap::<Compact>();
    let ours = allocate(&mut heap, 100);
    let mut other = Heap::<Mapped, BinsIndex>::new(Mapped::new(), Key::new(7, 9));
    let theirs = allocate(&mut other, 100);
    let mut stack = [0_u128; 4];
    let on_stack = NonNull::from(&mut stack[1]).cast();
    assert_eq!(free(&mut heap, theirs), Err(BadPointer::Foreign));
    // In the segment, but behind everything that was ever allocated.
    assert_eq!(free(&mut heap, offset(ours, 1024)), Err(BadPointer::Foreign));
    assert_eq!(free(&mut heap, on_stack), Err(BadPointer::Foreign));
    assert_eq!(heap.validate(), Ok(()));
}

#[test]
fn a_header_of_another_key_does_not_pass() {
    // The same buffer, the same layout, two keys: everything but the key agrees.
    let buffer = vec![core::mem::MaybeUninit::<u8>::uninit(); 4096].leak();
    let (start, len) = (NonNull::from(&mut buffer[0]).cast::<u8>(), buffer.len());
    let skip = start.addr().get().wrapping_neg() & 15;
    // SAFETY: the buffer is leaked, and only one heap is used at a time.
    let source = || unsafe { Fixed::from_raw(start.byte_add(skip), (len - skip) & !15) };
    let mut first = Heap::<_, BinsIndex>::new(source(), KEY);
    let payload = allocate(&mut first, 100);
    let (tag, seal) = (block(payload).tag(), block(payload).seal());
    let mut second = Heap::<_, BinsIndex>::new(source(), Key::new(1, 3));
    assert_eq!(allocate(&mut second, 100), payload);
    assert_eq!(block(payload).tag(), tag);
    assert_ne!(block(payload).seal(), seal);
    block(payload).set_seal(seal);
    assert_eq!(free(&mut second, payload), Err(BadPointer::HeaderOverwritten));
}

#[test]
fn wrong_sizes_are_named() {
    let mut heap = heap::<Compact>();
    let payload = allocate(&mut heap, 100);
    for size in [0, 60, 72, 105, 120, 1 << 20, usize::MAX] {
        // SAFETY: the payload is live.
        let found = unsafe { heap.deallocate_sized(payload, size) };
        assert_eq!(found, Err(BadPointer::WrongSize), "{size}");
    }
    // SAFETY: the payload is live, and not used any more.
    assert_eq!(unsafe { heap.deallocate_sized(payload, 100) }, Ok(()));
    let smallest = allocate(&mut heap, 1);
    // SAFETY: the payload is live.
    assert_eq!(unsafe { heap.deallocate_sized(smallest, usize::MAX) }, Err(BadPointer::WrongSize));
}

#[test]
fn overwritten_headers_are_named() {
    let mut heap = heap::<Compact>();
    let payload = allocate(&mut heap, 100);
    let _behind = allocate(&mut heap, 100);
    let tag = block(payload).tag();
    for bit in 0..32 {
        block(payload).set_tag(Tag::from_bits(tag.bits() ^ 1 << bit));
        assert!(free(&mut heap, payload).is_err(), "bit {bit} of the tag");
        block(payload).set_tag(tag);
    }
    let seal = block(payload).seal();
    for bit in 0..32 {
        block(payload).set_seal(Seal::from_bits(seal.bits() ^ 1 << bit));
        assert_eq!(free(&mut heap, payload), Err(BadPointer::HeaderOverwritten), "bit {bit} of the seal");
    }
    block(payload).set_seal(seal);
    assert_eq!(free(&mut heap, payload), Ok(()));
}

#[test]
fn an_overflow_into_a_free_blocks_footer_is_named() {
    let mut heap = heap::<Compact>();
    let (before, payload, _behind) =
        (allocate(&mut heap, 100), allocate(&mut heap, 100), allocate(&mut heap, 100));
    assert_eq!(free(&mut heap, before), Ok(()));
    // The last two look like footers, and lead into the free block.
    for wrong in [0, 8, 0x4141_4141_4141_4141, u64::MAX, 1 << 32 | 112, 96, 32] {
        // SAFETY: the footer of the free block lies before the header of the next.
        unsafe { offset(payload, -16).cast::<u64>().write(wrong) };
        assert_eq!(free(&mut heap, payload), Err(BadPointer::FooterOverwritten), "{wrong:#x}");
        assert_eq!(heap.validate().map_err(Violation::number), Err(3), "{wrong:#x}");
    }
    // SAFETY: as above; this is what was there.
    unsafe { offset(payload, -16).cast::<u64>().write(112) };
    assert_eq!(free(&mut heap, payload), Ok(()));
    assert_eq!(heap.validate(), Ok(()));
}

#[test]
fn an_overflow_by_one_byte_is_named_when_mirrored() {
    let mut heap = heap::<Mirrored>();
    let payload = allocate(&mut heap, 96);
    // SAFETY: the payload is live.
    assert_eq!(unsafe { heap.usable_size(payload) }, Ok(96));
    // SAFETY: the byte behind the payload belongs to the block's footer.
    unsafe { offset(payload, 96).write(offset(payload, 96).read() ^ 1) };
    assert_eq!(free(&mut heap, payload), Err(BadPointer::FooterOverwritten));
    assert_eq!(heap.validate().map_err(Violation::number), Err(7));
}

/// A heap with a free block between blocks in use, and that block's header.
fn damaged(damage: impl FnOnce(Block)) -> Result<(), Violation> {
    let mut heap = heap::<Compact>();
    let payloads: Vec<_> = (0..4).map(|_| allocate(&mut heap, 1000)).collect();
    assert_eq!(free(&mut heap, payloads[1]), Ok(()));
    assert_eq!(heap.validate(), Ok(()));
    damage(block(payloads[1]));
    heap.validate()
}

#[test]
fn a_pointer_into_a_segments_record_is_foreign() {
    let mut heap = heap::<Compact>();
    let first = allocate(&mut heap, 100);
    assert_eq!(free(&mut heap, offset(first, -16)), Err(BadPointer::Foreign));
    assert_eq!(free(&mut heap, first), Ok(()));
    assert_eq!(free(&mut heap, offset(first, -16)), Err(BadPointer::Foreign), "no block follows the record");
}

#[test]
fn an_epilogue_that_is_none_is_an_overwritten_header() {
    let mut heap = heap::<Compact>();
    let payload = allocate(&mut heap, 100);
    let tag = block(payload).tag();
    block(payload).set_tag(Tag::from_bits(tag.bits() | 4));
    assert_eq!(free(&mut heap, payload), Err(BadPointer::HeaderOverwritten));
}

#[test]
fn validate_adds_up_the_bytes_of_all_segments() {
    let mut heap: Heap<Gaps, BinsIndex> = Heap::new(Gaps::new(1), KEY);
    // Record, block and epilogue fill the first segment, so no free block is left behind in it.
    let _first = allocate(&mut heap, (64 << 10) - 24 - 8 - 8);
    let second = allocate(&mut heap, 100);
    assert_eq!(heap.stats().segments, 2);
    assert_eq!(heap.validate(), Ok(()));
    // SAFETY: a segment's first word, 32 bytes before its first payload, names the older one; the heap is not used any
    // more.
    unsafe { overwrite(offset(second, -32).cast(), 0, 0) };
    assert_eq!(heap.validate(), Err(Violation::Sum));
}

/// Writes `value` to word `number` of a segment record, 0 or 1, and makes its third word, the check, agree: for what is
/// wrong though nobody has overwritten it.
///
/// # Safety
/// - It is one, of a heap that is only validated afterwards.
unsafe fn overwrite(record: NonNull<usize>, number: usize, value: usize) {
    // SAFETY: the caller vouches for the record, of three words.
    unsafe {
        let (word, check) = (record.add(number), record.add(2));
        let change = word.read() ^ value;
        check.write(check.read() ^ if number == 0 { change } else { change.rotate_left(20) });
        word.write(value);
    }
}

#[test]
fn a_segment_record_that_was_overwritten_is_named_and_not_followed() {
    for number in 0..3 {
        let (heap, records) = two_segments();
        // SAFETY: the words are those of the newer segment's record; the heap is only asked afterwards.
        unsafe { records[1].add(number).write(0x1234_5678) };
        assert_eq!(heap.validate(), Err(Violation::Segment(records[1].addr().get())));
        assert_eq!(heap.segments().count(), 0);
    }
}

#[test]
fn validate_looks_at_where_segments_end() {
    let mut heap = heap::<Compact>();
    let first = allocate(&mut heap, 100);
    let segment = heap.segments().next().expect("there is one");
    // SAFETY: the second word of a segment is the address of its end; the heap is not used any more.
    unsafe { offset(first, -24).cast::<usize>().write(segment.start + segment.len + 16) };
    assert_eq!(heap.validate(), Err(Violation::Segment(segment.start)));
}

#[test]
fn validate_names_every_broken_invariant() {
    // SAFETY: all damage stays within the blocks of a heap that is not used any more afterwards.
    unsafe {
        let number = |result: Result<(), Violation>| result.map_err(Violation::number);
        assert_eq!(damaged(|_| ()), Ok(()));
        assert_eq!(number(damaged(|free| free.set_tag(Tag::free(1 << 30)))), Err(1));
        assert_eq!(number(damaged(|free| free.set_tag(Tag::free(16)))), Err(2));
        assert_eq!(number(damaged(|free| free.set_footer(1008, Footer::free(992)))), Err(3));
        let flip = |block: Block, bit: u32| block.set_tag(Tag::from_bits(block.tag().bits() ^ bit));
        assert_eq!(number(damaged(|free| flip(free.next(), 2))), Err(3));
        let two_free = damaged(|free| {
            let (next, after) = (free.next(), free.next().next());
            next.write_free(1008);
            flip(next, 2);
            flip(after, 2);
        });
        assert_eq!(number(two_free), Err(4));
        let taken = damaged(|free| {
            flip(free, 1);
            flip(free.next(), 2);
            Compact::seal(free, free.tag(), KEY);
        });
        assert!(matches!(taken, Err(Violation::NotFree(_))), "{taken:?}");
        let lost = damaged(|free| {
            let next = free.next();
            flip(free, 1);
            flip(next, 2);
            Compact::seal(free, free.tag(), KEY);
            flip(next.next(), 2);
            next.write_free(1008);
        });
        assert_eq!(number(lost), Err(5));
        assert_eq!(number(damaged(|free| free.set_link(0, Some(free)))), Err(6));
        let loops = damaged(|free| {
            free.set_link(0, Some(free));
            free.set_link(1, Some(free));
        });
        assert_eq!(number(loops), Err(6));
        assert_eq!(number(damaged(|free| free.set_seal(Seal::from_bits(0)))), Err(7));
        assert_eq!(number(damaged(|free| free.next().set_seal(Seal::FREE))), Err(7));
    }
}

/// Two segments, a block that takes most of each, and a gap between them. Returns the first words of both records, the
/// older segment's first.
fn two_segments() -> (Heap<Gaps, BinsIndex>, [NonNull<usize>; 2]) {
    let mut heap = Heap::new(Gaps::new(1), KEY);
    let payloads = [allocate(&mut heap, (64 << 10) - 40), allocate(&mut heap, 60_000)];
    assert_eq!((heap.stats().segments, heap.validate()), (2, Ok(())));
    (heap, payloads.map(|payload| offset(payload, -32).cast()))
}

/// What `validate` says after `damage` to the segment records; the words are the older segment and the end address.
fn damaged_records(damage: impl FnOnce([NonNull<usize>; 2])) -> Result<(), Violation> {
    let (heap, records) = two_segments();
    damage(records);
    heap.validate()
}

#[test]
fn validate_names_damaged_segment_records() {
    // SAFETY: the words are those of segment records, in a heap that is only validated afterwards.
    unsafe {
        let [older, newer] = [0, 1];
        let end = |records: [NonNull<usize>; 2], which: usize| records[which].add(1).read();
        let set_end = |records: [NonNull<usize>; 2], which: usize, end| overwrite(records[which], 1, end);
        let start = |records: [NonNull<usize>; 2], which: usize| records[which].addr().get();
        let number = |result: Result<(), Violation>| result.map_err(Violation::number);
        assert_eq!(damaged_records(|_| ()), Ok(()));
        for which in [older, newer] {
            let misaligned = damaged_records(|all| set_end(all, which, end(all, which) - 16));
            assert_eq!(number(misaligned), Err(9), "an end within a page");
            let empty = damaged_records(|all| set_end(all, which, start(all, which)));
            assert_eq!(number(empty), Err(9), "no byte between start and end");
        }
        let overlap = damaged_records(|all| set_end(all, older, start(all, newer) + 4096));
        assert_eq!(number(overlap), Err(9), "the older segment reaches into the newer");
        let long = damaged_records(|all| set_end(all, older, end(all, older) + 4096));
        assert_eq!(number(long), Err(1), "a page behind the older segment's epilogue");
        let short = damaged_records(|all| set_end(all, newer, end(all, newer) - 4096));
        assert!(matches!(short, Err(Violation::Tiling(_))), "the top ends elsewhere: {short:?}");
        let forgotten = damaged_records(|all| overwrite(all[newer], 0, 0));
        assert_eq!(number(forgotten), Err(8), "the older segment is in no list");
    }
}

#[test]
fn validate_names_a_damaged_end_of_the_blocks() {
    let end = |damage: fn(Block, Block)| {
        let mut heap = heap::<Compact>();
        let _before = allocate(&mut heap, 100);
        let last = block(allocate(&mut heap, 100));
        // SAFETY: the epilogue follows the last block.
        damage(last, unsafe { last.next() });
        heap.validate().map_err(Violation::number)
    };
    assert_eq!(end(|_, _| ()), Ok(()));
    let sized = end(|_, epilogue| epilogue.set_tag(Tag::from_bits(epilogue.tag().bits() | 32)));
    assert_eq!(sized, Err(1), "an epilogue with a size");
    // SAFETY: the header is the heap's, which is only validated afterwards.
    let early = end(|last, _| unsafe { last.set_header(Tag::epilogue(true), Seal::FREE) });
    assert_eq!(early, Err(1), "an epilogue before the top's");
    let free_last = end(|last, epilogue| {
        // SAFETY: the block is 112 bytes that nobody uses.
        unsafe { last.write_free(112) };
        epilogue.set_tag(Tag::epilogue(false));
    });
    assert_eq!(free_last, Err(4), "a free block before the top");
}

/// What a search for a pointer passes on its way may be damaged too: it ends, and a walk does.
#[test]
fn overwritten_headers_on_the_way_end_a_search() {
    let mut heap = heap::<Compact>();
    let payloads: Vec<_> = (0..3).map(|_| allocate(&mut heap, 100)).collect();
    let tag = block(payloads[1]).tag();
    for (wrong, walked) in [(Tag::from_bits(0), 1), (Tag::from_bits(0xFFFF_FFF3), 2), (Tag::free(1 << 30), 2)]
    {
        block(payloads[1]).set_tag(wrong);
        let found = free(&mut heap, offset(payloads[2], 16));
        assert_eq!(found, Err(BadPointer::HeaderOverwritten), "{wrong:?}");
        assert_eq!(heap.blocks().count(), walked, "{wrong:?}");
    }
    block(payloads[1]).set_tag(tag);
    assert_eq!(heap.validate(), Ok(()));
}

#[test]
fn a_cached_block_is_free_to_its_owner() {
    let mut heap = heap::<Compact>();
    let payload = allocate(&mut heap, 100);
    let _behind = allocate(&mut heap, 100);
    block(payload).set_seal(block(payload).seal().flip_cached());
    assert_eq!(free(&mut heap, payload), Err(BadPointer::DoubleFree));
    assert_eq!(heap.validate(), Ok(()), "a cached block is one in use");
    block(payload).set_seal(block(payload).seal().flip_cached());
    assert_eq!(free(&mut heap, payload), Ok(()));
}

#[test]
fn a_live_seal_under_a_free_tag_is_an_overwritten_header() {
    let mut heap = heap::<Compact>();
    let payload = allocate(&mut heap, 100);
    let _behind = allocate(&mut heap, 100);
    let tag = block(payload).tag();
    block(payload).set_tag(Tag::from_bits(tag.bits() ^ 1));
    assert_eq!(free(&mut heap, payload), Err(BadPointer::HeaderOverwritten));
}

/// Only in a free block is a stale seal the trace of a block that was there.
#[test]
fn a_payload_that_holds_the_seal_of_free_blocks_is_no_double_free() {
    let mut heap = heap::<Compact>();
    let payload = allocate(&mut heap, 1000);
    for at in (0..1000).step_by(4) {
        // SAFETY: the payload has that many bytes.
        unsafe { offset(payload, at).cast::<u32>().write(Seal::FREE.bits()) };
    }
    for at in (16..1000).step_by(16) {
        let found = free(&mut heap, offset(payload, at));
        assert!(matches!(found, Err(BadPointer::Interior { .. })), "{at}: {found:?}");
    }
}

// With the feature `validate` the damage is found before the block is moved, by a panic.
#[test]
fn a_block_that_cannot_leave_does_not_move() {
    let mut heap = heap::<Compact>();
    let (before, payload, _behind) =
        (allocate(&mut heap, 100), allocate(&mut heap, 100), allocate(&mut heap, 100));
    assert_eq!(free(&mut heap, before), Ok(()));
    let stats = heap.stats();
    // SAFETY: the footer of the free block lies before the header of the next; the payload is live.
    let resized = unsafe {
        offset(payload, -16).cast::<u64>().write(0x4141_4141);
        heap.resize(payload, 1000)
    };
    assert_eq!(resized, Err(ResizeError::BadPointer(BadPointer::FooterOverwritten)));
    // SAFETY: as above; this is what was there.
    unsafe { offset(payload, -16).cast::<u64>().write(112) };
    assert_eq!(heap.stats().bytes_in_use, stats.bytes_in_use, "the new block was given back");
    assert_eq!(heap.validate(), Ok(()));
    assert_eq!(free(&mut heap, payload), Ok(()));
}

/// What comes of freeing a block, and of resizing it in three ways, after `damage` to the block behind it.
#[cfg(not(feature = "validate"))]
fn behind_damaged(free_second: bool, damage: impl Fn(Block)) -> [Result<(), BadPointer>; 4] {
    type Call = fn(&mut Heap<Mapped, BinsIndex>, NonNull<u8>) -> Result<(), BadPointer>;
    let found = |call: Call| {
        let mut heap = heap::<Compact>();
        let payloads: Vec<_> = (0..4).map(|_| allocate(&mut heap, 104)).collect();
        if free_second {
            assert_eq!(free(&mut heap, payloads[1]), Ok(()));
        }
        damage(block(payloads[1]));
        call(&mut heap, payloads[0])
    };
    [
        found(free),
        // SAFETY: as in `free`.
        found(|heap, payload| match unsafe { heap.resize(payload, 10) } {
            Err(ResizeError::BadPointer(bad)) => Err(bad),
            _ => Ok(()),
        }),
        // SAFETY: as in `free`.
        found(|heap, payload| match unsafe { heap.resize(payload, 150) } {
            Err(ResizeError::BadPointer(bad)) => Err(bad),
            _ => Ok(()),
        }),
        // SAFETY: as in `free`.
        found(|heap, payload| unsafe { heap.resize_in_place(payload, 150) }.map(drop)),
    ]
}

/// A text that is one byte too long ends in a zero there: the block behind it says that it is free. It used to be
/// believed, and its payload followed as links.
#[cfg(not(feature = "validate"))]
#[test]
fn a_block_in_use_whose_header_was_overwritten_is_not_joined() {
    let overwritten = Err(BadPointer::HeaderOverwritten);
    for bits in [0, 2, 0x100, 0x200_0002, 0xFFFF_FFF2] {
        assert_eq!(
            behind_damaged(false, |next| next.set_tag(Tag::from_bits(bits))),
            [overwritten; 4],
            "{bits:#x}"
        );
    }
    let zero = |next: Block| next.set_tag(Tag::from_bits(next.tag().bits() & !0xFF));
    assert_eq!(behind_damaged(false, zero), [overwritten; 4]);
}

#[cfg(not(feature = "validate"))]
#[test]
fn a_free_block_whose_header_or_footer_was_overwritten_is_not_joined() {
    let (header, footer) = (Err(BadPointer::HeaderOverwritten), Err(BadPointer::FooterOverwritten));
    assert_eq!(behind_damaged(true, |next| next.set_tag(Tag::free(96))), [footer; 4]);
    assert_eq!(behind_damaged(true, |next| next.set_tag(Tag::free(16))), [header; 4]);
    assert_eq!(behind_damaged(true, |next| next.set_seal(Seal::from_bits(1))), [header; 4]);
    // SAFETY: the footer of a block of 112 bytes.
    let damage = |next: Block| unsafe { next.set_footer(112, Footer::free(128)) };
    assert_eq!(behind_damaged(true, damage), [footer; 4]);
    assert_eq!(behind_damaged(true, |_| ()), [Ok(()); 4]);
}
