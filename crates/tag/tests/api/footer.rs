//! The last word of a block: what it says of a free one, and what it notices of one in use.

use snugfit_tag::{Canary, Compact, Footer, Format, MAX_BLOCK, Mirrored, State, Tag};

use crate::support::{Generator, Run};

#[test]
fn footers_state_the_size() {
    for size in (32..1 << 16).step_by(16).chain([1 << 31, MAX_BLOCK]) {
        assert_eq!(Footer::free(size).size(), size);
        assert_eq!(
            Footer::mirror(size, Canary::new(u64::MAX)).payload_len(),
            size,
            "the canary lies below it"
        );
        assert_ne!(Footer::free(size), Footer::mirror(size, Canary::new(0)));
    }
}

/// The caller's payload ends where the footer starts, and eight bytes later the next header does.
#[test]
fn the_footer_is_the_last_word() {
    let run = Run::new(256);
    for size in (32..=256).step_by(16) {
        let block = run.block(0);
        // SAFETY: the run has 256 bytes of room.
        unsafe {
            block.set_footer(size, Footer::free(size));
            assert_eq!(block.footer(size), Footer::free(size));
            assert_eq!(block.offset(size).previous_footer(), Footer::free(size));
        }
        assert_eq!(run.word(size - 8), size as u64);
    }
}

#[test]
fn sealing_writes_the_header_and_the_format_s_footer_only() {
    let key = Generator(20).key();
    let words = |run: &Run| (0..8).map(|number| run.word(8 * number)).collect::<Vec<_>>();
    let fresh = || {
        let run = Run::new(64);
        (0..8).for_each(|number| run.set_word(8 * number, 0x0101_0101_0101_0101 * number as u64));
        run
    };
    let (plain, compact, mirrored) = (fresh(), fresh(), fresh());
    // SAFETY: 64 bytes of room each.
    unsafe {
        Compact::seal(compact.block(0), Tag::in_use(64, true), key);
        Mirrored::seal(mirrored.block(0), Tag::in_use(64, true), key);
    }
    for run in [&compact, &mirrored] {
        let block = run.block(0);
        assert_eq!(block.tag(), Tag::in_use(64, true));
        assert_eq!(key.state(block.seal(), block.address(), 64), Some(State::Live));
    }
    assert_eq!(words(&compact)[1..], words(&plain)[1..], "compact: all of the payload is the caller's");
    assert_eq!(words(&mirrored)[1..7], words(&plain)[1..7], "mirrored: all but the last word");
    let canary = key.canary(mirrored.block(0).address(), 48);
    assert_eq!(mirrored.word(56), canary.bits() & 0xFFFF_FFFF | 48 << 32);
}

#[test]
fn any_flipped_bit_breaks_a_mirrored_footer() {
    let key = Generator(21).key();
    for size in (32..=256).step_by(16) {
        let (run, bytes) = (Run::new(256), size);
        let block = run.block(0);
        // SAFETY: the run has 256 bytes of room, zeroed, so every footer may be read.
        let intact = || unsafe { Mirrored::is_footer_intact(block, bytes, key) };
        assert!(!intact(), "a zeroed footer is no footer");
        // SAFETY: as above.
        unsafe { Mirrored::seal(block, Tag::in_use(size, true), key) };
        assert!(intact());
        for bit in 0..64 {
            let sound = run.word(size - 8);
            run.set_word(size - 8, sound ^ 1 << bit);
            assert!(!intact(), "bit {bit} of the footer of {size} bytes");
            run.set_word(size - 8, sound);
        }
        assert!(intact());
    }
}

/// In use means live or cached: moving into a cache is one store to the seal, and the footer stays.
#[test]
fn a_mirrored_footer_is_intact_while_cached() {
    let (run, key) = (Run::new(96), Generator(22).key());
    let block = run.block(0);
    // SAFETY: 96 bytes of room.
    unsafe {
        Mirrored::seal(block, Tag::in_use(96, true), key);
        block.set_seal(block.seal().flip_cached());
        assert!(Mirrored::is_footer_intact(block, 96, key));
    }
}

#[test]
fn a_mirrored_footer_belongs_to_one_block_and_key() {
    let (run, mut random) = (Run::new(256), Generator(23));
    let key = random.key();
    let block = run.block(0);
    // SAFETY: 256 bytes of room, zeroed; the copy at 128 ends at 224.
    unsafe {
        Mirrored::seal(block, Tag::in_use(96, true), key);
        assert!(!Mirrored::is_footer_intact(block, 96, random.key()), "another key");
        assert!(!Mirrored::is_footer_intact(block, 80, key), "another size");
        assert!(!Mirrored::is_footer_intact(block, 112, key), "another size");
        run.block(128).set_footer(96, block.footer(96));
        assert!(!Mirrored::is_footer_intact(run.block(128), 96, key), "copied to another block");
        // A free block's footer, left behind, is no canary either.
        block.write_free(96);
        assert!(!Mirrored::is_footer_intact(block, 96, key), "a free block");
    }
}

#[test]
fn compact_has_nothing_to_break() {
    let (run, key) = (Run::new(32), Generator(24).key());
    // SAFETY: 32 bytes of room.
    unsafe {
        Compact::seal(run.block(0), Tag::in_use(32, true), key);
        run.set_word(24, !0);
        assert!(Compact::is_footer_intact(run.block(0), 32, key));
    }
}

#[test]
fn no_byte_of_a_canary_is_zero() {
    let mut random = Generator(25);
    for _ in 0..10_000 {
        let word = random.word() & random.word();
        let canary = Canary::new(word).bits().to_le_bytes();
        assert!(canary.iter().zip(word.to_le_bytes()).all(|(&byte, was)| byte == was | 1), "{word:#x}");
    }
}

/// Whatever the length asked for, no byte behind it can change unnoticed, and none before it matters.
#[test]
fn every_byte_behind_the_length_is_watched() {
    let key = Generator(26).key();
    for size in [32, 48, 64, 96] {
        for len in 0..=Mirrored::usable_size(size) {
            let run = Run::new(128);
            let block = run.block(0);
            let byte = |at: usize| run.word((8 + at) & !7).to_le_bytes()[at % 8];
            let flip =
                |at: usize| run.set_word((8 + at) & !7, run.word((8 + at) & !7) ^ 0xFF << (at % 8 * 8));
            // SAFETY: the run has that much room.
            let stated = || unsafe { Mirrored::len(block, size, key) };
            // SAFETY: as above.
            unsafe {
                Mirrored::seal(block, Tag::in_use(size, true), key);
                assert_eq!(stated(), Some(Mirrored::usable_size(size)));
                Mirrored::set_len(block, size, len, key);
            }
            assert_eq!(stated(), Some(len));
            assert_ne!(byte(len), 0, "the first byte behind it");
            for at in 0..size - 8 {
                flip(at);
                assert_eq!(stated().is_some(), at < len, "byte {at} of {size}, asked for {len}");
                // SAFETY: as above.
                let has_short_end = unsafe { Mirrored::has_short_end(block, size, key) };
                assert_eq!(has_short_end, at < len && len + 16 >= Mirrored::usable_size(size));
                flip(at);
            }
            assert_eq!(stated(), Some(len));
        }
    }
}
