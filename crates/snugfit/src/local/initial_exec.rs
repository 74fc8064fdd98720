//! By the model *initial-exec*: four words of thread-local storage, at a distance from the thread pointer that the loader
//! writes down once. To read one takes two instructions and no call. (Drepper, *ELF Handling For Thread-Local Storage*, 2013,
//! section 4.3.6.)
//!
//! The compiler offers this model to `thread_local!` only where it can see that the code ends up in a program, so the words
//! are defined here. Their name has the version in it: a program may contain several of this crate. A library that is loaded
//! by `dlopen` finds room for them in what the C library sets aside for this.

use core::arch::{asm, global_asm};
use core::cell::Cell;
use core::ptr::null;

use snugfit_cache::ThreadCache;
use snugfit_slab::Owner;

use super::{EMPTY, ENDED, NOBODY};
use crate::caches::Owned;
use crate::hardened::front::Front;
use crate::process;

/// The words of a thread, as they are defined below.
#[repr(C)]
struct Local {
    /// What the fast paths use. Never null.
    front: Cell<*const ThreadCache>,
    /// The same in hardened mode; null where there is none.
    hardened: Cell<*const Front>,
    /// The thread's cache; null before it has one.
    owned: Cell<*mut Owned>,
    /// What the fast paths use of slabs. Never null.
    slabs: Cell<*const Owner>,
}

const _: () = {
    assert!(core::mem::offset_of!(Local, front) == 0 && core::mem::offset_of!(Local, hardened) == 8);
    assert!(core::mem::offset_of!(Local, slabs) == 24 && size_of::<Local>() == 32);
};

macro_rules! symbol {
    () => {
        concat!("snugfit_local_", env!("CARGO_PKG_VERSION_MAJOR"), "_", env!("CARGO_PKG_VERSION_MINOR"))
    };
}

global_asm!(
    ".pushsection .tdata.snugfit, \"awT\", %progbits",
    concat!(".hidden ", symbol!()),
    concat!(".globl ", symbol!()),
    concat!(".type ", symbol!(), ", %object"),
    concat!(".size ", symbol!(), ", 32"),
    ".p2align 4",
    concat!(symbol!(), ":"),
    ".quad {empty}",
    ".quad 0",
    ".quad 0",
    ".quad {nobody}",
    ".popsection",
    empty = sym EMPTY,
    nobody = sym NOBODY,
);

#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn front() -> *const ThreadCache {
    let front;
    // SAFETY: the first word of the thread's, at the distance from the thread pointer that the linker or the loader has
    // written down.
    unsafe {
        asm!(
            concat!("mov {front}, qword ptr [rip + ", symbol!(), "@GOTTPOFF]"),
            "mov {front}, qword ptr fs:[{front}]",
            front = out(reg) front,
            options(nostack, preserves_flags, readonly)
        );
    }
    front
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn hardened() -> *const Front {
    let front;
    // SAFETY: as above, for the second word.
    unsafe {
        asm!(
            concat!("mov {front}, qword ptr [rip + ", symbol!(), "@GOTTPOFF]"),
            "mov {front}, qword ptr fs:[{front} + 8]",
            front = out(reg) front,
            options(nostack, preserves_flags, readonly)
        );
    }
    front
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn slabs() -> *const Owner {
    let slabs;
    // SAFETY: as above, for the fourth word.
    unsafe {
        asm!(
            concat!("mov {slabs}, qword ptr [rip + ", symbol!(), "@GOTTPOFF]"),
            "mov {slabs}, qword ptr fs:[{slabs} + 24]",
            slabs = out(reg) slabs,
            options(nostack, preserves_flags, readonly)
        );
    }
    slabs
}

#[cfg(target_arch = "x86_64")]
fn local() -> *const Local {
    let local;
    // SAFETY: as above. The word that the thread pointer points to is itself.
    unsafe {
        asm!(
            concat!("mov {local}, qword ptr [rip + ", symbol!(), "@GOTTPOFF]"),
            "add {local}, qword ptr fs:[0]",
            local = out(reg) local,
            options(nostack, readonly)
        );
    }
    local
}

#[cfg(target_arch = "aarch64")]
#[inline(always)]
pub(super) fn front() -> *const ThreadCache {
    // SAFETY: the words are the thread's, and live as long as it.
    unsafe { (*local()).front.get() }
}

#[cfg(target_arch = "aarch64")]
#[inline(always)]
pub(super) fn hardened() -> *const Front {
    // SAFETY: as above.
    unsafe { (*local()).hardened.get() }
}

#[cfg(target_arch = "aarch64")]
#[inline(always)]
pub(super) fn slabs() -> *const Owner {
    // SAFETY: as above.
    unsafe { (*local()).slabs.get() }
}

#[cfg(target_arch = "aarch64")]
#[inline(always)]
fn local() -> *const Local {
    let (local, _distance): (*const Local, usize);
    // SAFETY: the distance is where the linker or the loader has written it down.
    unsafe {
        asm!(
            concat!("adrp {distance}, :gottprel:", symbol!()),
            concat!("ldr {distance}, [{distance}, :gottprel_lo12:", symbol!(), "]"),
            "mrs {local}, tpidr_el0",
            "add {local}, {local}, {distance}",
            local = out(reg) local,
            distance = out(reg) _distance,
            options(nostack, preserves_flags, readonly)
        );
    }
    local
}

fn with<R>(body: impl FnOnce(&Local) -> R) -> R {
    // SAFETY: the words are the thread's, and live as long as it.
    body(unsafe { &*local() })
}

pub(super) fn owned() -> *mut Owned {
    with(|local| local.owned.get())
}

pub(super) fn set(owned: *mut Owned, is_front: bool) -> bool {
    with(|local| {
        local.owned.set(owned);
        if is_front {
            // SAFETY: the cache is the thread's, and lives until the thread gives it up.
            local.front.set(unsafe { &raw const (*owned).cache });
            // SAFETY: as above, and owners live for ever.
            if let Some(kept) = unsafe { (*owned).slabs.as_ref() } {
                local.slabs.set(&raw const kept.owner);
            }
        }
    });
    process::set_thread_value(owned)
}

pub(super) fn end() {
    clear_front();
    set_hardened(null());
    with(|local| local.owned.set(ENDED));
}

pub(super) fn clear_front() {
    with(|local| local.front.set(&raw const EMPTY.0));
    clear_slabs();
}

pub(super) fn clear_slabs() {
    with(|local| local.slabs.set(&raw const NOBODY.0));
}

pub(super) fn set_hardened(front: *const Front) {
    with(|local| local.hardened.set(front));
}
