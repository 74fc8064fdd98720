//! One line of a trace.

use crate::Op;
use crate::damage::Damage;

/// What the four header lines state, in order.
pub(crate) const HEADER: [&str; 4] =
    ["suggested heap size", "number of ids", "number of operations", "weight"];

/// Parses header line `number` (from 0).
pub(crate) fn header(number: usize, line: &str) -> Result<u64, Damage> {
    let value = unsigned(line.trim(), u64::MAX);
    value.ok_or_else(|| Damage::Header { field: HEADER[number], found: line.trim().to_owned() })
}

/// Parses an operation.
pub(crate) fn operation(line: &str) -> Result<Op, Damage> {
    let mut fields = Fields(line.split_ascii_whitespace());
    let letter = fields.0.next().unwrap_or_default();
    let op = match letter {
        "a" => Op::Allocate { id: fields.id()?, size: fields.size()? },
        "c" => Op::AllocateZeroed { id: fields.id()?, count: fields.number("count")?, size: fields.size()? },
        "m" => {
            Op::AllocateAligned { id: fields.id()?, size: fields.size()?, align: fields.number("alignment")? }
        }
        "r" => Op::Resize { id: fields.id()?, size: fields.size()? },
        "f" => Op::Free { id: fields.id()? },
        _ => return Err(Damage::UnknownOperation { found: letter.to_owned() }),
    };
    match fields.0.next() {
        Some(found) => Err(Damage::ExtraField { found: found.to_owned() }),
        None => Ok(op),
    }
}

/// The fields of a line, from left to right.
struct Fields<'a>(std::str::SplitAsciiWhitespace<'a>);

impl Fields<'_> {
    fn id(&mut self) -> Result<u32, Damage> {
        // The cast loses nothing: the limit is what the type holds.
        self.limited("id", u32::MAX.into()).map(|id| id as u32)
    }

    fn size(&mut self) -> Result<usize, Damage> {
        self.number("size")
    }

    fn number(&mut self, field: &'static str) -> Result<usize, Damage> {
        self.limited(field, isize::MAX as u64).map(|number| number as usize)
    }

    fn limited(&mut self, field: &'static str, max: u64) -> Result<u64, Damage> {
        let text = self.0.next().ok_or(Damage::MissingField { field })?;
        unsigned(text, max).ok_or_else(|| Damage::NotANumber { field, max, found: text.to_owned() })
    }
}

/// Digits and nothing else: the standard parser would also take a plus sign.
fn unsigned(text: &str, max: u64) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&number| digits && number <= max)
}
