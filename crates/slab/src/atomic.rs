//! The atomics that [`mail`](crate::mail) and [`owned`](crate::owned) use. Their model has others in this place, with which `loom` tries all that may happen.

pub(crate) use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64};

/// Whether it is not 0. All who [ask](is_set), write and read what lies beside it do so in one order (`SeqCst`), of which `loom` knows
/// nothing: in its model, this is an exchange.
#[inline(always)]
pub(crate) fn is_set(word: &AtomicU32) -> bool {
    word.load(core::sync::atomic::Ordering::SeqCst) != 0
}
