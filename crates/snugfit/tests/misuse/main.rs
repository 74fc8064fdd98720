//! Every misuse ends the process with a line that names it, and with `SIGABRT`. Each is done in a child, which says
//! beforehand what it expects to be told.

#[path = "../common/mod.rs"]
mod common;
mod direct;
mod double_free;
mod foreign;
mod interior;
mod links;
mod overwritten;
mod signal;
mod sizes;
mod small;

use std::alloc::{GlobalAlloc, Layout};

use common::child::{listen, run_all, say};
use snugfit::{Snugfit, usable_size};

/// Something gone wrong in a program, up to the moment before it is noticed.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    /// Where it can be noticed.
    calls: &'static [Call],
    /// Makes the wrong pointer, and says what is wrong with it.
    wrong: fn() -> Wrong,
}

/// A pointer, and the words for it.
struct Wrong(*mut u8, String);

/// A call that is given the pointer.
struct Call {
    name: &'static str,
    with: fn(*mut u8),
}

const MEM_FREE: Call = Call { name: "mem_free", with: common::free };
const MEM_RESIZE: Call = Call { name: "mem_resize", with: |pointer| _ = common::resize(pointer, 50_000) };
/// To a size of 0, which frees.
const MEM_RESIZE_TO_0: Call = Call { name: "mem_resize", with: |pointer| _ = common::resize(pointer, 0) };
const USABLE_SIZE: Call = Call { name: "usable_size", with: |pointer| _ = usable_size(pointer) };
const DEALLOC: Call = Call { name: "dealloc", with: dealloc };
const REALLOC: Call = Call { name: "realloc", with: realloc };

/// Any layout: a pointer is found to be wrong before its size is. But what is wrong beside a block is found last, and those
/// cases have blocks of this size: one that no thread keeps.
const LAYOUT: Layout = Layout::new::<[u8; 40_000]>();

fn dealloc(pointer: *mut u8) {
    // SAFETY: the pointer is no block, or a damaged one. That is to be found out.
    unsafe { Snugfit.dealloc(pointer, LAYOUT) };
}

fn realloc(pointer: *mut u8) {
    // SAFETY: as in `dealloc`.
    let _ = unsafe { Snugfit.realloc(pointer, LAYOUT, 50_000) };
}

/// All calls that take a block.
const ALL: &[Call] = &[MEM_FREE, DEALLOC, MEM_RESIZE, MEM_RESIZE_TO_0, REALLOC, USABLE_SIZE];

/// Those that free it where it is.
const FREES: &[Call] = &[MEM_FREE, DEALLOC, MEM_RESIZE_TO_0];

/// Those that look at its neighbours.
const CHANGES: &[Call] = &[MEM_FREE, DEALLOC, MEM_RESIZE, MEM_RESIZE_TO_0, REALLOC];

const fn case(name: &'static str, wrong: fn() -> Wrong) -> Case {
    Case { name, calls: ALL, wrong }
}

fn wrong(pointer: *mut u8, words: &str) -> Wrong {
    Wrong(pointer, words.to_owned())
}

fn main() {
    // Before this process, and so each child, keeps headers.
    let lists = [small::CASES, sizes::CASES];
    run_all(&lists.concat(), |case| case.name, |case| case.calls.iter().all(|call| is_named(case, call)));
    let lists = [
        interior::CASES,
        double_free::CASES,
        foreign::CASES,
        direct::CASES,
        overwritten::CASES,
        links::CASES,
        signal::CASES,
    ];
    run_all(
        &lists.concat(),
        |case| case.name,
        |case| {
            // What is small has a header too: what is written there is to be noticed.
            snugfit::keep_headers();
            case.calls.iter().all(|call| is_named(case, call))
        },
    );
}

/// Whether a child that does this ends as it must.
fn is_named(case: &Case, call: &Call) -> bool {
    let ended = listen(|pipe| {
        let Wrong(pointer, words) = (case.wrong)();
        let line = match call.name {
            "" => format!("snugfit: {words}\n"),
            name => format!("snugfit: {name}({:#x}): {words}\n", pointer.addr()),
        };
        say(pipe, &line);
        (call.with)(pointer);
    });
    let what = ended.what();
    let named = ended.is_aborted() && what == ended.said.trim_end() && !what.is_empty();
    if !named {
        let status = if ended.is_aborted() { "aborted" } else { "not aborted" };
        println!(
            "{} ({}): {status};\n expected {} but read {}",
            case.name, call.name, ended.said, ended.errors
        );
    }
    named
}
