//! The null object.

use core::ops::Range;

use crate::{Bounded, Extent, Source};

/// The source that has nothing: every growth is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct Empty;

// SAFETY: hands out no extents, so what is promised of them holds.
unsafe impl Source for Empty {
    const ZEROED: bool = true;

    #[inline]
    fn granularity(&self) -> usize {
        16
    }

    #[inline]
    fn may_own(&self, _address: usize) -> bool {
        false
    }

    #[inline]
    fn grow(&mut self, _size: usize) -> Option<Extent> {
        None
    }
}

// SAFETY: nothing is held, and nothing lies within empty bounds.
unsafe impl Bounded for Empty {
    #[inline]
    fn bounds(&self) -> Range<usize> {
        0..0
    }
}
