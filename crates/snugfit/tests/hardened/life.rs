//! That everything else goes on as usual: what was there before, threads, forks, little memory.

use std::hint::spin_loop;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};
use std::thread;

use snugfit::{
    BadPointer, Hardening, Snugfit, TooLate, count_calls, harden, mem_alloc_clear, stats, trim, usable_size,
    validate,
};

use crate::common::child::passes;
use crate::common::{EACH_CALL_VALIDATES, try_free};
use crate::{Case, Ends, KIB, MIB, Told, allocate, free, peek, poke, resize};

const fn well(name: &'static str, hardening: Hardening, body: fn(&mut Told)) -> Case {
    Case { name, hardening, body, ends: Ends::Well }
}

pub(crate) const CASES: &[Case] = &[
    well("what_was_there_before_stays", Hardening::NONE, |_| before()),
    well("threads", Hardening::ALL, |_| threads()),
    well("all_is_checked_while_threads_work", Hardening::ALL, |_| checked_at_work()),
    well("one_of_two_frees_succeeds", Hardening::ALL, |_| raced()),
    well("a_thread_leaves_nothing_behind", Hardening::ALL, |_| left_behind()),
    well("a_fork", Hardening::ALL, |_| fork()),
    well("a_fork_while_threads_work", Hardening::ALL, |_| fork_at_work()),
    well("cleared_memory_is_zero", Hardening::ALL, |_| cleared()),
    well("cleared_memory_is_zero_after_a_fill", Hardening { fill: true, ..Hardening::NONE }, |_| cleared()),
    well("cleared_memory_is_zero_where_nobody_looks", Hardening::ALL, |_| cleared_unseen()),
    well("it_is_counted", Hardening::ALL, |_| counted()),
    well("threads_that_were_there_before_are_counted", Hardening::ALL, |_| counted_late()),
    well("rust_s_own_terms", Hardening::ALL, |_| layouts()),
];

/// Blocks from before the mode was chosen are resized and freed as any; what is new is of the new heap.
fn before() {
    let lens = [0, 24, 2000, 100 * KIB, MIB];
    let old = lens.map(allocate);
    assert_eq!(harden(Hardening::ALL), Ok(()));
    assert_eq!(harden(Hardening::NONE), Err(TooLate));
    let new = lens.map(allocate);
    let usable = new.map(|block| usable_size(block));
    assert_eq!(usable, lens);
    for (block, len) in old.into_iter().zip(lens) {
        assert!(usable_size(block) >= len);
        (0..len).for_each(|at| poke(block, at as isize, 3));
        let block = resize(block, 2 * len + 1);
        assert!((0..len).all(|at| peek(block, at as isize) == 3));
        free(block);
        assert_eq!(try_free(block), Err(BadPointer::DoubleFree));
    }
    new.into_iter().for_each(free);
    assert_eq!(validate(), Ok(()));
}

/// Once it has taken a slow path, a thread that was at work before calls were counted is counted whole.
fn counted_late() {
    const CALLS: usize = 1000;
    static COUNTED: AtomicBool = AtomicBool::new(false);
    static READY: AtomicBool = AtomicBool::new(false);
    let worker = thread::spawn(|| {
        (0..CALLS).for_each(|_| free(allocate(100)));
        READY.store(true, Release);
        while !COUNTED.load(Acquire) {
            spin_loop();
        }
        free(allocate(100 * KIB));
        (0..CALLS).for_each(|_| free(allocate(100)));
    });
    while !READY.load(Acquire) {
        spin_loop();
    }
    count_calls();
    COUNTED.store(true, Release);
    worker.join().expect("it ends well");
    let counts = stats().counts;
    assert!(counts.allocations > CALLS && counts.frees > CALLS, "{counts:?}");
}

fn threads() {
    let workers: Vec<_> = (0..4_usize).map(|worker| thread::spawn(move || work(worker))).collect();
    let blocks = workers.into_iter().flat_map(|worker| worker.join().expect("it ends well"));
    blocks.for_each(|block| free(block as *mut u8));
    assert_eq!(validate(), Ok(()));
}

/// Returns blocks for another thread to free.
fn work(worker: usize) -> Vec<usize> {
    let mut blocks = Vec::new();
    for turn in 0..2000_usize {
        let len = (turn * 131 + worker) % 2000;
        let block = resize(allocate(len), len + turn % 300 + 1);
        poke(block, len as isize, worker as u8);
        if turn % 3 == 0 { blocks.push(block.expose_provenance()) } else { free(block) }
    }
    blocks
}

/// How often something is tried while threads work: less often if each of their calls takes long.
const TRIES: usize = if EACH_CALL_VALIDATES { 3 } else { 500 };

/// Whether `holds` while threads allocate and free as fast as they can.
fn holds_at_work(holds: impl FnOnce() -> bool) -> bool {
    let has_ended = &AtomicBool::new(false);
    thread::scope(|scope| {
        for worker in 0..3 {
            scope.spawn(move || work_until(has_ended, worker));
        }
        let held = holds();
        has_ended.store(true, Relaxed);
        held
    })
}

