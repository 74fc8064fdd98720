//! What happens if the library is wrong about itself.

/// Ends the process. Nothing in the library panics that anybody knows of.
#[cfg(panic = "abort")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    const TEXT: &str = "snugfit: internal error: please report it\n";
    // SAFETY: the text is valid for its length.
    unsafe { libc::write(libc::STDERR_FILENO, TEXT.as_ptr().cast(), TEXT.len()) };
    // SAFETY: may be called at any time.
    unsafe { libc::abort() }
}
