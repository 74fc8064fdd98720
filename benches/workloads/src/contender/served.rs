//! The allocators themselves, each set up as its documentation says a program should.

use std::alloc::System;
use std::ptr::null_mut;

use spinning_top::RawSpinlock;
use talc::TalcLock;
use talc::source::Manual;

use crate::allocator::Served;

/// Makes a static of an allocator, and a type that stands for it.
macro_rules! serve {
    ($name:ident, $type:ty, $allocator:expr) => {
        pub(super) struct $name;

        impl Served for $name {
            type Allocator = $type;

            #[inline]
            fn allocator() -> &'static $type {
                static ALLOCATOR: $type = $allocator;
                &ALLOCATOR
            }
        }
    };
}

serve!(Snugfit, snugfit::Snugfit, snugfit::Snugfit);
serve!(Dlmalloc, dlmalloc::GlobalDlmalloc, dlmalloc::GlobalDlmalloc);
serve!(Rlsf, rlsf::GlobalTlsf, rlsf::GlobalTlsf::new());
serve!(RustyAlloc, rusty_alloc_api::RustyAlloc, rusty_alloc_api::RustyAlloc);
serve!(Malloc, System, System);
#[cfg(feature = "native")]
serve!(Mimalloc, mimalloc::MiMalloc, mimalloc::MiMalloc);
#[cfg(feature = "native")]
serve!(Jemalloc, tikv_jemallocator::Jemalloc, tikv_jemallocator::Jemalloc);
#[cfg(feature = "native")]
serve!(Snmalloc, snmalloc_rs::SnMalloc, snmalloc_rs::SnMalloc);

/// `talc` maps nothing by itself: it is given address space at the start, more than any workload needs.
pub(super) struct Talc;

static TALC: TalcLock<RawSpinlock, Manual> = TalcLock::new(Manual);

const ROOM: usize = 64 << 30;

impl Served for Talc {
    type Allocator = TalcLock<RawSpinlock, Manual>;

    #[inline]
    fn allocator() -> &'static Self::Allocator {
        &TALC
    }

    fn prepare() {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, at an address that the system chooses.
        let room = unsafe { libc::mmap(null_mut(), ROOM, access, kind | libc::MAP_NORESERVE, -1, 0) };
        assert!(room != libc::MAP_FAILED, "{ROOM} bytes of address space can be had");
        // SAFETY: the mapping is used by nobody else, and for good.
        let claimed = unsafe { TALC.lock().claim(room.cast(), ROOM) };
        assert!(claimed.is_some(), "talc takes the room that it is given");
    }
}
