//! What is said before the process ends.

use core::fmt::{self, Write};

use snugfit_heap::BadPointer;
use snugfit_index::Part;
use snugfit_tag::HEADER;

use crate::finding::{Finding, call_hook};
use crate::process::with;
use crate::{Line, Violation};

/// Prints what is wrong with `pointer`, which was given to `function`, as one line on standard error, and aborts the
/// process. Nothing is allocated. The lock is taken, to find the block that it has to do with.
///
/// ```text
/// snugfit: mem_free(0x55d0c1a2b311): interior pointer: 1 byte into the 72-byte block at 0x55d0c1a2b310
/// ```
///
/// The length is that of the payload, the bytes that the caller may use. [`mem_free`](crate::mem_free) and its like end
/// here; so do libraries that offer the same under other names. The [hook](crate::set_hook) is called first.
#[cold]
#[inline(never)]
pub fn abort_with(function: &str, pointer: *const u8, bad: BadPointer) -> ! {
    let address = pointer.addr();
    let finding = Finding { function, pointer: address, bad, block: with(|state| state.block_near(address)) };
    call_hook(&finding);
    end(format_args!("snugfit: {finding}"))
}

/// The header of a block that lies in a cache, or one next to it, has been overwritten.
#[cold]
#[inline(never)]
pub(crate) fn damaged_in_cache(block: *const u8, bad: BadPointer) -> ! {
    end(format_args!("snugfit: the freed block at {:#x}: {bad}", block.addr()))
}

/// Memory that was freed does not hold any more what it was filled with.
#[cold]
#[inline(never)]
pub(crate) fn written_after_free(block: usize, offset: usize, len: usize) -> ! {
    end(format_args!("snugfit: the freed block at {block:#x}: written after free: byte {offset} of {len}"))
}

/// Something was written to a free block, whose header is at `block`.
#[cold]
#[inline(never)]
pub(crate) fn broken_in_heap(block: usize, part: Part) -> ! {
    end(format_args!("snugfit: the heap: {part}: in the free block at {:#x}", block + HEADER))
}

/// Something in the allocator is not as it should be.
#[cold]
#[inline(never)]
pub(crate) fn violation(violation: Violation) -> ! {
    end(format_args!("snugfit: check: {violation}"))
}

/// A thread that was interrupted inside the allocator, by a signal, has come in again.
#[cold]
#[inline(never)]
pub(crate) fn entered_again() -> ! {
    end(format_args!(
        "snugfit: a signal handler allocates or frees memory while the thread that it interrupted does: malloc is not async-signal-safe"
    ))
}

fn end(message: fmt::Arguments<'_>) -> ! {
    let mut line = Line::new();
    // A line takes all that it is given.
    let _ = line.write_fmt(message);
    line.print_and_abort()
}
