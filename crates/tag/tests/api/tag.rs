//! The low half of a header: every size with every combination of flags.

use snugfit_tag::{GRANULE, MAX_BLOCK, Tag};

/// Bits of the flags, written out here so that a change of the format is noticed.
const IN_USE: u32 = 1;
const PREVIOUS_IN_USE: u32 = 2;
const LAST: u32 = 4;

/// Every combination of the four flags.
const FLAGS: std::ops::Range<u32> = 0..16;

/// Sizes where carries and masks would go wrong.
fn sizes() -> impl Iterator<Item = usize> {
    let powers = (4..32).map(|power| 1_usize << power);
    let near = powers.flat_map(|size| (-3_isize..=3).map(move |by| size.wrapping_add_signed(16 * by)));
    near.filter(|&size| size <= MAX_BLOCK).chain([0, MAX_BLOCK - 32, MAX_BLOCK - 16, MAX_BLOCK])
}

/// All 2^32 tags, so that nothing is left to a lucky sample. Mistakes are summed up, not asserted one by one: so
/// the optimiser is free to prove the loop right as a whole, and where it cannot, it still runs without branches.
#[test]
#[cfg_attr(miri, ignore = "four thousand million steps")]
fn every_tag_round_trips() {
    let mut wrong = 0_u64;
    for granules in 0..1_u32 << 28 {
        let size = granules as usize * GRANULE;
        for flags in FLAGS {
            let bits = granules << 4 | flags;
            let tag = Tag::from_bits(bits);
            let resized = Tag::from_bits(flags).with_size(size);
            wrong += u64::from((tag.bits() != bits) | (tag.size() != size) | (resized.bits() != bits));
            let (is_in_use, stated) = (tag.is_block_in_use(), tag.granules_in_use());
            wrong += u64::from((stated == granules as usize) != is_in_use);
            wrong += u64::from((stated < 1 << 28) != is_in_use);
            wrong += u64::from(tag.is_in_use_of(size) != is_in_use);
        }
    }
    assert_eq!(wrong, 0);
}

#[test]
fn constructors_set_what_they_say() {
    for size in sizes() {
        for previous in [false, true] {
            let tag = Tag::in_use(size, previous);
            assert_eq!((tag.size(), tag.is_previous_in_use()), (size, previous));
            assert!(tag.is_in_use() && tag.is_block_in_use() && !tag.is_last());
        }
        let tag = Tag::free(size);
        assert_eq!((tag.size(), tag.is_previous_in_use()), (size, true));
        assert!(!tag.is_in_use() && !tag.is_block_in_use() && !tag.is_last());
    }
    for previous in [false, true] {
        let tag = Tag::epilogue(previous);
        assert_eq!((tag.size(), tag.is_previous_in_use()), (0, previous));
        assert!(tag.is_in_use() && tag.is_last() && !tag.is_block_in_use());
    }
}

/// The bits in memory are a format: they do not move.
#[test]
fn bits_stay_where_they_are() {
    assert_eq!(Tag::in_use(64, false).bits(), 64 | IN_USE);
    assert_eq!(Tag::in_use(64, true).bits(), 64 | IN_USE | PREVIOUS_IN_USE);
    assert_eq!(Tag::free(64).bits(), 64 | PREVIOUS_IN_USE);
    assert_eq!(Tag::epilogue(false).bits(), IN_USE | LAST);
    assert_eq!(Tag::epilogue(true).bits(), IN_USE | PREVIOUS_IN_USE | LAST);
    assert_eq!(Tag::free(MAX_BLOCK).bits(), 0xFFFF_FFF0 | PREVIOUS_IN_USE);
}

#[test]
fn predicates_read_their_flag_alone() {
    for bits in sizes().flat_map(|size| FLAGS.map(move |flags| size as u32 | flags)) {
        let tag = Tag::from_bits(bits);
        assert_eq!(tag.is_in_use(), bits & IN_USE != 0);
        assert_eq!(tag.is_previous_in_use(), bits & PREVIOUS_IN_USE != 0);
        assert_eq!(tag.is_last(), bits & LAST != 0);
    }
}

#[test]
fn only_two_of_sixteen_flag_combinations_are_a_block_in_use() {
    for size in sizes() {
        let passing = FLAGS.filter(|flags| Tag::from_bits(size as u32 | flags).is_block_in_use());
        assert!(passing.eq([IN_USE, IN_USE | PREVIOUS_IN_USE]));
    }
}

#[test]
fn with_methods_touch_only_their_part() {
    for bits in sizes().flat_map(|size| FLAGS.map(move |flags| size as u32 | flags)) {
        let tag = Tag::from_bits(bits);
        assert_eq!(tag.with_previous_in_use().bits(), bits | PREVIOUS_IN_USE);
        assert_eq!(tag.with_previous_in_use().with_previous_free().bits(), bits & !PREVIOUS_IN_USE);
        for size in [0, 32, MAX_BLOCK] {
            assert_eq!(tag.with_size(size).bits(), size as u32 | bits & 15);
        }
    }
}

#[test]
fn debug_says_what_the_bits_mean() {
    let text = |tag: Tag| format!("{tag:?}");
    assert_eq!(text(Tag::in_use(48, true)), "in use, 48 bytes, previous in use");
    assert_eq!(text(Tag::in_use(48, false)), "in use, 48 bytes, previous free");
    assert_eq!(text(Tag::free(4096)), "free, 4096 bytes, previous in use");
    assert_eq!(text(Tag::from_bits(4096)), "free, 4096 bytes, previous free");
    assert_eq!(text(Tag::epilogue(true)), "epilogue, previous in use");
    assert_eq!(text(Tag::epilogue(false)), "epilogue, previous free");
    assert_eq!(text(Tag::from_bits(64 | 8 | IN_USE)), "in use, 64 bytes, previous free, reserved flag set");
}

/// The flips that debug builds check; release builds do not pay for it.
#[cfg(debug_assertions)]
mod debug_builds_refuse {
    use super::*;

    #[test]
    #[should_panic(expected = "is_previous_in_use")]
    fn freeing_the_previous_block_twice() {
        let _ = Tag::in_use(64, false).with_previous_free();
    }

    #[test]
    #[should_panic(expected = "is_multiple_of")]
    fn a_size_between_granules() {
        let _ = Tag::free(40);
    }

    #[test]
    #[should_panic(expected = "MAX_BLOCK")]
    fn a_size_above_the_largest() {
        let _ = Tag::free(MAX_BLOCK + GRANULE);
    }
}
