//! Headers: what it costs to write one, and to find out whether one is right.

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group};
use snugfit_benches::brief;
use snugfit_tag::{Block, Compact, Format, HEADER, Key, Mirrored, Seal, State, Tag};

/// Blocks in a row. With the size, 16 KiB.
const COUNT: usize = 256;
const SIZE: usize = 64;

/// Any will do, but for 0.
const KEY: Key = Key::new(0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7345);

/// The tag of each block.
const IN_USE: Tag = Tag::in_use(SIZE, true);

type Group<'c> = BenchmarkGroup<'c, WallTime>;

/// What is done with each block of a row, by name.
type Pass = (&'static str, fn(&Row));

/// Two words, aligned as payloads are.
#[repr(align(16))]
struct Granule(#[expect(dead_code, reason = "blocks lie here")] [MaybeUninit<u64>; 2]);

/// Blocks side by side, all live, and an epilogue.
///
/// ```text
///     granule                                                           granule
///   ┬─────────┬────────────────────┬──────────────┬──────┬────────────┬─────────┬
///   │ unused  │ header   payload   │ header  ...  │ ...  │ epilogue   │         │
///   ┴─────────┴────────────────────┴──────────────┴──────┴────────────┴─────────┴
///             ▲ 8 mod 16
/// ```
struct Row {
    blocks: Vec<Block>,
    key: Key,
    _memory: Vec<Granule>,
}

impl Row {
    fn new<F: Format>() -> Self {
        let granules = COUNT * SIZE / size_of::<Granule>() + 1;
        let mut memory: Vec<Granule> = Vec::with_capacity(granules);
        let start = NonNull::from(memory.spare_capacity_mut()).cast::<u8>();
        // SAFETY: there is a granule more than the blocks take, for what comes before them and for the epilogue.
        let block = |place| unsafe { Block::from_header(start.byte_add(HEADER + place * SIZE)) };
        block(COUNT).set_tag(Tag::epilogue(true));
        // A constant would be folded.
        let row = Self { blocks: (0..COUNT).map(block).collect(), key: black_box(KEY), _memory: memory };
        row.seal::<F>();
        row
    }

    fn seal<F: Format>(&self) {
        for &block in &self.blocks {
            // SAFETY: the bytes are the row's.
            unsafe { F::seal(block, IN_USE, self.key) };
        }
    }

    /// What every `free` does before it believes a pointer.
    fn check<F: Format>(&self) {
        for &block in &self.blocks {
            let tag = block.tag();
            let seal = self.key.seal(block.address(), tag.size(), State::Live);
            // SAFETY: the block is that long.
            let is_intact = || unsafe { F::is_footer_intact(block, tag.size(), self.key) };
            assert!(block.seal() == seal && tag.is_block_in_use() && is_intact());
        }
    }

    /// A seal that is computed and thrown away.
    fn compute(&self) {
        for block in &self.blocks {
            black_box(self.key.seal(block.address(), black_box(SIZE), State::Live));
        }
    }

    /// The same with what the size contributes known before.
    fn compute_with_pad(&self) {
        let pad = black_box(self.key.pad(SIZE));
        for block in &self.blocks {
            black_box(Seal::of(block.payload().addr().get(), pad));
        }
    }

    /// Which state a header claims.
    fn state(&self) {
        for &block in &self.blocks {
            black_box(self.key.state(block.seal(), block.address(), block.size()));
        }
    }

    /// From live to cached, and back the next time.
    fn flip(&self) {
        for block in &self.blocks {
            block.set_seal(block.seal().flip_cached());
        }
    }

    /// Header and footer of a free block.
    fn write_free(&self) {
        for &block in &self.blocks {
            // SAFETY: the bytes are the row's.
            unsafe { block.write_free(SIZE) };
        }
    }

    /// From the first block to the epilogue, by the sizes in the tags.
    fn walk(&self) {
        let mut block = self.blocks[0];
        while !block.tag().is_last() {
            // SAFETY: the row ends in an epilogue, and this is none.
            block = unsafe { block.next() };
        }
        black_box(block);
    }
}

fn headers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tag");
    group.throughput(Throughput::Elements(COUNT as u64));
    of_format::<Compact>(&mut group, "compact");
    of_format::<Mirrored>(&mut group, "mirrored");
    let passes: [Pass; 6] = [
        ("seal", Row::compute),
        ("seal, size known", Row::compute_with_pad),
        ("state", Row::state),
        ("flip", Row::flip),
        ("walk", Row::walk),
        // At last: the blocks are not live any more.
        ("write free", Row::write_free),
    ];
    let row = Row::new::<Compact>();
    for (name, pass) in passes {
        group.bench_function(name, |bencher| bencher.iter(|| pass(&row)));
    }
    group.finish();
}

/// What differs by format.
fn of_format<F: Format>(group: &mut Group<'_>, format: &str) {
    let row = Row::new::<F>();
    group.bench_function(BenchmarkId::new("write live", format), |bencher| bencher.iter(|| row.seal::<F>()));
    group.bench_function(BenchmarkId::new("check", format), |bencher| bencher.iter(|| row.check::<F>()));
}

criterion_group! { name = benches; config = brief(); targets = headers }
