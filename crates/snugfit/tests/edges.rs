//! The edges of the calls, which programs rely on: sizes that are nothing or too much, null, `errno`.

mod common;

use common::child::{passes, run_in_children};
use common::system::{errno, set_errno};
use common::{
    GIB, MIB, SIZES, allocate, assert_refused, assert_valid, bytes, check, fill, free, held, resize, try_free,
};
use libc::{EINVAL, ENOMEM};
use snugfit::{
    BadPointer, ResizeError, mem_alloc, mem_alloc_aligned, mem_alloc_clear, mem_resize, stats, trim,
    try_mem_free_sized, try_mem_resize, try_usable_size, usable_size, validate,
};

fn main() {
    run_in_children(&[
        ("size_0_is_a_block_of_its_own", size_0_is_a_block_of_its_own),
        ("products_that_overflow", products_that_overflow),
        ("sizes_that_no_block_has", sizes_that_no_block_has),
        ("null_is_no_block", null_is_no_block),
        ("resize_to_0_frees", resize_to_0_frees),
        ("errno_is_kept", errno_is_kept),
        ("any_call_may_be_the_first", any_call_may_be_the_first),
        ("the_size_asked_for_is_right", the_size_asked_for_is_right),
    ]);
}

/// Too much for any machine, or for any block.
const ABSURD: [usize; 6] =
    [1 << 47, isize::MAX as usize - 64, isize::MAX as usize, 1 << 63, usize::MAX - 15, usize::MAX];

fn size_0_is_a_block_of_its_own() {
    let blocks = [
        mem_alloc(0),
        mem_alloc(0),
        mem_alloc_clear(0, 0),
        mem_alloc_clear(0, 10),
        mem_alloc_clear(10, 0),
        mem_alloc_clear(usize::MAX, 0),
        mem_alloc_aligned(4096, 0),
        mem_alloc_aligned(MIB, 0),
        resize(std::ptr::null_mut(), 0),
    ];
    for (number, &block) in blocks.iter().enumerate() {
        assert!(!block.is_null(), "block {number}");
        let usable = usable_size(block);
        bytes(block, usable).fill(number as u8);
    }
    for (number, block) in blocks.into_iter().enumerate() {
        let usable = usable_size(block);
        assert!(bytes(block, usable).iter().all(|&byte| byte == number as u8), "block {number}");
        free(block);
        assert!(try_free(block).is_err(), "block {number}");
    }
    assert_valid();
}

fn products_that_overflow() {
    let half = 1 << 32;
    for (count, size) in
        [(2, 1 << 63), (half, half), (usize::MAX, 2), (usize::MAX, usize::MAX), (3, ABSURD[2])]
    {
        assert_refused(|| mem_alloc_clear(count, size), ENOMEM);
        assert_refused(|| mem_alloc_clear(size, count), ENOMEM);
    }
    for size in ABSURD {
        assert_refused(|| mem_alloc_clear(1, size), ENOMEM);
    }
    assert_valid();
}

fn sizes_that_no_block_has() {
    let blocks = SIZES.map(allocate);
    for (&block, size) in blocks.iter().zip(SIZES) {
        fill(block, size, size);
    }
    let before = held();
    for absurd in ABSURD {
        assert_refused(|| mem_alloc(absurd), ENOMEM);
        assert_refused(|| resize(std::ptr::null_mut(), absurd), ENOMEM);
        for align in [1, 64, 4096, GIB] {
            assert_refused(|| mem_alloc_aligned(align, absurd), ENOMEM);
        }
        for (&block, size) in blocks.iter().zip(SIZES) {
            assert_refused(|| resize(block, absurd), ENOMEM);
            set_errno(0);
            // SAFETY: the block is live.
            assert_eq!(unsafe { try_mem_resize(block, absurd) }, Err(ResizeError::OutOfMemory));
            assert_eq!(errno(), 0);
            check(block, size, size);
        }
        assert_eq!(held(), before);
        assert_valid();
    }
    blocks.into_iter().for_each(free);
}

