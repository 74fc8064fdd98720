//! What an index can find wrong with itself.

use core::error::Error;
use core::fmt;

use snugfit_tag::Block;

/// The rules an index checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Links forward and back agree.
    Linked,
    /// Every block lies where its size belongs.
    Ordered,
    /// The tree is as balanced as its kind promises.
    Balanced,
    /// A bit is set exactly if its bin holds a block.
    Mapped,
}

/// A rule broken by an index, and where that was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexViolation {
    /// The rule.
    pub rule: Rule,
    /// The address of the block's header, if there is a block to name. (An address, because a block is more than that:
    /// who holds one may write to it.)
    pub address: Option<usize>,
}

impl IndexViolation {
    /// Fails with `rule` at `block` unless `holds`.
    ///
    /// # Errors
    /// If `holds` is false.
    pub fn unless(holds: bool, rule: Rule, block: Option<Block>) -> Result<(), Self> {
        if holds { Ok(()) } else { Err(Self { rule, address: block.map(Block::address) }) }
    }
}

impl fmt::Display for IndexViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.rule {
            Rule::Linked => "links forward and back disagree",
            Rule::Ordered => "a block lies where its size does not belong",
            Rule::Balanced => "the tree is out of balance",
            Rule::Mapped => "a bin and its bit disagree",
        })?;
        match self.address {
            Some(address) => write!(f, ", at the block {address:#x}"),
            None => Ok(()),
        }
    }
}

impl Error for IndexViolation {}
