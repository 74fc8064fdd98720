//! Whether this library is the process's malloc.

use core::ffi::c_void;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering::Relaxed};

/// A block that the C library allocated elsewhere. It is kept, where those who look for lost blocks find it.
static ELSEWHERE: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());

/// Whether there is another malloc in the process, as far as is known.
static BESIDE_ANOTHER: AtomicBool = AtomicBool::new(false);

/// What was found out when the library was loaded.
pub(crate) fn set_beside_another() {
    BESIDE_ANOTHER.store(true, Relaxed);
}

/// The process's `realloc` and `free`, if they are not this library's: then blocks come from elsewhere, and functions that
/// the other malloc lacks are to serve them all the same, as the C library's would.
pub(crate) fn other() -> Option<(Realloc, Free)> {
    // Through pointers, which are what the process calls by these names.
    BESIDE_ANOTHER
        .load(Relaxed)
        .then(|| (black_box(crate::realloc as Realloc), black_box(crate::free as Free)))
}

/// The type of `realloc`.
pub(crate) type Realloc = unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void;

/// The type of `free`.
pub(crate) type Free = unsafe extern "C" fn(*mut c_void);

/// Whether what the C library allocates comes from here. It need not, if the library was loaded by `dlopen`, or is linked
/// behind another malloc, or the program brings its own.
///
/// Asked is what matters, and not for an address: the C library is made to allocate something. The compiler cannot
/// answer that, and no order of libraries, way of linking or wrapper in between makes the answer wrong.
pub(crate) fn is_malloc_of_process() -> bool {
    // SAFETY: the text ends with a zero.
    let block: *mut c_void = unsafe { libc::strdup(c"".as_ptr()) }.cast();
    if block.is_null() {
        return false;
    }
    let ours = snugfit::try_usable_size(block.cast()).is_ok();
    if ours {
        // Through a pointer, which is what the process calls `free`: should that be a wrapper, it is not passed over.
        let free: Free = black_box(crate::free);
        // SAFETY: nobody uses the block any more.
        unsafe { free(block) };
    } else {
        ELSEWHERE.store(block, Relaxed);
    }
    ours
}
