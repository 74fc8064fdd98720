//! The end, should the allocator itself go wrong.

/// There is nobody to tell but the user. Nothing of `info` is printed: to format it could go wrong as well.
#[cfg(panic = "abort")]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    let mut line = snugfit::Line::new();
    line.push(b"snugfit: an error in the allocator itself");
    line.print_and_abort()
}
