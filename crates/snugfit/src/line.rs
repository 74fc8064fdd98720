//! Text without memory.

use core::ffi::c_int;
use core::fmt::{self, Write};

/// A line of text on the stack, of at most 1024 bytes: what does not fit is cut off. With it a library that must not
/// allocate says something.
///
/// ```
/// use core::fmt::Write;
///
/// let mut line = snugfit::Line::new();
/// write!(line, "{} blocks", 3)?;
/// line.end();
/// assert_eq!(line.text(), b"3 blocks\n");
/// # Ok::<(), core::fmt::Error>(())
/// ```
#[derive(Debug)]
pub struct Line {
    text: [u8; Self::ROOM],
    len: usize,
}

impl Line {
    /// Enough for each line that the library makes; only words of the user's could be longer.
    const ROOM: usize = 1024;

    /// An empty line.
    #[must_use]
    pub const fn new() -> Self {
        Self { text: [0; Self::ROOM], len: 0 }
    }

    /// What is in it.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or_default()
    }

    /// Adds bytes that need not be text.
    pub fn push(&mut self, bytes: &[u8]) {
        let rest = self.text.get_mut(self.len..).unwrap_or_default();
        for (to, &from) in rest.iter_mut().zip(bytes) {
            *to = from;
        }
        self.len += bytes.len().min(rest.len());
    }

    /// Writes it to the open file with this descriptor, in one call, so that lines of several processes do not mix. What
    /// cannot be written is lost.
    pub fn write_to(&self, file: c_int) {
        let text = self.text();
        // SAFETY: the text is valid for its length.
        unsafe { libc::write(file, text.as_ptr().cast(), text.len()) };
    }

    /// Ends the line, writes it to standard error, and aborts the process.
    pub fn print_and_abort(mut self) -> ! {
        self.end();
        self.write_to(libc::STDERR_FILENO);
        // SAFETY: may be called at any time.
        unsafe { libc::abort() }
    }

    /// Ends the line, in place of its last byte if it is full.
    pub fn end(&mut self) {
        self.len = self.len.min(Self::ROOM - 1);
        self.push(b"\n");
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_what_fits() {
        let mut line = Line::new();
        assert_eq!(write!(line, "{}-{:#x}", 12, 255), Ok(()));
        line.push(b"\xFF");
        assert_eq!(line.text(), b"12-0xff\xFF");
        line.end();
        assert_eq!(line.text(), b"12-0xff\xFF\n");
        line.push(&[b'x'; 2 * Line::ROOM]);
        line.push(b"more");
        assert_eq!(line.text().len(), Line::ROOM);
        line.end();
        assert_eq!(line.text().len(), Line::ROOM);
        assert!(line.text().ends_with(b"xxx\n"));
    }
}