fn work_until(has_ended: &AtomicBool, worker: usize) {
    let mut blocks = [(); 40].map(|()| allocate(worker));
    let mut turn = 0_usize;
    while !has_ended.load(Relaxed) {
        let len = turn * 7919 % 15_000;
        let block = &mut blocks[turn % 40];
        if turn.is_multiple_of(3) {
            *block = resize(*block, len + 1);
        } else {
            free(*block);
            *block = allocate(len);
        }
        turn += 1;
    }
    blocks.into_iter().for_each(free);
}

/// What a thread is about to fill, or to draw a line in, is no finding.
fn checked_at_work() {
    assert!(holds_at_work(|| (0..TRIES).all(|_| validate() == Ok(()))));
    assert_eq!(validate(), Ok(()));
}

/// Of two threads that free a block at once, one is told that it is a double free.
fn raced() {
    let (arrived, shared) = (&AtomicUsize::new(0), &AtomicPtr::new(null_mut()));
    // A barrier that sleeps would let one of them go long before the other.
    let meet = |number: usize| {
        arrived.fetch_add(1, AcqRel);
        while arrived.load(Acquire) < 2 * number {
            spin_loop();
        }
    };
    let free_all = |is_first: bool| {
        let round = |len| {
            if is_first {
                shared.store(allocate(len), Release);
            }
            meet(2 * len - 1);
            let freed = try_free(shared.load(Acquire));
            meet(2 * len);
            freed
        };
        (1..15_000).map(round).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let other = scope.spawn(move || free_all(false));
        let mine = free_all(true);
        for (mine, other) in mine.into_iter().zip(other.join().expect("it ends well")) {
            let told = if mine.is_ok() { other } else { mine };
            assert!(mine != other && told == Err(BadPointer::DoubleFree), "{mine:?} and {other:?}");
        }
    });
}

/// What waits in a thread goes back to the heap when it ends.
fn left_behind() {
    let work = || {
        let blocks: Vec<_> = (0..1000).map(allocate).collect();
        blocks.into_iter().for_each(free);
        stats().cached_bytes
    };
    let wait = || thread::spawn(work).join().expect("it ends well");
    let at_work = wait();
    let before = stats().cached_bytes;
    assert!(before + 100 * KIB < at_work, "{at_work} while it works");
    assert!((0..20).all(|_| wait() > before));
    let after = stats().cached_bytes;
    assert!(after < before + 4 * KIB, "{after} after {before} bytes");
    assert_eq!(validate(), Ok(()));
}

/// The child finds everything as it should be, wherever the other threads were stopped.
fn fork_at_work() {
    let child = || {
        assert_eq!(validate(), Ok(()));
        (0..1000).for_each(|len| free(allocate(len)));
        trim(0);
        assert_eq!(validate(), Ok(()));
    };
    assert!(holds_at_work(|| (0..TRIES).all(|_| passes(child))));
}

fn fork() {
    let block = allocate(100);
    poke(block, 99, 5);
    assert!(passes(move || {
        assert_eq!(peek(block, 99), 5);
        free(block);
        (0..10_000).for_each(|len| free(allocate(len % 2000)));
        assert_eq!(validate(), Ok(()));
    }));
    free(block);
}

fn cleared() {
    for turn in 0..5000_usize {
        let len = turn * 37 % 3000;
        let dirty = allocate(len);
        (0..len).for_each(|at| poke(dirty, at as isize, 0xEE));
        free(dirty);
        let block = mem_alloc_clear(1, len);
        assert!((0..len).all(|at| peek(block, at as isize) == 0), "{len}");
        free(block);
    }
}

/// Something wrote into the middle of a freed block, which is not looked at.
fn cleared_unseen() {
    for len in [3000, 5000, 12_000] {
        let freed = allocate(len);
        free(freed);
        poke(freed, len as isize / 2, 7);
        let found = (0..1000).map(|_| mem_alloc_clear(1, len)).find(|&block| {
            assert!((0..len).all(|at| peek(block, at as isize) == 0), "{len}");
            let is_found = block == freed;
            free(block);
            is_found
        });
        assert!(found.is_some(), "it comes back");
    }
}

fn counted() {
    let before = stats();
    let (small, large) = (allocate(100), allocate(MIB));
    let held = stats();
    assert!(held.heap_blocks + held.direct_blocks >= before.heap_blocks + before.direct_blocks + 2);
    assert!(held.direct_bytes >= before.direct_bytes + MIB);
    assert!(held.peak_footprint >= held.footprint && held.footprint >= before.footprint + MIB);
    free(small);
    free(large);
    trim(0);
    assert!(stats().footprint < held.footprint);
    assert_eq!(validate(), Ok(()));
}

fn layouts() {
    use std::alloc::{GlobalAlloc, Layout};
    for align in [1, 8, 16, 64, 4096] {
        for len in [1, 24, 1000, 100 * KIB, MIB] {
            let layout = Layout::from_size_align(len, align).expect("a layout");
            // SAFETY: the layout is that of the block.
            unsafe {
                let block = Snugfit.alloc_zeroed(layout);
                assert!(block.addr().is_multiple_of(align) && peek(block, len as isize - 1) == 0);
                let block = Snugfit.realloc(block, layout, 2 * len);
                assert!(block.addr().is_multiple_of(align));
                Snugfit.dealloc(block, Layout::from_size_align(2 * len, align).expect("a layout"));
            }
        }
    }
}
