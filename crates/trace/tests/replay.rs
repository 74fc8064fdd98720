//! A replay does what the trace says, and notices an allocator that does not.

mod faulty;

use std::alloc::System;
use std::panic::{AssertUnwindSafe, catch_unwind};

use faulty::{Fault, Faulty};
use snugfit_bins::BinsIndex;
use snugfit_heap::Heap;
use snugfit_source::Mapped;
use snugfit_tag::{Compact, Format, Key, Mirrored};
use snugfit_trace::{Failure, Global, Measure, Op, Progress, Replay, SystemMalloc, Target, Trace, bundled};

fn heap<F: Format>() -> Heap<Mapped, BinsIndex, F> {
    Heap::new(Mapped::new(), Key::new(0x0123_4567_89AB_CDEF, 0x9E37_79B9_7F4A_7C15))
}

/// Every kind of operation; two blocks stay allocated.
fn small() -> Trace {
    let ops = vec![
        Op::Allocate { id: 0, size: 100 },
        Op::AllocateZeroed { id: 1, count: 3, size: 70 },
        Op::AllocateAligned { id: 2, size: 64, align: 128 },
        Op::Resize { id: 0, size: 5000 },
        Op::Free { id: 1 },
        Op::Allocate { id: 1, size: 0 },
        Op::Resize { id: 0, size: 30 },
        Op::Free { id: 0 },
        Op::Resize { id: 2, size: 0 },
        Op::Resize { id: 2, size: 90 },
        Op::Allocate { id: 3, size: 12 },
        Op::Free { id: 1 },
    ];
    Trace::new("small", 4, ops).unwrap()
}

/// Checks `small` in `target`, and that the observer is told what happens.
fn check_small<T: Target>(target: &mut T) {
    let trace = small();
    let mut replay = Replay::new(&trace);
    for _ in 0..3 {
        let mut seen = Vec::new();
        let checked = replay.check(target, |_, progress| seen.push(progress)).unwrap();
        assert_eq!((checked.operations, checked.peak_live_bytes), (12, 5000 + 210 + 64));
        let Progress { operation, live_bytes, live_blocks, payload, .. } = seen[10];
        assert_eq!((operation, live_bytes, live_blocks), (10, 102, 3));
        assert!(payload.is_some() && seen[11].payload.is_none());
        replay.time(target).unwrap();
    }
}

#[test]
fn every_target_replays_every_operation() {
    check_small(&mut SystemMalloc);
    check_small(&mut Global(System));
    check_small(&mut heap::<Compact>());
    check_small(&mut heap::<Mirrored>());
    check_small(&mut Faulty::new(Fault::None, usize::MAX));
}

#[test]
fn nothing_is_left_allocated() {
    let (trace, mut heap) = (small(), heap::<Compact>());
    let mut replay = Replay::new(&trace);
    replay.check(&mut heap, |_, _| ()).unwrap();
    assert_eq!(heap.stats().blocks_in_use, 0);
    replay.time(&mut heap).unwrap();
    assert_eq!(heap.stats().blocks_in_use, 0);
    heap.validate().unwrap();
}

#[test]
fn progress_agrees_with_what_the_heap_counts() {
    let (trace, mut heap) = (small(), heap::<Mirrored>());
    let observe = |heap: &Heap<_, _, Mirrored>, progress: Progress| {
        let stats = heap.stats();
        assert_eq!(stats.blocks_in_use, progress.live_blocks);
        assert_eq!(stats.bytes_in_use, progress.usable_bytes + progress.live_blocks * Mirrored::OVERHEAD);
    };
    Replay::new(&trace).check(&mut heap, observe).unwrap();
}

#[test]
fn a_refusal_at_any_call_is_an_error_and_leaves_nothing_allocated() {
    let trace = small();
    let mut replay = Replay::new(&trace);
    for (call, (operation, size)) in
        [(0, 100), (1, 210), (2, 64), (3, 5000), (5, 0), (6, 30)].into_iter().enumerate()
    {
        let mut target = Faulty::new(Fault::Refuse, call);
        let error = replay.check(&mut target, |_, _| ()).unwrap_err();
        assert_eq!((error.operation, error.line), (operation, operation + 5));
        assert_eq!(error.failure, Failure::OutOfMemory { size });
        assert_eq!(target.live(), 0);
        let mut target = Faulty::new(Fault::Refuse, call);
        assert_eq!(replay.time(&mut target).unwrap_err(), error);
        assert_eq!(target.live(), 0);
    }
}

