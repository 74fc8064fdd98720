//! One block and its neighbours: where things lie, and what is left alone.

use std::thread;

use snugfit_tag::{Block, Footer, GRANULE, HEADER, Seal, State, Tag};

use crate::support::{Generator, Run};

/// Links are stored as `Option<Block>`, headers as two halves: the sizes are part of the format.
#[test]
fn everything_is_as_small_as_it_says() {
    assert_eq!((size_of::<Block>(), size_of::<Option<Block>>()), (8, 8));
    assert_eq!((size_of::<Tag>(), size_of::<Seal>(), size_of::<Footer>()), (4, 4, 8));
}

#[test]
fn header_and_payload_are_two_views_of_one_block() {
    let run = Run::new(64);
    let block = run.block(16);
    // SAFETY: both point to the header of `block`.
    let (by_header, by_payload) =
        unsafe { (Block::from_header(block.header()), Block::from_payload(block.payload())) };
    assert!(by_header == block && by_payload == block);
    assert_eq!(block.address() % GRANULE, 8);
    assert_eq!(block.payload().addr().get(), block.address() + HEADER);
    assert_eq!(block.payload().addr().get() % GRANULE, 0);
}

#[test]
fn tag_and_seal_are_independent_halves() {
    let run = Run::new(32);
    let (block, mut random) = (run.block(0), Generator(30));
    for _ in 0..1000 {
        let (tag, seal) = (Tag::from_bits(random.word() as u32), Seal::from_bits(random.word() as u32));
        let (old_tag, payload) = (block.tag(), run.word(8));
        block.set_seal(seal);
        assert_eq!((block.tag(), block.seal()), (old_tag, seal));
        block.set_tag(tag);
        assert_eq!((block.tag(), block.seal()), (tag, seal));
        let halves = [tag.bits().to_ne_bytes(), seal.bits().to_ne_bytes()].concat();
        assert_eq!(run.word(0).to_ne_bytes()[..], halves, "the tag first, the seal after it");
        assert_eq!(run.word(8), payload);
    }
}

#[test]
fn both_halves_at_once_are_the_same_as_one_by_one() {
    let run = Run::new(64);
    let (once, twice, mut random) = (run.block(0), run.block(32), Generator(32));
    for _ in 0..1000 {
        let (tag, seal) = (Tag::from_bits(random.word() as u32), Seal::from_bits(random.word() as u32));
        // SAFETY: the test has one thread, and the memory is its own.
        unsafe { once.set_header(tag, seal) };
        twice.set_tag(tag);
        twice.set_seal(seal);
        assert_eq!((once.tag(), once.seal(), run.word(0)), (tag, seal, run.word(32)));
    }
}

/// The reason for two halves: a thread moves its block in and out of a cache while the heap flips the neighbour's flag.
/// Were the header one word, one of them would now and then undo the other's store.
#[test]
fn the_halves_have_two_owners() {
    let run = Run::new(32);
    let (block, key) = (run.block(0), Generator(31).key());
    block.set_tag(Tag::in_use(32, true));
    block.set_seal(key.seal(block.address(), 32, State::Live));
    let rounds = if cfg!(miri) { 100 } else { 100_000 };
    thread::scope(|scope| {
        scope.spawn(move || {
            for round in 0..rounds {
                let expected = if round % 2 == 0 { State::Live } else { State::Cached };
                assert_eq!(key.state(block.seal(), block.address(), block.size()), Some(expected));
                block.set_seal(block.seal().flip_cached());
            }
        });
        scope.spawn(move || {
            for round in 0..rounds {
                assert_eq!(block.tag().is_previous_in_use(), round % 2 == 0);
                let tag = block.tag();
                block.set_tag(if round % 2 == 0 {
                    tag.with_previous_free()
                } else {
                    tag.with_previous_in_use()
                });
            }
        });
    });
    assert_eq!(block.tag(), Tag::in_use(32, true));
    assert_eq!(key.state(block.seal(), block.address(), 32), Some(State::Live));
}

