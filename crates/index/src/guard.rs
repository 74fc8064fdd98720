//! What an index asks before it follows a link.
//!
//! Links lie in free memory, and a program that writes to what it has freed writes over them. An index that believes such a
//! link reads and writes wherever it leads. So no link is followed before a [`Guard`] was asked where it leads, none is
//! written through unless the block there is a free one, and where two links must agree they are compared.

use core::fmt;

use snugfit_tag::{Block, HEADER, LINKS_CHECKED, Seal};

/// What of a free block was overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its header: it is not that of a free block of this size.
    Header,
    /// Its footer: it is not its size.
    Footer,
    /// One of its links, or the one that should lead to it.
    Link,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header overwritten",
            Self::Footer => "footer overwritten",
            Self::Link => "link overwritten",
        })
    }
}

/// Where links may lead, and what happens when one leads elsewhere. A type and no value, so that an allocator that knows
/// its memory has the test inlined, and an index needs no room for it.
pub trait Guard: Copy + Default + Eq + fmt::Debug + Send + Sync + 'static {
    /// Whether `block`, which may be anything, can be a block: aligned like one, and its header and the two words behind it
    /// can be read.
    fn may_follow(block: Block) -> bool;

    /// A test that fewer blocks pass, and is cheaper: where most are. Those that do not are asked
    /// [`may_follow`](Self::may_follow), out of line.
    #[inline(always)]
    fn is_near(block: Block) -> bool {
        Self::may_follow(block)
    }

    /// Something has written to the free block whose header is at the address `block`. What the index was about to do is half
    /// done.
    fn broken(block: usize, part: Part) -> !;
}

/// For whoever does not know where its memory is: follows what could be an address, and panics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plausible;

impl Guard for Plausible {
    /// One comparison: the bits below the granule become the highest ones, so those of what is not aligned are too large.
    #[inline(always)]
    fn may_follow(block: Block) -> bool {
        const LOWEST: usize = 64 << 10;
        const HIGHEST: usize = 1 << 47;
        block.payload().addr().get().wrapping_sub(LOWEST).rotate_right(4) < (HIGHEST - LOWEST) >> 4
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    fn broken(block: usize, part: Part) -> ! {
        panic!("{part}: in the free block at {:#x}", block + HEADER)
    }
}

/// Ends with [`Guard::broken`] unless `holds`.
#[inline(always)]
pub fn require<G: Guard>(holds: bool, block: Block, part: Part) {
    if LINKS_CHECKED && !holds {
        G::broken(block.address(), part);
    }
}

/// What link `number` of `block` leads to, if the guard lets it pass. It need not be free.
///
/// # Safety
/// - As for [`Block::link`].
#[inline(always)]
pub unsafe fn peek<G: Guard>(block: Block, number: usize) -> Option<Block> {
    // SAFETY: the caller vouches for the word.
    let to = unsafe { block.link(number) }?;
    require::<G>(G::may_follow(to), block, Part::Link);
    Some(to)
}

/// The free block that link `number` of `block` leads to.
///
/// # Safety
/// - As for [`Block::link`].
#[inline(always)]
pub unsafe fn follow<G: Guard>(block: Block, number: usize) -> Option<Block> {
    // SAFETY: the caller vouches for the word.
    let to = unsafe { peek::<G>(block, number) }?;
    require::<G>(to.seal() == Seal::FREE, block, Part::Link);
    Some(to)
}

/// The block that link `number` of `block` leads to, and whose link `back` leads here again.
///
/// # Safety
/// - As for [`Block::link`]; `back` is 0 or 1, or the block is one whose link `back` is readable wherever it lies.
#[inline(always)]
pub unsafe fn follow_mutual<G: Guard>(block: Block, number: usize, back: usize) -> Option<Block> {
    // SAFETY: the caller vouches for the word; what the guard lets pass has two that are readable.
    unsafe {
        let to = peek::<G>(block, number)?;
        require::<G>(to.link(back) == Some(block), block, Part::Link);
        Some(to)
    }
}

/// [`follow_mutual`] of a link that always leads somewhere.
///
/// # Safety
/// - As for [`follow_mutual`].
#[inline(always)]
pub unsafe fn mutual<G: Guard>(block: Block, number: usize, back: usize) -> Block {
    // SAFETY: the caller vouches for the words.
    match unsafe { follow_mutual::<G>(block, number, back) } {
        Some(to) => to,
        None => G::broken(block.address(), Part::Link),
    }
}

#[cfg(test)]
mod tests {
    use core::ptr::{NonNull, without_provenance_mut};

    use super::*;

    #[test]
    fn what_is_no_address_of_a_block_is_not_followed() {
        let may_follow = |address: usize| {
            let pointer = NonNull::new(without_provenance_mut(address)).expect("not null");
            // SAFETY: the header is not read.
            Plausible::may_follow(unsafe { Block::from_header(pointer) })
        };
        for address in [0x5555_5555_5008, 0x7FFF_FFFF_FFE8, 0x10008] {
            assert!(may_follow(address), "{address:#x}");
            for off in [1, 2, 4, 8] {
                assert!(!may_follow(address + off), "{address:#x} + {off}");
            }
        }
        for address in [8, 0x1008, 0xFFE8, 1 << 47 | 8, usize::MAX - 7, 0xF4EE_5EA1_0000_0008] {
            assert!(!may_follow(address), "{address:#x}");
        }
    }
}
