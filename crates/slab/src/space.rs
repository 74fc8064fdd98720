//! Where all slabs are.

#[cfg(test)]
mod tests;

use core::ptr::{self, NonNull, null_mut};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicPtr, AtomicUsize};

use snugfit_source::{Extent, os};
use snugfit_tag::prefetch;

use crate::Owner;

use crate::class::Class;
use crate::mail::{Put, Returns};
use crate::owned::Noted;
use crate::slab::{SLAB, Slab};

/// The addresses of all slabs, and what is known of each.
///
/// ```text
///   | returns of slab 0, 1, ...  | what is known of slab 0, 1, ... | slab 0, unused | slab 1 | ...
///   ◀────────── 1 GiB ──────────▶◀──────────── 1 GiB ────────────▶ start
///                                                                  ◀─────── len ───────▶
/// ```
///
/// Each part is mapped from its start on, as it is needed; it never moves, nor shrinks. Nothing is set aside: so what a program may map
/// at all (`RLIMIT_AS`) is used up by what it has. That the parts lie so far apart, however many slabs there are, makes what is known of a
/// slab as easy to find as its number.
#[derive(Debug)]
pub struct Space {
    /// Null before there is any.
    start: AtomicPtr<u8>,
    /// Bytes of slabs that are mapped.
    len: AtomicUsize,
}

/// The most slabs that there can be, in bytes.
pub const MOST: usize = 64 << 30;

/// The bytes of what is known of all slabs, or of all returns; for the processor a small number.
const BESIDE: usize = MOST / SLAB * size_of::<Slab>();

/// The number of a slab: not 0, and less than 2^28.
pub type Number = u32;

/// Where a pointer into the space points to.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub(crate) slab: &'a Slab,
    /// From the start of the space, in bytes.
    distance: usize,
}

impl Place<'_> {
    /// From the start of the slab, in bytes.
    #[inline(always)]
    pub(crate) fn offset(self) -> u32 {
        (self.distance % SLAB) as u32
    }

    pub(crate) fn number(self) -> Number {
        (self.distance / SLAB) as Number
    }

    /// Whether it is in a slab of `owner`.
    #[inline(always)]
    #[must_use]
    pub fn is_of(self, owner: *const Owner) -> bool {
        ptr::eq(self.slab.owned.owner(), owner)
    }

    /// Whether it is in a slab of blocks of `class`.
    #[inline(always)]
    #[must_use]
    pub fn has_class(self, class: Class) -> bool {
        self.slab.class_number() == class.number() as u8
    }
}

/// What is wrong with a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// No block starts there.
    NoBlock,
    /// A block starts there, and is free.
    Free,
}

/// A block that an address lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it starts.
    pub start: usize,
    /// Its bytes.
    pub size: usize,
    /// Whether it is in use.
    pub is_live: bool,
}

/// What is known of the slab that lies `distance` bytes behind the start of the space, or includes that byte.
///
/// # Safety
/// - The space is open, and has that slab.
#[inline(always)]
unsafe fn beside(start: *mut u8, distance: usize) -> *mut u8 {
    // Its number times the size, in two steps in place of three.
    let offset = distance >> (SLAB / size_of::<Slab>()).ilog2() & !(size_of::<Slab>() - 1);
    // SAFETY: the caller vouches for both; what is known of slabs begins so far before the start.
    unsafe { start.byte_sub(BESIDE).byte_add(offset) }
}

const _: () = assert!(size_of::<Slab>() == size_of::<Returns>());

impl Default for Space {
    fn default() -> Self {
        Self::new()
    }
}

