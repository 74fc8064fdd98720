//! The heap over the real program break, with foreign moves of it in between. A program of its own without the test
//! harness: `Sbrk` beside another malloc serves a single thread only, and the harness starts threads.

mod common;

use common::Shadow;
use snugfit_bins::BinsIndex;
use snugfit_source::{Fallback, Mapped, Sbrk};
use snugfit_tag::Compact;

type BreakHeap = Shadow<Fallback<Sbrk, Mapped>, BinsIndex, Compact>;

fn program_break() -> usize {
    // SAFETY: asks, and moves nothing.
    unsafe { libc::sbrk(0) }.addr()
}

/// Moves the break as another part of the program might; returns where it was.
fn foreign_move(by: isize) -> usize {
    // SAFETY: moving the break up takes memory from nobody.
    unsafe { libc::sbrk(by) }.addr()
}

fn segments(shadow: &BreakHeap) -> usize {
    shadow.heap.stats().segments
}

fn grows_by_the_break(shadow: &mut BreakHeap) {
    let before = program_break();
    assert!(shadow.allocate(1 << 20));
    shadow.validate();
    let after = program_break();
    assert!(after >= before + (1 << 20), "the break moved from {before:#x} to {after:#x}");
    let payload = shadow.addresses().next().expect("it is live");
    assert!((before..after).contains(&payload), "{payload:#x} is not below the break");
}

fn foreign_moves_open_segments(shadow: &mut BreakHeap) {
    let had = segments(shadow);
    for (round, by) in [4096, 100, 1 << 16, 17].into_iter().enumerate() {
        let foreign = foreign_move(by);
        // SAFETY: the foreign bytes are ours to write: no heap may touch them.
        unsafe { std::ptr::without_provenance_mut::<u8>(foreign).write_bytes(0xEE, by as usize) };
        assert!(shadow.allocate(1 << 20));
        shadow.validate();
        assert_eq!(segments(shadow), had + round + 1, "a foreign move by {by} bytes opens a segment");
        for at in foreign..foreign + by as usize {
            // SAFETY: as above.
            let byte = unsafe { std::ptr::without_provenance::<u8>(at).read() };
            assert_eq!(byte, 0xEE, "the heap wrote to the foreign byte at {at:#x}");
        }
    }
}

fn another_thread_ends_the_use_of_the_break(shadow: &mut BreakHeap) {
    let (asked, answer) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || answer.recv());
    let before = program_break();
    assert!(shadow.allocate(8 << 20));
    shadow.validate();
    assert_eq!(program_break(), before, "with two threads the break is left alone");
    asked.send(()).expect("the thread waits");
    thread.join().expect("it does not panic").expect("it was asked");
}

fn main() {
    let mut shadow = BreakHeap::new(Fallback::new(Sbrk::shared(), Mapped::new()));
    grows_by_the_break(&mut shadow);
    foreign_moves_open_segments(&mut shadow);
    let grown = program_break();
    for _ in 0..200 {
        assert!(shadow.allocate(5000));
        shadow.free(3, false);
        shadow.validate();
    }
    assert!(program_break() >= grown);
    another_thread_ends_the_use_of_the_break(&mut shadow);
    shadow.finish();
    println!("break: 3 passed, 0 failed");
}
