//! The atomics that [`mail`](crate::mail) uses. Its model has others in this place, with which `loom` tries all that may happen.

pub(crate) use core::sync::atomic::{AtomicU32, AtomicU64};
