//! Reads a trace from a file or from memory, plain or gzip.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::damage::{Damage, TraceError};
use crate::lines::Lines;
use crate::{Trace, parse};

/// The longest line that is read, line end included. An operation takes up to 60 bytes.
const MAX_LINE: usize = 1024;

/// Room made for operations before any was seen: the header may claim any number.
const FIRST_OPS: usize = 1 << 16;

/// The first bytes of a gzip stream.
const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];

impl Trace {
    /// Reads the trace at `path`. Whether it is compressed shows in its first bytes, not in its name.
    ///
    /// # Errors
    /// If the file cannot be read, or holds anything but a whole and sound trace.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, TraceError> {
        let path = path.as_ref();
        let file = path.display().to_string();
        match File::open(path) {
            Ok(open) => Self::from_reader(&file, BufReader::with_capacity(1 << 16, open)),
            Err(error) => Err(TraceError::new(&file, None, Damage::Open(error))),
        }
    }

    /// Reads the trace in `bytes`, plain or gzip. `file` is what errors call it, and what its name comes from.
    ///
    /// # Errors
    /// If the bytes are anything but a whole and sound trace.
    pub fn from_bytes(file: &str, bytes: &[u8]) -> Result<Self, TraceError> {
        Self::from_reader(file, bytes)
    }

    /// Reads the trace that `reader` holds, plain or gzip. `file` is what errors call it, and what its name comes
    /// from.
    ///
    /// # Errors
    /// If reading fails, or brings anything but a whole and sound trace.
    pub fn from_reader(file: &str, mut reader: impl BufRead) -> Result<Self, TraceError> {
        let magic = reader.fill_buf().map(|start| start.starts_with(&GZIP_MAGIC));
        let mut line = 0;
        let read = match magic {
            Ok(true) => {
                let inflated = BufReader::with_capacity(1 << 16, MultiGzDecoder::new(reader));
                LineReader { reader: inflated, gzip: true, line: &mut line }.trace()
            }
            Ok(false) => LineReader { reader, gzip: false, line: &mut line }.trace(),
            Err(error) => Err(Damage::Read(error)),
        };
        let mut trace = read.map_err(|damage| TraceError::new(file, Some(line.max(1)), damage))?;
        trace.check().map_err(|(line, damage)| TraceError::new(file, Some(line), damage))?;
        trace.name = name_of(file);
        Ok(trace)
    }
}

/// `dir/cc1.rep.gz` is called `cc1`.
fn name_of(file: &str) -> String {
    let name = Path::new(file).file_name().map_or(file.into(), |name| name.to_string_lossy());
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.strip_suffix(".rep").unwrap_or(name).to_owned()
}

/// Takes a reader apart into lines, and counts them where the caller can see it after an error.
struct LineReader<'a, R> {
    reader: R,
    gzip: bool,
    line: &'a mut usize,
}

impl<R: BufRead> LineReader<'_, R> {
    /// Reads everything; what remains to be checked is what concerns the operations as a whole.
    fn trace(mut self) -> Result<Trace, Damage> {
        let mut buffer = Vec::with_capacity(MAX_LINE);
        let [heap_size, ids, expected, weight] = self.header(&mut buffer)?;
        let ids = u32::try_from(ids).map_err(|_| Damage::TooManyIds { ids })?;
        let mut ops = Vec::with_capacity(FIRST_OPS.min(usize::try_from(expected).unwrap_or(FIRST_OPS)));
        let mut lines = Lines::new();
        while let Some(text) = self.next(&mut buffer)? {
            if ops.len() as u64 == expected {
                return Err(Damage::TooManyOperations { expected });
            }
            ops.push(parse::operation(text)?);
            lines.note(ops.len() - 1, *self.line);
        }
        if (ops.len() as u64) < expected {
            return Err(Damage::TooFewOperations { expected, found: ops.len() });
        }
        Ok(Trace { name: String::new(), heap_size, weight, ids, ops, lines })
    }

    fn header(&mut self, buffer: &mut Vec<u8>) -> Result<[u64; 4], Damage> {
        let mut values = [0; parse::HEADER.len()];
        for (number, value) in values.iter_mut().enumerate() {
            let Some(text) = self.next(buffer)? else {
                return Err(Damage::ShortHeader { field: parse::HEADER[number] });
            };
            *value = parse::header(number, text)?;
        }
        Ok(values)
    }

    /// The next line that is not blank; `None` at the end.
    fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Option<&'b str>, Damage> {
        while self.read_line(buffer)? {
            if !buffer.trim_ascii().is_empty() {
                return text(buffer).map(Some);
            }
        }
        Ok(None)
    }

    /// Reads a line, end included. False if there is none.
    fn read_line(&mut self, buffer: &mut Vec<u8>) -> Result<bool, Damage> {
        buffer.clear();
        let mut limited = self.reader.by_ref().take(MAX_LINE as u64);
        let read = limited.read_until(b'\n', buffer).map_err(|error| self.failed(error))?;
        *self.line += usize::from(read > 0);
        if read == MAX_LINE && buffer.last() != Some(&b'\n') {
            return Err(Damage::LongLine { limit: MAX_LINE });
        }
        Ok(read > 0)
    }

    /// A gzip stream that is damaged or ends early looks like a failed read. What fails below it keeps its own name.
    fn failed(&self, error: io::Error) -> Damage {
        let damaged = matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
            || error.kind() == io::ErrorKind::UnexpectedEof;
        if self.gzip && damaged { Damage::Gzip(error) } else { Damage::Read(error) }
    }
}

fn text(line: &[u8]) -> Result<&str, Damage> {
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    match std::str::from_utf8(line) {
        Ok(text) if line.iter().all(is_text) => Ok(text),
        _ => Err(Damage::Binary),
    }
}
