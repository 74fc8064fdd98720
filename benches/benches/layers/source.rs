//! Sources: a run of bytes is got and given back.

use std::mem::MaybeUninit;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group};
use snugfit_benches::brief;
use snugfit_source::{Fallback, Fixed, Mapped, Sbrk, Source, os};

/// A small step of growth, and a large one.
const SIZES: [usize; 2] = [64 << 10, 1 << 20];

/// Room for the larger one.
const BUFFER: usize = 1 << 20;

type Group<'c> = BenchmarkGroup<'c, WallTime>;

/// Whether anybody uses what was got.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    None,
    /// One byte in each page, for which the system must deliver it.
    Pages,
}

fn grow(criterion: &mut Criterion) {
    compare(criterion, "source/grow", Use::None);
}

fn grow_touched(criterion: &mut Criterion) {
    compare(criterion, "source/grow, touched", Use::Pages);
}

fn compare(criterion: &mut Criterion, name: &str, usage: Use) {
    let mut group = criterion.benchmark_group(name);
    let buffer = Box::leak(Box::<[u8]>::new_uninit_slice(BUFFER));
    buffer.fill(MaybeUninit::new(0));
    let mut fixed = Fixed::new(buffer);
    for size in SIZES {
        // The break is moved only while there is a single thread, as there is here.
        round(&mut group, "sbrk", &mut Sbrk::shared(), size, usage);
        round(&mut group, "mapped", &mut Mapped::new(), size, usage);
        round(&mut group, "sbrk or mapped", &mut Fallback::new(Sbrk::shared(), Mapped::new()), size, usage);
        round(&mut group, "fixed", &mut fixed, size, usage);
    }
    group.finish();
}

/// Grows by `size` and gives it back.
fn round<S: Source>(group: &mut Group<'_>, name: &str, source: &mut S, size: usize, usage: Use) {
    group.bench_function(BenchmarkId::new(name, size), |bencher| {
        bencher.iter(|| {
            let extent = source.grow(size).expect("the source has memory");
            if usage == Use::Pages {
                for offset in (0..extent.len).step_by(os::page_size()) {
                    // SAFETY: the byte lies in the extent.
                    unsafe { extent.start.byte_add(offset).write_volatile(1) };
                }
            }
            // SAFETY: the extent is what was got last, whole, and nobody uses it any more.
            assert!(unsafe { source.shrink(extent) }, "what was got last can be given back");
        });
    });
}

criterion_group! { name = benches; config = brief(); targets = grow, grow_touched }
