//! The end, should the allocator itself go wrong.

/// There is nobody to tell but the user. Nothing of `info` is printed: to format it could go wrong as well.
#[cfg(panic = "abort")]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    crate::line::print(b"snugfit: an error in the allocator itself\n");
    // SAFETY: may be called at any time.
    unsafe { libc::abort() }
}
