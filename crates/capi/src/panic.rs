//! What happens if the library is wrong about itself.

/// Ends the process. Nothing in the library panics that anybody knows of.
#[cfg(panic = "abort")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    let mut line = snugfit::Line::new();
    line.push(b"snugfit: an error in the allocator itself");
    line.print_and_abort()
}