fn null_is_no_block() {
    set_errno(77);
    let null = std::ptr::null_mut();
    free(null);
    assert_eq!(try_free(null), Ok(()));
    // SAFETY: null is allowed.
    assert_eq!(unsafe { try_mem_free_sized(null, 100) }, Ok(()));
    assert_eq!(usable_size(null), 0);
    assert_eq!(try_usable_size(null), Ok(0));
    let block = resize(null, 100);
    fill(block, 100, 1);
    check(block, 100, 1);
    free(block);
    assert_eq!(errno(), 77);
}

fn resize_to_0_frees() {
    for size in SIZES {
        let block = allocate(size);
        assert_refused(|| resize(block, 0), EINVAL);
        assert!(try_free(block).is_err(), "{size}");
        let block = allocate(size);
        set_errno(77);
        // SAFETY: the block is live, and used no more.
        assert_eq!(unsafe { try_mem_resize(block, 0) }, Ok(std::ptr::null_mut()));
        assert_eq!(errno(), 77);
        assert!(try_free(block).is_err(), "{size}");
        assert_valid();
    }
    assert_eq!(held(), (0, 0, 0, 0));
}

fn errno_is_kept() {
    set_errno(77);
    for round in 0..3 {
        let mut blocks: Vec<_> =
            SIZES.iter().flat_map(|&size| [mem_alloc(size), mem_alloc_clear(1, size)]).collect();
        blocks.extend(SIZES.map(|size| mem_alloc_aligned(8192, size)));
        for (number, block) in blocks.iter_mut().enumerate() {
            *block = resize(*block, 1 + SIZES[(number + round) % SIZES.len()]);
        }
        assert_eq!(
            try_free(blocks[0].wrapping_add(1)).err(),
            try_usable_size(blocks[0].wrapping_add(1)).err()
        );
        blocks.into_iter().for_each(free);
        let _ = (trim(0), stats(), validate());
        assert_eq!(errno(), 77);
    }
}

/// Nothing needs another call before it.
fn any_call_may_be_the_first() {
    let wild = std::ptr::without_provenance_mut(4096);
    let first: [fn(*mut u8); 10] = [
        |_| free(allocate(0)),
        |_| free(mem_alloc_clear(1, MIB)),
        |_| free(mem_alloc_aligned(4096, 1)),
        |_| free(resize(std::ptr::null_mut(), 100)),
        |_| free(std::ptr::null_mut()),
        |wild| assert_eq!(try_free(wild), Err(BadPointer::Foreign)),
        |wild| assert_eq!(try_usable_size(wild), Err(BadPointer::Foreign)),
        |_| assert_eq!(held(), (0, 0, 0, 0)),
        |_| assert_eq!(trim(0), 0),
        |_| snugfit::count_calls(),
    ];
    for (number, call) in first.into_iter().enumerate() {
        let test = || {
            set_errno(77);
            call(wild);
            assert_eq!(errno(), 77);
            assert_valid();
        };
        assert!(passes(test), "call {number}");
    }
}

fn the_size_asked_for_is_right() {
    for size in SIZES.into_iter().chain(0..200) {
        let blocks = [mem_alloc(size), mem_alloc_clear(size, 1), mem_alloc_aligned(64, size), allocate(1000)];
        // SAFETY: the blocks are live; each is freed once.
        unsafe {
            let resized = mem_resize(blocks[3], size.max(1));
            assert_eq!(try_mem_free_sized(resized, size.max(1)), Ok(()), "{size}, resized");
            for &block in &blocks[..3] {
                let larger = usable_size(block) + 1;
                assert_eq!(try_mem_free_sized(block, larger), Err(BadPointer::WrongSize), "{size}");
                assert_eq!(try_mem_free_sized(block, size), Ok(()), "{size}");
            }
        }
    }
    assert_eq!(held(), (0, 0, 0, 0));
    assert_valid();
}
