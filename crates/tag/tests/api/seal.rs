//! The high half of a header: what passes, and above all what does not.

use std::collections::HashSet;

use snugfit_tag::{GRANULE, Key, MAX_BLOCK, MIN_BLOCK, Seal, State, Tag};

use crate::support::{Generator, Run};

const STATES: [State; 3] = [State::Live, State::Cached, State::Free];

/// Miri takes about a microsecond a step, the machine a nanosecond.
const SAMPLES: usize = if cfg!(miri) { 1 << 8 } else { 1 << 24 };

/// An address such as a header has: 47 bits, 8 mod 16.
fn address(generator: &mut Generator) -> usize {
    (generator.word() >> 17) as usize & !15 | 8
}

fn size(generator: &mut Generator) -> usize {
    MIN_BLOCK + generator.below((MAX_BLOCK - MIN_BLOCK) / GRANULE) * GRANULE
}

#[test]
fn every_state_round_trips() {
    let mut random = Generator(1);
    for _ in 0..SAMPLES >> 8 {
        let (key, address, size) = (random.key(), address(&mut random), size(&mut random));
        for state in STATES {
            let seal = key.seal(address, size, state);
            assert_eq!(key.state(seal, address, size), Some(state));
            assert_eq!(Seal::from_bits(seal.bits()), seal);
        }
    }
}

#[test]
fn live_and_cached_are_one_flip_apart() {
    let mut random = Generator(2);
    let mut flips = HashSet::new();
    for _ in 0..SAMPLES >> 8 {
        let (key, address, size) = (random.key(), address(&mut random), size(&mut random));
        let [live, cached, free] = STATES.map(|state| key.seal(address, size, state));
        assert_eq!((live.flip_cached(), cached.flip_cached()), (cached, live));
        assert_eq!(free, Seal::FREE);
        flips.insert(live.bits() ^ cached.bits());
    }
    assert_eq!(flips.len(), 1, "one constant, whatever the key and the block");
}

/// Not a matter of luck: no step of what makes a pad of a size loses anything.
#[test]
fn two_sizes_at_one_address_never_share_a_seal() {
    let mut random = Generator(3);
    let count = SAMPLES >> 4;
    for _ in 0..4 {
        let (key, address) = (random.key(), address(&mut random));
        let low = (0..count).map(|granules| granules * GRANULE);
        let high = (0..count).map(|granules| MAX_BLOCK - granules * GRANULE);
        let mut seals: Vec<u32> =
            low.chain(high).map(|size| key.seal(address, size, State::Live).bits()).collect();
        seals.sort_unstable();
        seals.dedup();
        assert_eq!(seals.len(), 2 * count);
    }
}

/// Every aligned address within 64 KiB, under a few keys: a pointer that is off by a little. What is found there may
/// claim the same size or another.
#[test]
fn a_seal_does_not_pass_nearby() {
    let mut random = Generator(4);
    let sizes = [MIN_BLOCK, 48, 64, 4096, 1 << 20, MAX_BLOCK];
    for _ in 0..if cfg!(miri) { 2 } else { 64 } {
        let (key, address) = (random.key(), address(&mut random));
        for (size, claimed) in sizes.into_iter().flat_map(|size| sizes.map(|claimed| (size, claimed))) {
            let seal = key.seal(address, size, State::Live);
            let passes = |at: usize| key.state(seal, at, claimed).is_some();
            let distances = (1..=64 * 1024 / GRANULE).step_by(if cfg!(miri) { 61 } else { 1 });
            for by in distances.map(|granules| granules * GRANULE) {
                assert!(!passes(address.wrapping_add(by)), "{by} bytes further, {claimed} for {size}");
                assert!(!passes(address.wrapping_sub(by)), "{by} bytes before, {claimed} for {size}");
            }
        }
    }
}

/// Address and pad are of 32 bits, so a bit of the size could stand in for one of the address, if pads were of few bits.
#[test]
fn a_bit_of_the_address_does_not_stand_in_for_a_bit_of_the_size() {
    let mut random = Generator(10);
    for _ in 0..SAMPLES >> 12 {
        let (key, address, size) = (random.key(), address(&mut random), size(&mut random));
        let seal = key.seal(address, size, State::Live);
        for (far, more) in (4..47).flat_map(|far| (4..32).map(move |more| (far, more))) {
            let (other, claimed) = (address ^ 1 << far, size ^ 1 << more);
            assert_eq!(key.state(seal, other, claimed), None, "bit {far} and bit {more}");
        }
    }
}

