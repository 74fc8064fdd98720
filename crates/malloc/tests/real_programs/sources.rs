//! Large inputs, made anew for each run and always the same.

use std::fmt::Write;
use std::io;

/// A source of numbers that look like chance and are not.
struct Numbers(u64);

impl Numbers {
    /// The next one, below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        // Knuth's constants; only the high bits are any good.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// A text of so many lines.
fn prose(numbers: &mut Numbers, lines: usize) -> String {
    const WORDS: [&str; 8] = ["block", "header", "footer", "segment", "granule", "magazine", "depot", "bin"];
    let mut text = String::new();
    for _ in 0..lines {
        for _ in 0..numbers.below(12) {
            text += WORDS[numbers.below(WORDS.len())];
            text += " ";
        }
        let _ = writeln!(text, "{}", numbers.below(1_000_000));
    }
    text
}

/// Writes so many commits, for `git fast-import`: each writes one of 40 files anew.
pub(crate) fn write_history(mut stream: impl io::Write, commits: usize) -> io::Result<()> {
    let mut numbers = Numbers(1);
    let mut texts: Vec<String> = (0..40).map(|_| prose(&mut numbers, 100)).collect();
    for commit in 0..commits {
        let file = numbers.below(texts.len());
        texts[file] += &prose(&mut numbers, 5);
        let message = prose(&mut numbers, 3);
        let text = &texts[file];
        let time = 1_700_000_000 + commit * 3600;
        writeln!(stream, "commit refs/heads/main")?;
        writeln!(stream, "committer Author {} <author@example.org> {time} +0000", commit % 7)?;
        writeln!(stream, "data {}\n{message}", message.len())?;
        writeln!(stream, "M 100644 inline folder{}/file{file}\ndata {}\n{text}", file % 5, text.len())?;
    }
    stream.flush()
}

/// A C program of so many functions, each with loops, a switch and calls of the ones before.
pub(crate) fn c_program(functions: usize) -> String {
    let mut numbers = Numbers(2);
    let mut text = String::from("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n");
    for function in 0..functions {
        let _ = writeln!(
            text,
            "static unsigned f{function}(unsigned a, unsigned b) {{\n  unsigned x = a, y[16] = {{b}};"
        );
        for step in 0..numbers.below(8) + 4 {
            let (one, two) = (numbers.below(1000), numbers.below(16));
            let _ = writeln!(
                text,
                "  for (unsigned i = 0; i < {one}; i++) y[i & 15] += x * {two} + (y[{two}] ^ i);"
            );
            let _ = writeln!(text, "  switch ((x >> {two}) & 3) {{");
            for case in 0..4 {
                let _ =
                    writeln!(text, "  case {case}: x += y[{}] * {}; break;", (two + case) & 15, one + step);
            }
            text += "  }\n";
            if function > 0 {
                let _ = writeln!(text, "  if (x & {two}) x ^= f{}(x, y[{two}]);", numbers.below(function));
            }
        }
        text += "  return x;\n}\n";
    }
    let _ = writeln!(text, "int main(void) {{ printf(\"%u\\n\", f{}(1, 2)); return 0; }}", functions - 1);
    text
}
