//! Shows that the `no_std` crates really need no `std`: this program has none, and a second panic handler would not
//! link. It runs one heap of each kind over a static buffer and returns 0 if they work.
#![no_std]
#![no_main]

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use snugfit_bins::BinsIndex;
use snugfit_heap::Heap;
use snugfit_index::FreeIndex;
use snugfit_list::ListIndex;
use snugfit_source::{Fallback, Fixed, Limited, Mapped};
use snugfit_tag::{Compact, Format, Key, Mirrored};
use snugfit_tree::TreeIndex;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::abort() }
}

const PAGE: usize = 4096;

#[repr(align(4096))]
struct Buffer(UnsafeCell<[MaybeUninit<u8>; 16 * PAGE]>);

// SAFETY: the program has one thread.
unsafe impl Sync for Buffer {}

static BUFFERS: [Buffer; 3] =
    [const { Buffer(UnsafeCell::new([const { MaybeUninit::uninit() }; 16 * PAGE])) }; 3];

fn works<I: FreeIndex, F: Format>(buffer: &'static Buffer) -> bool {
    let start = NonNull::from(&buffer.0).cast::<u8>();
    // SAFETY: each buffer is used once.
    let fixed = unsafe { Fixed::from_raw(start, 16 * PAGE) }.with_granularity(PAGE);
    let source = Fallback::new(fixed, Limited::new(Mapped::new(), 1 << 20));
    let mut heap: Heap<_, I, F> = Heap::new(source, Key::new(3, 5));
    let mut payloads = [None; 100];
    for (n, payload) in payloads.iter_mut().enumerate() {
        *payload = heap.allocate(n * 37);
    }
    let served = payloads.iter().all(Option::is_some);
    // SAFETY: the payloads are live, and not used.
    let freed = payloads.into_iter().flatten().all(|payload| unsafe { heap.deallocate(payload) }.is_ok());
    served && freed && heap.validate().is_ok()
}

#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    let all = works::<BinsIndex, Compact>(&BUFFERS[0])
        && works::<TreeIndex, Mirrored>(&BUFFERS[1])
        && works::<ListIndex, Compact>(&BUFFERS[2]);
    c_int::from(!all)
}