/// The bound in the documentation is over the choice of the key, so here the keys vary and the distance stays. About
/// 0.01 collisions are to be expected at each distance.
#[test]
fn two_addresses_share_a_seal_under_no_more_keys_than_promised() {
    let mut random = Generator(5);
    for distance in [16, 32, 4096, 1 << 20, 1 << 31] {
        let mut shared = 0;
        for _ in 0..SAMPLES >> 2 {
            let (key, address) = (random.key(), 0x1234_5678_9AB8);
            let seal = key.seal(address, 64, State::Live);
            shared += usize::from(key.state(seal, address ^ distance, 64).is_some());
        }
        assert!(shared <= 2, "{shared} collisions at a distance of {distance}");
    }
}

/// The bound of what the documentation promises: the upper half of an address is not part of it.
#[test]
fn headers_four_gibibytes_apart_share_a_seal() {
    let (key, address) = (Generator(11).key(), 0x1234_5678_9AB8);
    let seal = key.seal(address, 64, State::Live);
    assert_eq!(key.state(seal, address + (1 << 32), 64), Some(State::Live));
    assert_eq!(key.state(seal, address + (1 << 32), 80), None);
}

/// Three words of 2^32 pass (live, cached, free), so 2^24 tries are expected to hit 0.01 times.
#[test]
fn random_words_do_not_pass() {
    let mut random = Generator(6);
    let (key, address) = (random.key(), address(&mut random));
    let mut passed = 0;
    for _ in 0..SAMPLES {
        // A whole random header: its lower half claims a size, its upper half would have to be the seal of it.
        let header = random.word();
        let (tag, seal) = (Tag::from_bits(header as u32), Seal::from_bits((header >> 32) as u32));
        passed += usize::from(key.state(seal, address, tag.size()).is_some());
    }
    assert!(passed <= 2, "{passed} random headers passed");
}

/// Both words of a key count: keys that share one of them are other keys.
#[test]
fn seals_of_another_key_do_not_pass() {
    let mut random = Generator(7);
    for _ in 0..SAMPLES >> 8 {
        let words = [0; 4].map(|_: u64| random.word());
        let key = Key::new(words[0], words[1]);
        let others = [(words[2], words[3]), (words[0], words[3]), (words[2], words[1])];
        let (address, size) = (address(&mut random), size(&mut random));
        for other in others.map(|(mask, multiplier)| Key::new(mask, multiplier)) {
            for state in [State::Live, State::Cached] {
                assert_eq!(other.state(key.seal(address, size, state), address, size), None);
            }
        }
    }
}

/// Caller's bytes may well contain a copy of a header (of a freed block, say): it is good at its own place only.
#[test]
fn a_copied_header_passes_only_where_it_was_made() {
    let run = Run::new(64 * 1024);
    let key = Generator(8).key();
    let state = |offset| {
        let block = run.block(offset);
        key.state(block.seal(), block.address(), block.size())
    };
    let home = 32 * 1024;
    run.block(home).set_tag(Tag::in_use(96, true));
    for made in [State::Live, State::Cached] {
        run.block(home).set_seal(key.seal(run.block(home).address(), 96, made));
        for offset in (0..64 * 1024).step_by(GRANULE).filter(|&offset| offset != home) {
            run.set_word(offset, run.word(home));
            assert_eq!(state(offset), None, "copied to {offset}");
            run.set_word(offset, 0);
        }
        assert_eq!(state(home), Some(made));
    }
}

#[test]
fn debug_of_a_key_is_silent() {
    assert_eq!(format!("{:?}", Generator(9).key()), "Key(secret)");
    assert_eq!(format!("{:#?}", Key::new(1, 2)), "Key(secret)");
}

#[test]
fn debug_of_a_seal_names_the_free_one() {
    assert_eq!(format!("{:?}", Seal::FREE), "free");
    assert_eq!(format!("{:?}", Seal::from_bits(0xAB)), "0x000000ab");
}
