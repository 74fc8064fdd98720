//! What is known of a wrong pointer when the process ends because of it.

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering::Relaxed};

use snugfit_heap::BadPointer;
use snugfit_tag::State as BlockState;

use crate::sweep::Violation;

/// Why the process ends. Its `Display` is the line that it ends with, after the library's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding<'a> {
    /// A function was given a wrong pointer.
    Pointer(WrongPointer<'a>),
    /// Somebody has written to a block that is not in use. The call that came across it has done nothing wrong.
    Freed(Damage),
    /// A check of the whole allocator has found this.
    Violation {
        /// Which check it was: `check` of [every so many calls](crate::check_every); or what who asked for it
        /// [says](crate::abort_with_violation).
        check: &'a str,
        /// The first that it has found.
        violation: Violation,
    },
    /// A signal handler allocates or frees while the thread that it interrupted does.
    EnteredAgain,
}

/// A wrong pointer: who was given it, what is wrong with it, and which block it has to do with.
///
/// ```text
/// mem_free(0x55d0c1a2b310): double free; the 72-byte block at 0x55d0c1a2b310 lies in a cache
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrongPointer<'a> {
    /// The function that was called, by the name under which it is offered.
    pub function: &'a str,
    /// The pointer that it was given, as an address.
    pub pointer: usize,
    /// What is wrong.
    pub bad: BadPointer,
    /// The block that contains the pointer. If its header was overwritten, the block before it: that one's owner may have
    /// written past its end. `None` if there is none.
    pub block: Option<FoundBlock>,
}

/// A block that is not in use, to which somebody has written.
///
/// ```text
/// the freed block at 0x55d0c1a2b310: written after free: byte 12 of 120
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// Where its payload starts.
    pub block: usize,
    /// What was overwritten.
    pub what: Overwritten,
}

/// What of a block that is not in use was overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overwritten {
    /// Its header, or the one behind it.
    Header,
    /// Its footer, or the one before it.
    Footer,
    /// What the allocator has noted in it: which other blocks are free.
    Link,
    /// What it was filled with when it was freed.
    Fill {
        /// The first byte that has changed, counted from the start of the block.
        offset: usize,
        /// The bytes of the block.
        len: usize,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the freed block at {:#x}: ", self.block)?;
        match self.what {
            Overwritten::Header => BadPointer::HeaderOverwritten.fmt(f),
            Overwritten::Footer => BadPointer::FooterOverwritten.fmt(f),
            Overwritten::Link => f.write_str("link overwritten"),
            Overwritten::Fill { offset, len } => write!(f, "written after free: byte {offset} of {len}"),
        }
    }
}

/// The block that a [`WrongPointer`] has to do with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundBlock {
    /// Where its payload starts.
    pub start: usize,
    /// Its payload bytes.
    pub usable_size: usize,
    /// Whether it is in use, in a cache, or free.
    pub state: BlockState,
}

impl FoundBlock {
    /// What a heap knows of a block that is one.
    pub(crate) fn of(info: snugfit_heap::BlockInfo) -> Option<Self> {
        let start = info.payload.addr().get();
        info.state.map(|state| Self { start, usable_size: info.usable_size, state })
    }

    /// What is said of it after what is wrong; nothing if that says it already.
    fn clause(self, bad: BadPointer, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start, usable_size, state } = self;
        match (bad, state) {
            (BadPointer::Interior { .. }, _) => Ok(()),
            (BadPointer::HeaderOverwritten, _) => {
                write!(f, "; before it lies the {usable_size}-byte block at {start:#x}")
            }
            (_, BlockState::Live) => write!(f, "; the {usable_size}-byte block at {start:#x} is in use"),
            (_, BlockState::Cached) => {
                write!(f, "; the {usable_size}-byte block at {start:#x} lies in a cache")
            }
            (_, BlockState::Free) => {
                write!(f, "; it lies in {usable_size} free bytes of the heap at {start:#x}")
            }
        }
    }
}

impl fmt::Display for WrongPointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:#x}): {}", self.function, self.pointer, self.bad)?;
        self.block.map_or(Ok(()), |block| block.clause(self.bad, f))
    }
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pointer(wrong) => wrong.fmt(f),
            Self::Freed(damage) => damage.fmt(f),
            Self::Violation { check, violation } => write!(f, "{check}: {violation}"),
            Self::EnteredAgain => f.write_str(
                "a signal handler allocates or frees memory while the thread that it interrupted does: \
                 malloc is not async-signal-safe",
            ),
        }
    }
}

/// A function to be called with what was found, before the process ends.
pub type Hook = fn(&Finding<'_>);

/// The hook, as a pointer; null if there is none.
static HOOK: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

/// Whether it is running: what it does wrong itself is reported without it.
static RUNNING: AtomicBool = AtomicBool::new(false);

/// Has `hook` called with each [`Finding`], when its line was printed and before the process aborts; in place of the one before.
///
/// It runs on the thread that came across it, once at most, and may end the process by itself. It may allocate and free: of a
/// [`WrongPointer`] no lock is held. What was overwritten is often found in the middle of something: then the hook may come
/// across it again, which ends the process with another line. It must not unwind: an unwinding hook ends the process.
///
/// ```
/// snugfit::set_hook(|finding| eprintln!("lost: {finding}"));
/// ```
pub fn set_hook(hook: Hook) {
    HOOK.store(hook as *mut (), Relaxed);
}

/// Calls the hook, if there is one and it is not running.
pub(crate) fn call_hook(finding: &Finding<'_>) {
    let hook = HOOK.load(Relaxed);
    if hook.is_null() || RUNNING.swap(true, Relaxed) {
        return;
    }
    // SAFETY: it was made of one.
    let hook: Hook = unsafe { core::mem::transmute(hook) };
    let guard = EndIfUnwinding;
    hook(finding);
    core::mem::forget(guard);
}

/// Who calls `free` is not prepared for anything to unwind from there.
struct EndIfUnwinding;

impl Drop for EndIfUnwinding {
    fn drop(&mut self) {
        // SAFETY: may be called at any time.
        unsafe { libc::abort() };
    }
}
