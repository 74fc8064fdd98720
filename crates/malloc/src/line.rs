//! Text without memory: a line on the stack.

use core::ffi::c_int;
use core::fmt::{self, Write};

/// A line of text. What does not fit is cut off.
#[derive(Debug)]
pub(crate) struct Line {
    text: [u8; Self::ROOM],
    len: usize,
}

impl Line {
    /// Enough for each line that the library makes; only words of the user's could be longer.
    const ROOM: usize = 1024;

    pub(crate) const fn new() -> Self {
        Self { text: [0; Self::ROOM], len: 0 }
    }

    pub(crate) fn text(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or_default()
    }

    /// Adds bytes that need not be text.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let rest = self.text.get_mut(self.len..).unwrap_or_default();
        for (to, &from) in rest.iter_mut().zip(bytes) {
            *to = from;
        }
        self.len += bytes.len().min(rest.len());
    }

    /// Ends the line, in place of its last byte if it is full.
    pub(crate) fn end(&mut self) {
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

/// Writes `text` in one call, so that lines of several processes do not mix.
pub(crate) fn write(file: c_int, text: &[u8]) {
    // SAFETY: the text is valid for its length.
    unsafe { libc::write(file, text.as_ptr().cast(), text.len()) };
}

/// Writes `text` to standard error.
pub(crate) fn print(text: &[u8]) {
    write(libc::STDERR_FILENO, text);
}

/// Writes a line made of `parts`, which need not be text, to standard error.
pub(crate) fn say(parts: &[&[u8]]) {
    let mut line = Line::new();
    parts.iter().for_each(|part| line.push(part));
    line.end();
    print(line.text());
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
