//! How dense the heap is on recorded programs. Footprints are accounted for, not timed: they repeat exactly.

use snugfit_bins::BinsIndex;
use snugfit_heap::Heap;
use snugfit_index::FreeIndex;
use snugfit_source::Mapped;
use snugfit_tag::Key;
use snugfit_trace::{Measure, Replay, bundled};
use snugfit_tree::TreeIndex;

/// Peak live bytes over peak footprint, at least. Within a point of what exact best fit with 8-byte headers can reach.
const LEAST: [(&str, f64); 6] =
    [("cc1", 0.95), ("git", 0.985), ("lua5", 0.815), ("perl", 0.81), ("python3", 0.835), ("sqlite3", 0.98)];

fn utilizations<I: FreeIndex>() -> Vec<(&'static str, f64)> {
    let utilization = |name: &'static str| {
        let bundled = bundled().iter().find(|bundled| bundled.name == name).expect("it is bundled");
        let trace = bundled.read().expect("it is sound");
        let mut heap: Heap<Mapped, I> = Heap::new(Mapped::new(), Key::new(5, 8));
        let measure = Measure::of(&mut Replay::new(&trace), &mut heap).expect("it is served");
        // SAFETY: a replay frees what it allocated.
        unsafe { heap.release() };
        (name, measure.utilization())
    };
    LEAST.into_iter().map(|(name, _)| utilization(name)).collect()
}

#[test]
fn recorded_programs_fit_snugly() {
    for (index, utilizations) in
        [("bins", utilizations::<BinsIndex>()), ("tree", utilizations::<TreeIndex>())]
    {
        for ((name, least), (_, reached)) in LEAST.into_iter().zip(utilizations) {
            assert!(reached >= least, "{index} on {name}: {reached:.4}, and {least} is the least");
        }
    }
}
