//! What is said before the process ends.

use core::fmt::Write;

use snugfit_heap::BadPointer;
use snugfit_index::Part;
use snugfit_tag::HEADER;

use crate::backtrace;
use crate::finding::{Damage, Finding, Overwritten, WrongPointer, call_hook};
use crate::process::let_in_again;
use crate::slow::block_near;
use crate::{Line, Violation};

/// Prints what is wrong with `pointer`, which was given to `function`, as one line on standard error, and aborts the
/// process. Nothing is allocated. The lock is taken, to find the block that it has to do with.
///
/// ```text
/// snugfit: mem_free(0x55d0c1a2b311): interior pointer: 1 byte into the 72-byte block at 0x55d0c1a2b310
/// ```
///
/// The length is that of the payload, the bytes that the caller may use. [`mem_free`](crate::mem_free) and its like end
/// here; so do libraries that offer the same under other names. The [hook](crate::set_hook) is called before the end.
#[cold]
#[inline(never)]
pub fn abort_with(function: &str, pointer: *const u8, bad: BadPointer) -> ! {
    let address = pointer.addr();
    let block = block_near(address);
    end(&Finding::Pointer(WrongPointer { function, pointer: address, bad, block }))
}

/// Something was written to a block that is not in use, whose payload is at `block`.
#[cold]
#[inline(never)]
pub(crate) fn damaged(block: usize, what: Overwritten) -> ! {
    end(&Finding::Freed(Damage { block, what }))
}

/// The header of a block that lies in a cache, or what is next to it, has been overwritten.
#[cold]
#[inline(never)]
pub(crate) fn damaged_in_cache(block: *const u8, bad: BadPointer) -> ! {
    let is_footer = bad == BadPointer::FooterOverwritten;
    damaged(block.addr(), if is_footer { Overwritten::Footer } else { Overwritten::Header })
}

/// The small block at `payload` was freed by two threads at the same time.
#[cold]
#[inline(never)]
pub(crate) fn freed_twice(payload: *const u8) -> ! {
    let (function, pointer) = ("free", payload.addr());
    end(&Finding::Pointer(WrongPointer { function, pointer, bad: BadPointer::DoubleFree, block: None }))
}

/// Something was written to a free block of a heap, whose header is at `block`.
#[cold]
#[inline(never)]
pub(crate) fn broken_in_heap(block: usize, part: Part) -> ! {
    let what = match part {
        Part::Header => Overwritten::Header,
        Part::Footer => Overwritten::Footer,
        Part::Link => Overwritten::Link,
    };
    damaged(block + HEADER, what)
}

/// Says that `check`, a check of the whole allocator, has found a `violation`, as one line on standard error, calls the
/// [hook](crate::set_hook), and aborts the process.
#[cold]
#[inline(never)]
pub fn abort_with_violation(check: &str, violation: Violation) -> ! {
    end(&Finding::Violation { check, violation })
}

/// A thread that was interrupted inside the allocator, by a signal, has come in again.
#[cold]
#[inline(never)]
pub(crate) fn entered_again() -> ! {
    end(&Finding::EnteredAgain)
}

/// Says what was found, to the user and to the hook.
fn end(finding: &Finding<'_>) -> ! {
    let mut line = Line::new();
    // A line takes all that it is given.
    let _ = write!(line, "snugfit: {finding}");
    line.end();
    line.write_to(libc::STDERR_FILENO);
    backtrace::print();
    let_in_again();
    call_hook(finding);
    // SAFETY: may be called at any time.
    unsafe { libc::abort() }
}
