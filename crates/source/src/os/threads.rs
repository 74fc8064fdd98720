//! Whether there are threads.

/// Whether the process has a single thread, as far as the C library knows. False may be wrong, true is not.
///
/// glibc says so in a variable that it clears before the first thread starts. A thread made behind its back, with a
/// bare `clone`, is not seen; such a thread may not call the C library either. Other C libraries do not say.
#[inline]
#[must_use]
pub fn is_single_threaded() -> bool {
    imp::is_single_threaded()
}

/// How many processors this process may run on; 1 if the system does not say. A system call.
#[must_use]
pub fn processors() -> usize {
    // SAFETY: zeros are a set of none.
    let mut set: libc::cpu_set_t = unsafe { core::mem::zeroed() };
    // SAFETY: the set is that large, and valid for the call.
    let asked = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) };
    if asked != 0 {
        return 1;
    }
    // SAFETY: the call has filled it in.
    unsafe { libc::CPU_COUNT(&set) }.max(1) as usize
}

#[cfg(target_env = "gnu")]
mod imp {
    use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

    // A `char`, in glibc 2.32 or later; an atomic byte has its layout. Safe to read: it is cleared by the one thread
    // there is, before it starts a second.
    unsafe extern "C" {
        safe static __libc_single_threaded: AtomicU8;
    }

    #[inline]
    pub(super) fn is_single_threaded() -> bool {
        __libc_single_threaded.load(Relaxed) != 0
    }
}

#[cfg(not(target_env = "gnu"))]
mod imp {
    #[inline]
    pub(super) fn is_single_threaded() -> bool {
        false
    }
}
