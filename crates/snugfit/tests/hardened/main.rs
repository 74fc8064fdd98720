//! What each part of the hardened mode catches, and what it leaves alone. Each case is a child process, which says beforehand
//! what it expects to be told.

mod canary;
#[path = "../common/mod.rs"]
mod common;
mod guard;
mod life;
mod quarantine;

use std::fmt::Display;
use std::io::PipeWriter;

use common::child::{listen, run_all, say};
use snugfit::{Hardening, harden};

pub(crate) use common::{KIB, MIB, allocate, free, resize};

/// A case: what is hardened, what is done, and how that ends.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    name: &'static str,
    hardening: Hardening,
    body: fn(&mut Told),
    ends: Ends,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// Well, and nothing is said.
    Well,
    /// With a line, and `SIGABRT`.
    Aborted,
    /// With `SIGSEGV`.
    Faulted,
}

/// Where the child says what it expects to be told.
pub(crate) struct Told<'a>(&'a mut PipeWriter);

impl Told<'_> {
    /// The line that is expected.
    pub(crate) fn expect(&mut self, line: impl Display) {
        say(self.0, &format!("snugfit: {line}\n"));
    }

    /// What is said of `pointer`, given to `mem_free`.
    pub(crate) fn expect_of(&mut self, pointer: *const u8, words: &str) {
        self.expect(format_args!("mem_free({:#x}): {words}", pointer.addr()));
    }
}

pub(crate) const FOOTER: &str = "footer overwritten";
pub(crate) const HEADER: &str = "header overwritten";

/// Built in, the mode is whole, and parts of it cannot be had alone.
const IS_BUILT_IN: bool = cfg!(feature = "hardened");

fn main() {
    let lists = [canary::CASES, quarantine::CASES, guard::CASES, life::CASES];
    run_all(&lists.concat(), |case| case.name, passes);
}

fn passes(case: &Case) -> bool {
    // Where each call validates the heap, that finds an overwritten header before the free does.
    let is_validated_away = common::EACH_CALL_VALIDATES && case.name.ends_with("_overwritten_after_free");
    if is_validated_away || (IS_BUILT_IN && case.hardening != Hardening::ALL) {
        return true;
    }
    let ended = listen(|pipe| {
        let done = harden(case.hardening);
        assert_eq!(done.is_err(), IS_BUILT_IN, "once");
        (case.body)(&mut Told(pipe));
    });
    let how = match ended.signal() {
        None if ended.is_well() => Some(Ends::Well),
        Some(libc::SIGABRT) => Some(Ends::Aborted),
        Some(libc::SIGSEGV) => Some(Ends::Faulted),
        _ => None,
    };
    let passed = how == Some(case.ends) && ended.what() == ended.said.trim_end();
    if !passed {
        println!("{}: expected {:?} but read {:?}", case.name, ended.said, ended.errors);
    }
    passed
}

/// Changes a byte, as a program does that writes there.
pub(crate) fn poke(pointer: *mut u8, offset: isize, value: u8) {
    // SAFETY: memory of the allocator, or none at all: that is what is tried.
    unsafe { pointer.offset(offset).write_volatile(value) };
}

/// Changes a byte to what `value` makes of it.
pub(crate) fn change(pointer: *mut u8, offset: isize, value: fn(u8) -> u8) {
    poke(pointer, offset, value(peek(pointer, offset)));
}

/// Changes a byte for certain: a fixed value is what lies there already once in 256 runs, where that is random.
pub(crate) fn spoil(pointer: *mut u8, offset: isize) {
    change(pointer, offset, |byte| byte ^ 0xFF);
}

pub(crate) fn peek(pointer: *const u8, offset: isize) -> u8 {
    // SAFETY: as in `poke`.
    unsafe { pointer.offset(offset).read_volatile() }
}
