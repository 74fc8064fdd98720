//! All indices give the same addresses: on every bundled trace, operation by operation.

use std::ptr::NonNull;

use snugfit_bins::BinsIndex;
use snugfit_heap::Heap;
use snugfit_index::FreeIndex;
use snugfit_list::ListIndex;
use snugfit_source::Mapped;
use snugfit_tag::Key;
use snugfit_trace::{Op, Trace, bundled};
use snugfit_tree::TreeIndex;

/// A key as good as any for a test.
const KEY: Key = Key::new(0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7344);

/// Replays `trace` and sums up where every payload lay: offsets from the first, in order.
fn fingerprint<I: FreeIndex>(trace: &Trace) -> u64 {
    let mut heap: Heap<Mapped, I> = Heap::new(Mapped::new(), KEY);
    let mut payloads: Vec<Option<NonNull<u8>>> = vec![None; trace.ids() as usize];
    let mut first = None;
    let mut sum = 0xCBF2_9CE4_8422_2325_u64;
    for &op in trace.ops() {
        let slot = &mut payloads[op.id() as usize];
        // SAFETY: the trace was checked: it frees and resizes only what is live.
        *slot = unsafe {
            match op {
                Op::Allocate { size, .. } => heap.allocate(size),
                Op::AllocateZeroed { count, size, .. } => heap.allocate_zeroed(count * size),
                Op::AllocateAligned { size, align, .. } => heap.allocate_aligned(size, align),
                Op::Resize { size, .. } => heap.resize(slot.expect("live"), size).ok(),
                Op::Free { .. } => {
                    assert_eq!(heap.deallocate(slot.expect("live")), Ok(()));
                    None
                }
            }
        };
        assert!(slot.is_some() || matches!(op, Op::Free { .. }), "out of memory");
        if let Some(payload) = *slot {
            let offset = payload.addr().get().wrapping_sub(*first.get_or_insert(payload.addr().get()));
            sum = (sum ^ offset as u64).wrapping_mul(0x0100_0000_01B3);
        }
    }
    assert_eq!(heap.validate(), Ok(()));
    // SAFETY: no payload is used any more.
    unsafe { heap.release() };
    sum
}

#[test]
fn all_indices_give_the_same_addresses() {
    for bundled in bundled() {
        let trace = bundled.read().expect("the bundled traces are sound");
        let bins = fingerprint::<BinsIndex>(&trace);
        assert_eq!(fingerprint::<TreeIndex>(&trace), bins, "tree and bins differ on {}", bundled.name);
        assert_eq!(fingerprint::<ListIndex>(&trace), bins, "list and bins differ on {}", bundled.name);
    }
}