impl Space {
    /// No addresses yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { start: AtomicPtr::new(null_mut()), len: AtomicUsize::new(0) }
    }

    /// Finds addresses for `count` slabs. False if there are none, or they are too many. Once, by one thread.
    ///
    /// They are set aside to find out where, and then not: who maps something later gets addresses at the far end of them, as a rule.
    pub(crate) fn open(&self, count: usize) -> bool {
        if count * SLAB > MOST {
            return false;
        }
        let page = os::page_size().max(SLAB);
        // A page more for the first slab to start at a multiple of one.
        let Some(all) = os::reserve(2 * BESIDE + count * SLAB + page) else { return false };
        // SAFETY: it is fresh, and nobody uses it.
        if !unsafe { os::unmap(all) } {
            return false;
        }
        let all = all.tail(all.start.addr().get().wrapping_neg() % page);
        self.start.store(all.tail(2 * BESIDE).start.as_ptr(), Release);
        true
    }

    /// Maps the slabs from number `from` to before number `to`, and what is known of them. False, with nothing changed, if the system refuses,
    /// or there is something else. By one thread at a time.
    ///
    /// # Safety
    /// - There are addresses for so many, and those before `from` are mapped.
    pub(crate) unsafe fn commit(&self, from: usize, to: usize) -> bool {
        let Some(start) = NonNull::new(self.start.load(Relaxed)) else { return false };
        let page = os::page_size();
        let more = |part: NonNull<u8>, size: usize| {
            let [done, end] = [from, to].map(|count| (count * size).next_multiple_of(page));
            Extent { start: part, len: end }.tail(done)
        };
        // SAFETY: so far before the start the space begins.
        let (slabs, returns) = unsafe { (start.byte_sub(BESIDE), start.byte_sub(2 * BESIDE)) };
        let parts = [more(returns, size_of::<Returns>()), more(slabs, size_of::<Slab>()), more(start, SLAB)];
        for (at, &part) in parts.iter().enumerate() {
            if part.len > 0 && !os::map_at(part) {
                for &mapped in parts.iter().take(at).filter(|part| part.len > 0) {
                    // SAFETY: it was mapped just now, and nobody uses it. If that is refused, no more slabs can be mapped.
                    let _ = unsafe { os::unmap(mapped) };
                }
                return false;
            }
        }
        // Release: who sees the length sees that they are mapped.
        self.len.store(to * SLAB, Release);
        true
    }

    /// Gives the system what is known of the slabs from number `from` to before number `to`, as far as it lies in pages where nothing else does;
    /// nothing is known of what is behind, if `is_last`. It reads as of slabs that were never used. Returns how many bytes.
    ///
    /// # Safety
    /// - They are mapped, and nobody's.
    pub(crate) unsafe fn purge_records(&self, from: Number, to: Number, is_last: bool) -> usize {
        let Some(start) = NonNull::new(self.start.load(Relaxed)) else { return 0 };
        let page = os::page_size();
        let from = (from as usize * size_of::<Slab>()).next_multiple_of(page);
        let to = to as usize * size_of::<Slab>();
        let to = if is_last { to.next_multiple_of(page) } else { to - to % page };
        if from >= to {
            return 0;
        }
        let purged = [BESIDE, 2 * BESIDE].map(|before| {
            // SAFETY: so far before the start they begin; the caller vouches for the rest.
            let is_purged =
                unsafe { os::purge(Extent { start: start.byte_sub(before), len: to }.tail(from)) };
            if is_purged { to - from } else { 0 }
        });
        purged[0]
    }

    /// Where `pointer` points to, if that is a slab: one that is used, or was, or will be.
    #[inline(always)]
    pub fn find(&self, pointer: *const u8) -> Option<Place<'_>> {
        let start = self.start.load(Relaxed);
        let distance = pointer.addr().wrapping_sub(start.addr());
        if distance >= self.len.load(Relaxed) {
            return None;
        }
        // SAFETY: slabs below the length are mapped, and so is what is known of them.
        let slab = unsafe { &*beside(start, distance).cast::<Slab>() };
        Some(Place { slab, distance })
    }

    /// How many slabs are mapped, that of number 0 included.
    pub(crate) fn count(&self) -> Number {
        (self.len.load(Acquire) / SLAB) as Number
    }

    /// # Safety
    /// - The slab is mapped.
    #[inline(always)]
    pub(crate) unsafe fn slab(&self, number: Number) -> &Slab {
        // SAFETY: the caller vouches for the slab; what is zero is a slab that was never used.
        unsafe { &*beside(self.start.load(Relaxed), number as usize * SLAB).cast() }
    }

    /// # Safety
    /// - The slab is mapped.
    #[inline]
    pub(crate) unsafe fn returns(&self, number: Number) -> &Returns {
        // SAFETY: the caller vouches for the slab; what is zero is a slab to which nothing was returned.
        unsafe { &*beside(self.start.load(Relaxed), number as usize * SLAB).byte_sub(BESIDE).cast() }
    }

    /// Fetches what is known of a slab ahead.
    pub(crate) fn fetch(&self, number: Number) {
        let start = self.start.load(Relaxed);
        // SAFETY: the slab was used.
        let slab = unsafe { beside(start, number as usize * SLAB) };
        prefetch(slab);
        prefetch(slab.wrapping_byte_sub(BESIDE));
    }

    /// The slab itself.
    #[inline]
    pub(crate) fn memory(&self, number: Number) -> Extent {
        // SAFETY: a slab has a number only after the space is open.
        let start = unsafe { NonNull::new_unchecked(self.start.load(Relaxed)) };
        Extent { start, len: (number as usize + 1) * SLAB }.tail(number as usize * SLAB)
    }

    /// The block that `address` lies in, live or free. `None` if it lies in none.
    #[must_use]
    pub fn block_around(&self, address: usize) -> Option<Found> {
        let place = self.find(ptr::without_provenance(address))?;
        let class = place.slab.class()?;
        let index = (place.offset() as usize).checked_div(class.size())?;
        if index >= class.count() {
            return None;
        }
        let start = address - place.offset() as usize + index * class.size();
        let is_live = !self.is_free(place.number(), place.slab, index);
        Some(Found { start, size: class.size(), is_live })
    }

    /// Whether a block is free, or on its way to its owner.
    pub(crate) fn is_free(&self, number: Number, slab: &Slab, index: usize) -> bool {
        let (word, bit) = (index / 64, 1 << (index % 64));
        // SAFETY: the slab is mapped.
        let returns = unsafe { self.returns(number) };
        (slab.free(word) | returns.bits(word)) & bit != 0 || slab.owned.notes().block() == Some(index)
    }

    /// Whether nothing of a slab is in use, nor on its way to its owner. (What is free and on its way as well was freed twice, which its
    /// owner is to find out.)
    pub(crate) fn is_unused(&self, number: Number, slab: &Slab) -> bool {
        // SAFETY: the slab is mapped.
        slab.is_all_free()
            && slab.owned.notes().block().is_none()
            && unsafe { self.returns(number) }.is_empty()
    }

    /// The class of the live block that starts at `place`.
    ///
    /// # Errors
    /// If none starts there, or it is free.
    pub fn live(&self, place: Place<'_>) -> Result<Class, Wrong> {
        let index = place.slab.index(place.offset()).ok_or(Wrong::NoBlock)?;
        let class = place.slab.class().ok_or(Wrong::NoBlock)?;
        if self.is_free(place.number(), place.slab, index as usize) {
            return Err(Wrong::Free);
        }
        Ok(class)
    }

    /// Gives a block back to whoever owns it. One atomic operation, and now and then others.
    ///
    /// # Errors
    /// If it is no live block; nothing is changed.
    ///
    /// # Safety
    /// - If it is a live block, nobody uses it any more.
    #[inline]
    pub unsafe fn give_to_owner(&self, place: Place<'_>) -> Result<(), Wrong> {
        let index = place.slab.index(place.offset()).ok_or(Wrong::NoBlock)?;
        let (word, bit) = (index as usize / 64, 1 << (index % 64));
        if place.slab.free(word) & bit != 0 {
            return Err(Wrong::Free);
        }
        // SAFETY: the slab is mapped.
        let returns = unsafe { self.returns(place.number()) };
        match place.slab.owned.note_block(index as usize) {
            Noted::Twice => return Err(Wrong::Free),
            Noted::Yes => {
                if returns.enter_mail() {
                    self.post(place.number(), place.slab, returns);
                }
                return Ok(());
            }
            Noted::No => {}
        }
        match returns.put(word, bit) {
            Put::Twice => return Err(Wrong::Free),
            Put::First => {
                place.slab.owned.note_returned();
                self.post(place.number(), place.slab, returns);
            }
            Put::Added => place.slab.owned.note_returned(),
        }
        Ok(())
    }

    /// Puts a slab into the owner's mail, for who [is to](Returns::enter_mail).
    ///
    /// Since he has set his bit, the owner may have taken the block, and given up the slab. If nobody has it, it is in no mail; but somebody
    /// else may have it by then, and others rely on its being there.
    #[inline(never)]
    pub(crate) fn post(&self, number: Number, slab: &Slab, returns: &Returns) {
        loop {
            // SAFETY: owners live for ever.
            if let Some(owner) = unsafe { slab.owned.owner().as_ref() } {
                return owner.mail.post(number, returns);
            }
            returns.leave_mail();
            let is_any = returns.has_bits() || slab.owned.notes().block().is_some();
            if !is_any || !returns.enter_mail() {
                return;
            }
        }
    }
}
