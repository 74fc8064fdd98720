//! What is said before the process ends.

use core::fmt::{self, Write};

use snugfit_heap::BadPointer;

/// Prints what is wrong with `pointer`, which was given to `function`, as one line on standard error, and aborts the
/// process. Nothing is allocated, and no lock is taken.
///
/// ```text
/// snugfit: mem_free(0x55d0c1a2b311): interior pointer: 1 byte into the 72-byte block at 0x55d0c1a2b310
/// ```
///
/// The length is that of the payload, the bytes that the caller may use. [`mem_free`](crate::mem_free) and its like end
/// here; so do libraries that offer the same under other names.
#[cold]
#[inline(never)]
pub fn abort_with(function: &str, pointer: *const u8, bad: BadPointer) -> ! {
    end(format_args!("snugfit: {function}({:#x}): {bad}\n", pointer.addr()))
}

/// A thread that was interrupted inside the allocator, by a signal, has come in again.
#[cold]
#[inline(never)]
pub(crate) fn entered_again() -> ! {
    end(format_args!(
        "snugfit: a signal handler allocates or frees memory while the thread that it interrupted does: malloc is not async-signal-safe\n"
    ))
}

fn end(message: fmt::Arguments<'_>) -> ! {
    let mut line = Line::new();
    // What does not fit is cut off.
    let _ = line.write_fmt(message);
    line.print();
    // SAFETY: may be called at any time.
    unsafe { libc::abort() }
}

/// A line of text on the stack.
#[derive(Debug)]
pub(crate) struct Line {
    text: [u8; Self::ROOM],
    len: usize,
}

impl Line {
    const ROOM: usize = 512;

    pub(crate) const fn new() -> Self {
        Self { text: [0; Self::ROOM], len: 0 }
    }

    fn text(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or_default()
    }

    /// Writes the line to standard error, in one call, so that lines of several processes do not mix.
    fn print(&self) {
        let text = self.text();
        // SAFETY: the text is valid for its length.
        unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let rest = self.text.get_mut(self.len..).unwrap_or_default();
        let len = text.len().min(rest.len());
        for (to, &from) in rest.iter_mut().zip(text.as_bytes()) {
            *to = from;
        }
        self.len += len;
        if len < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_what_fits() {
        let mut line = Line::new();
        assert_eq!(write!(line, "{}-{:#x}", 12, 255), Ok(()));
        assert_eq!(line.text(), b"12-0xff");
        let long = "x".repeat(Line::ROOM);
        assert!(line.write_str(&long).is_err());
        assert_eq!(line.text().len(), Line::ROOM);
        assert!(line.text().starts_with(b"12-0xffxxx"));
        assert!(line.write_str("more").is_err());
    }
}
