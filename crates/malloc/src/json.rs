//! Text in JSON.

use core::fmt::{self, Display, Write};

/// Text from elsewhere as a JSON string. What is not UTF-8 becomes U+FFFD.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quoted<'a>(pub(crate) &'a [u8]);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for chunk in self.0.utf8_chunks() {
            chunk.valid().chars().try_for_each(|char| escape(char, f))?;
            if !chunk.invalid().is_empty() {
                f.write_char(char::REPLACEMENT_CHARACTER)?;
            }
        }
        f.write_char('"')
    }
}

fn escape(char: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match char {
        '"' | '\\' => write!(f, "\\{char}"),
        '\0'..' ' => write!(f, "\\u{:04x}", u32::from(char)),
        _ => f.write_char(char),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_become_a_string_that_a_parser_reads_back() {
        for (bytes, text) in [
            (b"python3".as_slice(), "python3"),
            (b"", ""),
            (b"a \"b\" \\ c", "a \"b\" \\ c"),
            (b"line\nbell\x07tab\t\x00\x7F", "line\nbell\u{7}tab\t\0\u{7F}"),
            ("gr\u{fc}\u{df}e \u{1F980}".as_bytes(), "gr\u{fc}\u{df}e \u{1F980}"),
            // A name that was cut in the middle of a letter.
            (b"gr\xC3", "gr\u{FFFD}"),
        ] {
            let json = Quoted(bytes).to_string();
            let read: String = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{json}: {error}"));
            assert_eq!(read, text);
        }
    }
}
