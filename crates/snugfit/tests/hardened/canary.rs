//! Overflow and underflow: found when the block is freed or resized, and by a check of the whole.

use snugfit::{Hardening, Violation, try_mem_free_sized, usable_size, validate};

use crate::{Case, Ends, FOOTER, HEADER, KIB, MIB, Told, allocate, change, free, poke, resize, spoil};

const CANARY: Hardening = Hardening { canary: true, ..Hardening::NONE };

const fn caught(name: &'static str, body: fn(&mut Told)) -> Case {
    Case { name, hardening: CANARY, body, ends: Ends::Aborted }
}

pub(crate) const CASES: &[Case] = &[
    caught("a_zero_behind_any_length", |told| overflow(told, |_| 0)),
    caught("a_byte_behind_any_length", |told| overflow(told, |byte| byte ^ 0xFF)),
    caught("a_byte_behind_2000", |told| byte_behind(told, 2000)),
    caught("many_bytes_behind_24", |told| bytes_behind(told, 24, 4 * KIB)),
    caught("a_byte_behind_300_kib", |told| byte_behind(told, 300 * KIB)),
    caught("a_byte_behind_a_whole_mapping", |told| byte_behind(told, 256 * KIB - 32)),
    caught("a_byte_before", |told| underflow(told, 24)),
    caught("a_byte_before_300_kib", |told| underflow(told, 300 * KIB)),
    caught("found_by_a_resize", found_by_resize),
    Case { name: "found_by_validate", body: found_by_validate, ends: Ends::Well, ..caught("", |_| ()) },
    Case { name: "every_length_may_be_used", body: every_length, ends: Ends::Well, ..caught("", |_| ()) },
    Case { name: "sizes_are_exact", body: sizes_are_exact, ends: Ends::Well, ..caught("", |_| ()) },
];

/// All but the last of these are harmless: what is within the length is the caller's.
fn overflow(told: &mut Told, value: fn(u8) -> u8) {
    for len in 0..300 {
        let block = allocate(len);
        (0..len).for_each(|at| change(block, at as isize, value));
        free(block);
    }
    let block = allocate(41);
    change(block, 41, value);
    told.expect_of(block, FOOTER);
    free(block);
}

fn byte_behind(told: &mut Told, len: usize) {
    let block = allocate(len);
    spoil(block, len as isize);
    told.expect_of(block, FOOTER);
    free(block);
}

fn bytes_behind(told: &mut Told, len: usize, by: usize) {
    let block = allocate(len);
    (0..by).for_each(|at| poke(block, (len + at) as isize, 0x41));
    told.expect_of(block, FOOTER);
    free(block);
}

fn underflow(told: &mut Told, len: usize) {
    let blocks = [(); 3].map(|()| allocate(len));
    spoil(blocks[1], -1);
    told.expect_of(blocks[1], HEADER);
    free(blocks[1]);
}

fn found_by_resize(told: &mut Told) {
    let block = allocate(100);
    poke(block, 100, 0);
    told.expect(format_args!("mem_resize({:#x}): {FOOTER}", block.addr()));
    resize(block, 200);
}

fn found_by_validate(_: &mut Told) {
    let (small, large) = (allocate(100), allocate(MIB));
    assert_eq!(validate(), Ok(()));
    poke(small, 100, 0);
    assert!(matches!(validate(), Err(Violation::Heap(snugfit::HeapViolation::Seal(_)))));
    resize_back(small);
    poke(large, MIB as isize, 0);
    assert!(matches!(validate(), Err(Violation::Direct(_))));
}

/// Makes good what was done to a block: it cannot be freed.
fn resize_back(block: *mut u8) {
    for value in 0..=u8::MAX {
        poke(block, 100, value);
        if validate().is_ok() {
            return;
        }
    }
    panic!("one of 256 values is right");
}

fn every_length(_: &mut Told) {
    let mut block = allocate(0);
    for len in (0..600).chain([5 * KIB, 127 * KIB, 128 * KIB, MIB, 3 * MIB, 200 * KIB, 70 * KIB, 500]) {
        block = resize(block, len.max(1));
        (0..len).for_each(|at| poke(block, at as isize, 0x55));
        assert_eq!((usable_size(block), validate()), (len.max(1), Ok(())));
    }
    free(block);
}

fn sizes_are_exact(_: &mut Told) {
    for len in [1, 24, 100, 5000, MIB] {
        let block = allocate(len);
        // SAFETY: the block is live; of the wrong sizes it stays so.
        unsafe {
            for wrong in [len - 1, len + 1] {
                assert_eq!(try_mem_free_sized(block, wrong), Err(snugfit::BadPointer::WrongSize));
            }
            assert_eq!(try_mem_free_sized(block, len), Ok(()));
        }
    }
}
