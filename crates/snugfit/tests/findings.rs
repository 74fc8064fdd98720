//! What a line says of the block that a wrong pointer has to do with, and what the hook is told.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use common::child::{listen, run_in_children, say};
use common::{allocate, free};
use snugfit::{
    BadPointer, BlockState, Finding, FoundBlock, Overwritten, WrongPointer, backtrace_at_end, check_every,
    mem_free, set_hook, usable_size,
};

fn main() {
    run_in_children(&[
        ("a_double_free_lies_in_a_cache", a_double_free_lies_in_a_cache),
        ("a_double_free_of_a_small_block", a_double_free_of_a_small_block),
        ("a_double_free_lies_in_the_heap", a_double_free_lies_in_the_heap),
        ("the_block_before_an_overwritten_header", the_block_before_an_overwritten_header),
        ("a_wrong_size_names_the_block", a_wrong_size_names_the_block),
        ("nothing_is_said_of_what_is_foreign", nothing_is_said_of_what_is_foreign),
        ("the_hook_is_told_and_may_allocate", the_hook_is_told_and_may_allocate),
        ("a_hook_that_errs_is_not_called_again", a_hook_that_errs_is_not_called_again),
        ("the_hook_is_told_of_damage_and_may_allocate", the_hook_is_told_of_damage_and_may_allocate),
        ("the_hook_is_told_what_a_check_finds", the_hook_is_told_what_a_check_finds),
        ("a_backtrace_follows", a_backtrace_follows),
        ("a_hook_that_unwinds_ends_the_process", a_hook_that_unwinds_ends_the_process),
    ]);
}

/// Checks what is said at the end of a child that does `misuse`, which returns the pointer and what is to be said of it.
fn says(misuse: impl FnOnce() -> (*mut u8, String)) {
    let ended = listen(|pipe| {
        let (pointer, words) = misuse();
        say(pipe, &words);
        // SAFETY: wrong on purpose: the process ends.
        unsafe { mem_free(pointer) };
    });
    assert!(ended.is_aborted() && !ended.said.is_empty(), "{}", ended.errors);
    assert_eq!(ended.errors, ended.said + "\n");
}

fn a_double_free_lies_in_a_cache() {
    snugfit::keep_headers();
    says(|| {
        let block = allocate(300);
        free(block);
        let clause = format!("the 312-byte block at {block:p} lies in a cache");
        (block, format!("snugfit: mem_free({block:p}): double free; {clause}"))
    });
}

/// It lies in a slab, and in no cache.
fn a_double_free_of_a_small_block() {
    says(|| {
        let block = allocate(100);
        free(block);
        let clause = format!("it lies in 112 free bytes of the heap at {block:p}");
        (block, format!("snugfit: mem_free({block:p}): double free; {clause}"))
    });
}

/// Joined with its free neighbour, it lies in a larger one.
fn a_double_free_lies_in_the_heap() {
    snugfit::keep_headers();
    says(|| {
        let blocks: Vec<*mut u8> = (0..4).map(|_| allocate(5000)).collect();
        assert!(blocks.is_sorted_by_key(|block| block.addr()), "they lie one behind the other");
        blocks[1..3].iter().for_each(|&block| free(block));
        // What the thread keeps goes to the heap.
        snugfit::trim(0);
        let (first, len) = (blocks[1], blocks[3].addr() - blocks[1].addr() - 8);
        let clause = format!("it lies in {len} free bytes of the heap at {first:p}");
        (blocks[2], format!("snugfit: mem_free({:p}): double free; {clause}", blocks[2]))
    });
}

fn the_block_before_an_overwritten_header() {
    snugfit::keep_headers();
    says(|| {
        let blocks: Vec<*mut u8> = (0..3).map(|_| allocate(5000)).collect();
        let usable = usable_size(blocks[0]);
        // SAFETY: wrong on purpose: one byte too many.
        unsafe { blocks[0].write_bytes(0xEE, usable + 1) };
        let clause = format!("before it lies the {usable}-byte block at {:p}", blocks[0]);
        (blocks[1], format!("snugfit: mem_free({:p}): header overwritten; {clause}", blocks[1]))
    });
}

fn a_wrong_size_names_the_block() {
    for (size, usable) in [(100, 112), (300, 312)] {
        let ended = listen(|pipe| {
            if size == 300 {
                snugfit::keep_headers();
            }
            let block = allocate(size);
            let clause = format!("the {usable}-byte block at {block:p} is in use");
            say(pipe, &format!("snugfit: dealloc({block:p}): wrong size; {clause}\n"));
            let layout = std::alloc::Layout::from_size_align(500, 8).expect("a layout");
            // SAFETY: wrong on purpose: the process ends.
            unsafe { std::alloc::GlobalAlloc::dealloc(&snugfit::Snugfit, block, layout) };
        });
        assert!(ended.is_aborted());
        assert_eq!(ended.errors, ended.said);
    }
}

fn nothing_is_said_of_what_is_foreign() {
    snugfit::keep_headers();
    says(|| {
        let on_stack = [0_u128; 4];
        let pointer = on_stack.as_ptr().cast_mut().cast::<u8>();
        (pointer, format!("snugfit: mem_free({pointer:p}): not from this allocator"))
    });
}

