//! Writes a trace as the reader reads it.

use std::io::{self, BufWriter, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{Op, Trace};

impl Trace {
    /// Writes the trace as plain text.
    ///
    /// # Errors
    /// Whatever `out` reports.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 16, out);
        write!(out, "{}\n{}\n{}\n{}\n", self.heap_size, self.ids, self.ops.len(), self.weight)?;
        for &op in &self.ops {
            write_op(&mut out, op)?;
        }
        out.flush()
    }

    /// Writes the trace compressed with gzip.
    ///
    /// # Errors
    /// Whatever `out` reports.
    pub fn write_gzip(&self, out: impl Write) -> io::Result<()> {
        let mut encoder = GzEncoder::new(out, Compression::best());
        self.write(&mut encoder)?;
        encoder.finish()?.flush()
    }
}

fn write_op(out: &mut impl Write, op: Op) -> io::Result<()> {
    let letter = op.letter();
    match op {
        Op::Allocate { id, size } | Op::Resize { id, size } => writeln!(out, "{letter} {id} {size}"),
        Op::AllocateZeroed { id, count, size } => writeln!(out, "{letter} {id} {count} {size}"),
        Op::AllocateAligned { id, size, align } => writeln!(out, "{letter} {id} {size} {align}"),
        Op::Free { id } => writeln!(out, "{letter} {id}"),
    }
}
