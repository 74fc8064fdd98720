//! A magazine: an array of blocks.

use core::ptr::{NonNull, null_mut};

/// A place for one block; null where none was ever.
pub(crate) type Slot = *mut u8;

/// What a magazine begins with.
#[repr(C)]
pub(crate) struct Head {
    /// The next one of a list.
    next: Option<Magazine>,
    /// Blocks in it, while it is in no [`Bin`](crate::bin::Bin), which counts by itself.
    count: usize,
    /// The slot before the first one. It holds no block, ever: who takes from an empty magazine finds null.
    bottom: Slot,
}

// SAFETY: an empty magazine without a slot is never written to.
unsafe impl Sync for Head {}

/// The magazine of who has none: empty and full.
pub(crate) static NONE: Head = Head { next: None, count: 0, bottom: null_mut() };

/// A pointer to a magazine: a head, and slots behind it. The magazine belongs to who holds the pointer.
///
/// ```text
///   | next | count | null | block | block | ... | - | - |
///                           slots ▲               ▲ top
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Magazine(NonNull<Head>);

impl Magazine {
    /// The one magazine that holds nothing and has room for nothing.
    pub(crate) const NONE: Self = Self(NonNull::from_ref(&NONE));

    /// Blocks that any other can hold.
    pub(crate) const CAPACITY: usize = 64;

    /// Bytes of one.
    pub(crate) const BYTES: usize = size_of::<Head>() + Self::CAPACITY * size_of::<Slot>();

    /// Makes `memory` an empty magazine.
    ///
    /// # Safety
    /// - It has [`BYTES`](Self::BYTES), is aligned to 8, and the caller's to give.
    pub(crate) unsafe fn make(memory: NonNull<u8>) -> Self {
        let head = memory.cast::<Head>();
        // SAFETY: the caller vouches for the memory.
        unsafe { head.write(Head { next: None, count: 0, bottom: null_mut() }) };
        Self(head)
    }

    /// What [`make`](Self::make) made it of.
    pub(crate) fn memory(self) -> NonNull<u8> {
        self.0.cast()
    }

    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    pub(crate) fn count(self) -> usize {
        // SAFETY: a magazine is valid for as long as it is somebody's.
        unsafe { (*self.0.as_ptr()).count }
    }

    /// Only of one that can hold something.
    pub(crate) fn set_count(self, count: usize) {
        debug_assert!(!self.is_none() && count <= Self::CAPACITY);
        // SAFETY: as in `count`.
        unsafe { (*self.0.as_ptr()).count = count };
    }

    pub(crate) fn next(self) -> Option<Self> {
        // SAFETY: as in `count`.
        unsafe { (*self.0.as_ptr()).next }
    }

    /// Only of one that can hold something.
    pub(crate) fn set_next(self, next: Option<Self>) {
        debug_assert!(!self.is_none());
        // SAFETY: as in `count`.
        unsafe { (*self.0.as_ptr()).next = next };
    }

    /// The first slot; for [`NONE`](Self::NONE), where it would be.
    pub(crate) const fn slots(self) -> *mut Slot {
        self.0.as_ptr().cast::<u8>().wrapping_add(size_of::<Head>()).cast()
    }

    /// The blocks in the first `count` slots.
    ///
    /// # Safety
    /// - They have been written, with blocks.
    pub(crate) unsafe fn first(self, count: usize) -> impl Iterator<Item = NonNull<u8>> {
        // SAFETY: the caller vouches for the slots.
        (0..count).map(move |at| unsafe { NonNull::new_unchecked(self.slots().add(at).read()) })
    }

    /// The blocks in it, while it is in no bin.
    pub(crate) fn blocks(self) -> impl Iterator<Item = NonNull<u8>> {
        // SAFETY: what is counted has been written.
        unsafe { self.first(self.count()) }
    }

    /// Visits the blocks in it, while it is in no bin, and its own memory.
    pub(crate) fn visit(self, visit: &mut impl FnMut(NonNull<u8>)) {
        self.blocks().for_each(&mut *visit);
        visit(self.memory());
    }
}
