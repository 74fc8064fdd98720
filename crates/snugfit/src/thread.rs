//! Which thread this is, and sleeping until another one says so.

use core::ptr;
use core::sync::atomic::{AtomicU32, AtomicUsize};

use snugfit_source::os::keeping_errno;

/// A number that no other living thread has: the address of its control block. Not 0, and a multiple of 2.
///
/// Where the processor can be asked for it, it is: the C library's function is a call, and its headers say only that
/// it returns a `pthread_t`.
#[inline]
pub(crate) fn id() -> usize {
    imp::id()
}

#[cfg(target_arch = "x86_64")]
mod imp {
    #[inline]
    pub(super) fn id() -> usize {
        let id: usize;
        // SAFETY: the psABI puts the address of a thread's control block at its start, where `fs` points (Drepper, *ELF
        // Handling For Thread-Local Storage*, 2013, section 3.4.6).
        unsafe {
            core::arch::asm!("mov {}, fs:0", out(reg) id, options(nostack, preserves_flags, readonly, pure));
        }
        id
    }
}

#[cfg(target_arch = "aarch64")]
mod imp {
    #[inline]
    pub(super) fn id() -> usize {
        let id: usize;
        // SAFETY: a register that every thread may read.
        unsafe {
            core::arch::asm!("mrs {}, tpidr_el0", out(reg) id, options(nostack, preserves_flags, nomem, pure));
        }
        id
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod imp {
    #[inline]
    pub(super) fn id() -> usize {
        // SAFETY: may be called at any time. A `pthread_t` of the C libraries for Linux is an address.
        unsafe { libc::pthread_self() as usize }
    }
}

/// A number for this thread that says in which process it is; more than 32 bits. Two system calls, for where an
/// [`id`] does not tell enough.
pub(crate) fn preparer() -> usize {
    // SAFETY: may be called at any time.
    let thread = unsafe { libc::syscall(libc::SYS_gettid) };
    process() << 32 | (thread as usize & 0xFFFF_FFFF)
}

/// Whether the thread of which `preparer` is the number is, or was, one of this process. It is not if a `fork` lies in
/// between.
pub(crate) fn is_in_this_process(preparer: usize) -> bool {
    preparer >> 32 == process()
}

fn process() -> usize {
    // SAFETY: may be called at any time.
    unsafe { libc::getpid() as usize }
}

/// The half of `word` that holds its low bits: a futex has 32 of them.
fn low_half(word: &AtomicUsize) -> *const u32 {
    let halves = ptr::from_ref(word).cast::<AtomicU32>();
    halves.wrapping_add(usize::from(cfg!(target_endian = "big"))).cast()
}

/// Sleeps while the low half of `word` is that of `value`, or wakes up for no reason.
pub(crate) fn wait(word: &AtomicUsize, value: usize) {
    let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word is valid for as long as it is borrowed; the kernel reads it.
    keeping_errno(|| unsafe {
        libc::syscall(
            libc::SYS_futex,
            low_half(word),
            operation,
            value as u32,
            ptr::null::<libc::timespec>(),
        );
    });
}

/// Wakes one thread that sleeps on `word`.
pub(crate) fn wake_one(word: &AtomicUsize) {
    let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the kernel uses the address only as a name.
    keeping_errno(|| unsafe {
        libc::syscall(libc::SYS_futex, low_half(word), operation, 1);
    });
}