/// ```text
///  0                                    96
///  | free 96 ................ footer 96 | next |
///  |     neither the links nor `next` are touched
/// ```
#[test]
fn write_free_writes_both_ends_and_no_more() {
    let run = Run::new(128);
    (0..16).for_each(|number| run.set_word(8 * number, !0));
    let block = run.block(0);
    // SAFETY: 128 bytes of room.
    unsafe {
        block.write_free(96);
        assert_eq!(
            (block.tag(), block.seal(), block.footer(96)),
            (Tag::free(96), Seal::FREE, Footer::free(96))
        );
        assert_eq!(block.next(), run.block(96));
        assert_eq!(block.next().previous(), block);
        assert_eq!(block.next().previous_footer(), Footer::free(96));
    }
    assert!((1..11).chain(12..16).all(|number| run.word(8 * number) == !0));
}

/// ```text
///  0            size                      old
///  | free ..... |                  footer | next
///  | (caller's) | free rest ...... footer | next
/// ```
#[test]
fn split_leaves_the_front_to_the_caller() {
    let old = 256;
    for size in (32..=old - 32).step_by(16) {
        let run = Run::new(old + 16);
        let (block, after) = (run.block(0), Tag::epilogue(false));
        run.block(old).set_tag(after);
        // SAFETY: the room holds the block, and a header after it.
        unsafe {
            block.write_free(old);
            let rest = block.split(old, size);
            assert_eq!(rest, run.block(size));
            assert_eq!((rest.tag(), rest.seal()), (Tag::free(old - size), Seal::FREE));
            assert_eq!(rest.footer(old - size), Footer::free(old - size));
            assert_eq!((rest.next(), run.block(old).previous()), (run.block(old), rest));
        }
        assert_eq!((block.tag(), run.block(old).tag()), (Tag::free(old), after), "left to the caller");
    }
}

#[test]
fn absorb_undoes_split() {
    let run = Run::new(256);
    for tag in [Tag::free(256), Tag::in_use(256, false), Tag::in_use(256, true)] {
        for size in (32..=224).step_by(16) {
            let block = run.block(0);
            // SAFETY: 256 bytes of room.
            let rest = unsafe { block.split(256, size) };
            block.set_tag(tag.with_size(size));
            block.absorb(rest.size());
            assert_eq!(block.tag(), tag, "the size grows, the flags stay");
        }
    }
}

/// Two words fit into the smallest block, between its header and its footer.
#[test]
fn links_lie_between_header_and_footer() {
    let run = Run::new(64);
    let (block, other) = (run.block(0), run.block(32));
    // SAFETY: 64 bytes of room.
    unsafe {
        block.write_free(32);
        for links in [[None, None], [Some(other), None], [None, Some(block)], [Some(block), Some(other)]] {
            block.set_link(0, links[0]);
            block.set_link(1, links[1]);
            assert_eq!([block.link(0), block.link(1)], links);
            let word = |link: Option<Block>| link.map_or(0, |to| to.address() as u64);
            assert_eq!([run.word(8), run.word(16)], links.map(word), "none is a word of zeros");
            assert_eq!((block.tag(), block.seal()), (Tag::free(32), Seal::FREE));
            assert_eq!(block.footer(32), Footer::free(32));
        }
    }
}

#[test]
fn debug_shows_address_and_both_halves() {
    let run = Run::new(32);
    let block = run.block(0);
    // SAFETY: 32 bytes of room.
    unsafe { block.write_free(32) };
    let text = format!("Block({:#x}: free, 32 bytes, previous in use, seal free)", block.address());
    assert_eq!(format!("{block:?}"), text);
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "MIN_BLOCK")]
fn debug_builds_refuse_a_free_block_below_the_minimum() {
    let run = Run::new(32);
    // SAFETY: what lies below the minimum is what is tested; it panics before it writes.
    unsafe { run.block(0).write_free(16) };
}
