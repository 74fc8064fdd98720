//! Two sources in a row.

use crate::{Bounded, Extent, Source};

/// Grows from `A` and, when that refuses, from `B`. What is given back goes to the source it came from.
///
/// `Fallback<Sbrk, Mapped>` is the memory of a process-wide heap: the program break for as long as it can be moved
/// safely, mappings after that. Longer rows nest in the second place.
///
/// The granularity is the larger of the two. A source with a smaller one cannot keep to it and is never asked for
/// memory: give both the same, see [`Fixed::with_granularity`](crate::Fixed::with_granularity).
///
/// An extent of one source may come to touch one of the other, and whoever uses the two as one gives them back
/// together. They are then taken apart, at the bounds of `A`, and given back piece by piece from the top. If the first
/// piece is refused, all is; if a later one is, it stays with its source for good, though nobody will use it: a leak,
/// but then the kernel places a mapping next to the program break only when it has hardly any other place left.
///
/// ```
/// use snugfit_source::{Bounded, Fallback, Mapped, Sbrk, Source};
///
/// let mut source = Fallback::new(Sbrk::shared(), Mapped::new());
/// std::thread::spawn(|| ()).join().unwrap();
/// let extent = source.grow(1 << 20).expect("there is memory");
/// assert!(!source.first().contains(extent.start.addr().get()), "with a second thread, the break stays where it is");
/// ```
#[derive(Debug, Default)]
pub struct Fallback<A, B> {
    first: A,
    second: B,
}

impl<A: Bounded, B: Source> Fallback<A, B> {
    /// `first`, with `second` behind it.
    #[must_use]
    pub const fn new(first: A, second: B) -> Self {
        Self { first, second }
    }

    /// The source that is asked first.
    pub const fn first(&self) -> &A {
        &self.first
    }

    /// The source that is asked when the first refuses.
    pub const fn second(&self) -> &B {
        &self.second
    }

    /// The parts of `extent` above, within and below the bounds of the first source. Any may be empty.
    fn parts(&self, extent: Extent) -> [(Owner, Extent); 3] {
        let start = extent.start.addr().get();
        let bounds = self.first.bounds();
        // `clamp` would make sure that its bounds are in order, and panic if not.
        let low = bounds.start.max(start).min(extent.end());
        let high = bounds.end.max(low).min(extent.end());
        let within = extent.head(high - start).tail(low - start);
        [
            (Owner::Second, extent.tail(high - start)),
            (Owner::First, within),
            (Owner::Second, extent.head(low - start)),
        ]
    }

    /// Gives the parts of `extent` back, from the top, with `to_first` and `to_second`.
    fn give_back(
        &mut self,
        extent: Extent,
        to_first: impl Fn(&mut A, Extent) -> bool,
        to_second: impl Fn(&mut B, Extent) -> bool,
    ) -> bool {
        let mut parts = self.parts(extent).into_iter().filter(|(_, part)| part.len > 0);
        let mut give = |(owner, part)| match owner {
            Owner::First => to_first(&mut self.first, part),
            Owner::Second => to_second(&mut self.second, part),
        };
        let taken = parts.next().is_some_and(&mut give);
        if taken {
            parts.for_each(|part| {
                give(part);
            });
        }
        taken
    }
}

/// Which of the two an extent came from.
#[derive(Clone, Copy, Debug)]
enum Owner {
    First,
    Second,
}

// SAFETY: every extent comes from one of two sources, which keep the promises; that those of one do not overlap those
// of the other follows, as each is used by nobody else. `grow` asks only sources of this granularity. Extents of both
// that touch are taken apart before they are given back, each part to its own source by the promise of `Bounded`.
unsafe impl<A: Bounded, B: Source> Source for Fallback<A, B> {
    const ZEROED: bool = A::ZEROED && B::ZEROED;
    const SHRINKS: bool = A::SHRINKS || B::SHRINKS;
    const RELEASES: bool = A::RELEASES || B::RELEASES;
    const PURGES: bool = A::PURGES || B::PURGES;

    fn granularity(&self) -> usize {
        self.first.granularity().max(self.second.granularity())
    }

    #[inline]
    fn may_own(&self, address: usize) -> bool {
        self.first.may_own(address) || self.second.may_own(address)
    }

    fn grow(&mut self, size: usize) -> Option<Extent> {
        let granularity = self.granularity();
        if self.first.granularity() == granularity
            && let Some(extent) = self.first.grow(size)
        {
            return Some(extent);
        }
        if self.second.granularity() == granularity { self.second.grow(size) } else { None }
    }

    unsafe fn shrink(&mut self, tail: Extent) -> bool {
        // SAFETY: each part ends extents of its source, as the caller vouches for the whole.
        self.give_back(tail, |a, part| unsafe { a.shrink(part) }, |b, part| unsafe { b.shrink(part) })
    }

    unsafe fn release(&mut self, extent: Extent) -> bool {
        // SAFETY: each part is all of one or more extents of its source, as the caller vouches for the whole.
        self.give_back(extent, |a, part| unsafe { a.release(part) }, |b, part| unsafe { b.release(part) })
    }

    unsafe fn purge(&mut self, extent: Extent) -> bool {
        let [above, within, below] = self.parts(extent).map(|(_, part)| part);
        // SAFETY: each part lies in extents of its source, as the caller vouches for the whole.
        let mut purge_second = |part: Extent| part.len > 0 && unsafe { self.second.purge(part) };
        let purged = purge_second(above) | purge_second(below);
        // SAFETY: as above.
        purged | (within.len > 0 && unsafe { self.first.purge(within) })
    }

    fn populate(&mut self, extent: Extent) -> bool {
        let [above, within, below] = self.parts(extent).map(|(_, part)| part);
        let mut populate_second = |part: Extent| part.len == 0 || self.second.populate(part);
        let populated = populate_second(above) & populate_second(below);
        populated & (within.len == 0 || self.first.populate(within))
    }
}

#[cfg(test)]
mod tests;