static SEEN: AtomicUsize = AtomicUsize::new(0);

fn the_hook_is_told_and_may_allocate() {
    snugfit::keep_headers();
    let ended = listen(|pipe| {
        set_hook(|finding| {
            let Finding::Pointer(wrong) = *finding else { panic!("{finding}") };
            let WrongPointer { function, pointer, bad, block, .. } = wrong;
            let expected = FoundBlock { start: pointer, usable_size: 312, state: BlockState::Cached };
            assert_eq!((function, bad, block), ("mem_free", BadPointer::DoubleFree, Some(expected)));
            assert_eq!(pointer, SEEN.load(Relaxed));
            free(allocate(10_000));
            eprintln!("told");
        });
        let block = allocate(300);
        SEEN.store(block.addr(), Relaxed);
        let clause = format!("the 312-byte block at {block:p} lies in a cache");
        say(pipe, &format!("snugfit: mem_free({block:p}): double free; {clause}\ntold\n"));
        free(block);
        // SAFETY: wrong on purpose: the process ends.
        unsafe { mem_free(block) };
    });
    assert!(ended.is_aborted());
    assert_eq!(ended.errors, ended.said);
}

fn a_hook_that_errs_is_not_called_again() {
    snugfit::keep_headers();
    let ended = listen(|_| {
        set_hook(|_| {
            eprintln!("told");
            let block = allocate(10);
            // SAFETY: wrong on purpose: the process ends.
            unsafe { mem_free(block.add(1)) };
        });
        // SAFETY: wrong on purpose: the process ends.
        unsafe { mem_free(allocate(100).add(2)) };
    });
    assert!(ended.is_aborted());
    let lines: Vec<&str> = ended.errors.lines().collect();
    let [first, "told", second] = lines[..] else { panic!("{lines:?}") };
    assert!(first.contains("2 bytes into") && second.contains("1 byte into"), "{lines:?}");
}

/// A free block of the heap whose link to another one of its size leads nowhere, so that it is found by who wants such blocks.
fn broken_link() -> *mut u8 {
    let blocks = [(); 5].map(|()| allocate(5000));
    free(blocks[1]);
    free(blocks[3]);
    // What the thread keeps goes to the heap.
    snugfit::trim(0);
    // SAFETY: wrong on purpose: a block that was freed.
    unsafe { blocks[3].cast::<usize>().write(8) };
    blocks[3]
}

/// It is found under the lock.
fn the_hook_is_told_of_damage_and_may_allocate() {
    snugfit::keep_headers();
    let ended = listen(|pipe| {
        set_hook(|finding| {
            let Finding::Freed(damage) = *finding else { panic!("{finding}") };
            assert_eq!((damage.block, damage.what), (SEEN.load(Relaxed), Overwritten::Link));
            free(allocate(300));
            free(allocate(1 << 20));
            eprintln!("told");
        });
        let small = allocate(300);
        let block = broken_link();
        // Of these there are some in the cache then.
        free(small);
        SEEN.store(block.addr(), Relaxed);
        say(pipe, &format!("snugfit: the freed block at {block:p}: link overwritten\ntold\n"));
        allocate(5000);
    });
    assert!(ended.is_aborted());
    assert_eq!(ended.errors, ended.said);
}

fn the_hook_is_told_what_a_check_finds() {
    snugfit::keep_headers();
    let ended = listen(|_| {
        set_hook(|finding| {
            let Finding::Violation { check: "check", violation } = *finding else { panic!("{finding}") };
            assert_eq!((violation.number(), violation.address()), (6, Some(SEEN.load(Relaxed) - 8)));
            eprintln!("told");
        });
        SEEN.store(broken_link().addr(), Relaxed);
        check_every(1);
        allocate(1);
    });
    assert!(ended.is_aborted());
    assert!(ended.errors.starts_with("snugfit: check: invariant 6"), "{}", ended.errors);
    assert!(ended.errors.ends_with("\ntold\n"), "{}", ended.errors);
}

/// With a frame of this program in it. Elsewhere there is no backtrace, and that is said.
fn a_backtrace_follows() {
    snugfit::keep_headers();
    let ended = listen(|_| {
        if !backtrace_at_end() {
            return;
        }
        // SAFETY: wrong on purpose: the process ends.
        unsafe { mem_free(allocate(100).add(2)) };
    });
    if cfg!(not(target_env = "gnu")) {
        return assert!(ended.is_well());
    }
    let mut lines = ended.errors.lines();
    assert!(lines.next().is_some_and(|line| line.contains("2 bytes into")), "{}", ended.errors);
    let is_frame = |line: &str| line.contains("findings") && line.contains("[0x");
    assert!(lines.clone().count() > 3 && lines.any(is_frame), "{}", ended.errors);
}

fn a_hook_that_unwinds_ends_the_process() {
    snugfit::keep_headers();
    let ended = listen(|_| {
        set_hook(|_| panic!("no"));
        let caught = std::panic::catch_unwind(|| {
            // SAFETY: wrong on purpose: the process ends.
            unsafe { mem_free(allocate(100).add(2)) };
        });
        eprintln!("{}", caught.is_err());
    });
    assert!(ended.is_aborted() && !ended.errors.ends_with("true\n"), "{}", ended.errors);
}