#[test]
fn a_fault_is_found_and_named() {
    let trace = small();
    let mut replay = Replay::new(&trace);
    let mut find = |fault, call| {
        replay.check(&mut Faulty::new(fault, call), |_, _| ()).expect_err("the fault went unnoticed")
    };
    let misaligned = find(Fault::Misalign, 2);
    assert!(matches!(misaligned.failure, Failure::Misaligned { align: 128, .. }), "{misaligned}");
    assert_eq!(find(Fault::Dirty, 1).failure, Failure::NotZeroed { offset: 0, size: 210 });
    // Call 3 grows block 0 from 100 to 5000 bytes.
    let forgotten = find(Fault::Forget, 3);
    assert_eq!(forgotten.failure, Failure::Changed { id: 0, offset: 0, size: 5000 });
    assert_eq!(
        forgotten.to_string(),
        "small: operation 3 (line 8): the payload of id 0 was changed: of its 5000 bytes, \
         the one at offset 0 is the first that differs"
    );
    // Call 1 damages block 0, which is noticed when it is resized.
    assert_eq!(find(Fault::Scribble, 1).operation, 3);
}

#[test]
fn a_replay_after_a_panic_starts_afresh() {
    let trace = small();
    let mut replay = Replay::new(&trace);
    let observed = |replay: &mut Replay<'_>| {
        let mut target = Faulty::new(Fault::None, usize::MAX);
        let _ = replay.check(&mut target, |_, progress| assert!(progress.operation < 7, "seen enough"));
    };
    let checked = |replay: &mut Replay<'_>| {
        let _ = replay.check(&mut Faulty::new(Fault::Panic, 3), |_, _| ());
    };
    let timed = |replay: &mut Replay<'_>| {
        let _ = replay.time(&mut Faulty::new(Fault::Panic, 3));
    };
    let panics: [fn(&mut Replay<'_>); 3] = [observed, checked, timed];
    for panics in panics {
        assert!(catch_unwind(AssertUnwindSafe(|| panics(&mut replay))).is_err());
        // This target would panic if it were asked about a payload that is not its own.
        let mut target = Faulty::new(Fault::None, usize::MAX);
        replay.check(&mut target, |_, _| ()).unwrap();
        assert!(catch_unwind(AssertUnwindSafe(|| panics(&mut replay))).is_err());
        replay.time(&mut target).unwrap();
        assert_eq!(target.live(), 0);
    }
}

#[test]
fn sizes_beyond_all_memory_are_refused() {
    for op in [
        Op::Allocate { id: 0, size: isize::MAX as usize },
        Op::AllocateZeroed { id: 0, count: 1, size: isize::MAX as usize },
        Op::AllocateAligned { id: 0, size: isize::MAX as usize, align: 1 << 62 },
    ] {
        let trace = Trace::new("huge", 1, vec![op]).unwrap();
        let mut replay = Replay::new(&trace);
        assert!(replay.time(&mut SystemMalloc).is_err());
        assert!(replay.time(&mut Global(System)).is_err());
        assert!(replay.time(&mut heap::<Compact>()).is_err());
    }
}

/// Measures a bundled trace, and verifies what must hold of any measure.
fn measure<F: Format>(name: &str) -> Measure {
    let bundled = bundled().iter().find(|trace| trace.name == name).unwrap();
    let (trace, mut heap) = (bundled.read().unwrap(), heap::<F>());
    let measure = Measure::of(&mut Replay::new(&trace), &mut heap).unwrap();
    assert_eq!(measure.operations, trace.ops().len());
    assert_eq!(measure.peak_footprint_bytes, heap.stats().peak_footprint);
    assert_eq!(measure.breakdown.total(), measure.peak_footprint_bytes);
    assert!(measure.breakdown.live_bytes <= measure.peak_live_bytes);
    assert!(measure.utilization() > 0.5 && measure.utilization() < 1.0);
    measure
}

#[test]
fn a_measure_adds_up() {
    let compact = measure::<Compact>("git");
    let mirrored = measure::<Mirrored>("git");
    assert_eq!(compact.peak_live_bytes, mirrored.peak_live_bytes);
    assert!(compact.peak_footprint_bytes < mirrored.peak_footprint_bytes);
}

#[test]
fn an_empty_trace_has_the_footprint_of_an_empty_heap() {
    let trace = Trace::new("empty", 0, Vec::new()).unwrap();
    let measure = Measure::of(&mut Replay::new(&trace), &mut heap::<Compact>()).unwrap();
    assert_eq!(measure.breakdown.metadata_bytes, measure.peak_footprint_bytes);
    assert_eq!(measure.utilization(), 0.0);
}
