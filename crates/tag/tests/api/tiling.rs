//! Blocks side by side: random splits and joins against a plain list of sizes.
//!
//! ```text
//!  model   [(48, in use), (112, free), (32, in use)]
//!  memory  | 48 in use | 112 free ..... footer | 32 in use | epilogue
//! ```

use snugfit_tag::{Block, GRANULE, MIN_BLOCK, Seal, Tag};

use crate::support::{Generator, Run};

const ROOM: usize = 8 * 1024;

/// The blocks of a run as the test knows them: size, and whether in use.
type Model = Vec<(usize, bool)>;

/// Walks the run both ways and compares it with the model.
fn check(run: &Run, model: &Model) {
    let (mut block, mut offset, mut previous) = (run.block(0), 0, None::<(Block, bool)>);
    for &(size, in_use) in model {
        assert_eq!((block, block.size(), block.tag().is_in_use()), (run.block(offset), size, in_use));
        check_behind(block, previous);
        previous = Some((block, in_use));
        offset += size;
        // SAFETY: the tag was just found to be what the model says, and the model ends before the epilogue does.
        block = unsafe { block.next() };
    }
    assert_eq!((offset, block), (ROOM, run.block(ROOM)));
    assert!(block.tag().is_last() && block.tag().is_in_use() && block.size() == 0);
    check_behind(block, previous);
}

/// What `block` says of the one before it. The first block has none, and counts that as in use.
fn check_behind(block: Block, previous: Option<(Block, bool)>) {
    let free_before = previous.filter(|&(_, in_use)| !in_use).map(|(before, _)| before);
    assert_eq!(block.tag().is_previous_in_use(), free_before.is_none());
    if let Some(before) = free_before {
        // SAFETY: the previous block is free, and was seen to have the size that it ends with.
        let (found, footer) = unsafe { (block.previous(), block.previous_footer()) };
        assert_eq!((found, footer.size(), found.seal()), (before, before.size(), Seal::FREE));
    }
}

/// Uses the free block `number`, or a part of it of random size.
fn place(run: &Run, model: &mut Model, number: usize, random: &mut Generator) {
    let block = run.block(model[..number].iter().map(|entry| entry.0).sum());
    let old = model[number].0;
    let size = MIN_BLOCK + random.below((old - MIN_BLOCK) / GRANULE + 1) * GRANULE;
    // SAFETY: the model says that the block is free and `old` bytes long, and that a header follows.
    unsafe {
        if old - size >= MIN_BLOCK {
            let rest = block.split(old, size);
            assert_eq!(rest.size(), old - size);
            block.set_tag(Tag::in_use(size, true));
            model[number] = (size, true);
            model.insert(number + 1, (old - size, false));
        } else {
            let next = block.offset(old);
            block.set_tag(Tag::in_use(old, true));
            next.set_tag(next.tag().with_previous_in_use());
            model[number] = (old, true);
        }
    }
}

/// Frees block `number` and joins it with its free neighbours, the way an allocator does: the model is consulted for
/// nothing but the block's place.
fn release(run: &Run, model: &mut Model, number: usize) {
    let block = run.block(model[..number].iter().map(|entry| entry.0).sum());
    // SAFETY: tags and footers are true, as `check` saw.
    unsafe {
        let (next, mut start) = (block.next(), block);
        if next.tag().is_in_use() {
            next.set_tag(next.tag().with_previous_free());
        } else {
            block.absorb(next.size());
        }
        if !block.tag().is_previous_in_use() {
            start = block.previous();
            start.absorb(block.size());
        }
        start.write_free(start.size());
    }
    model[number].1 = false;
    // The right neighbour first, while `number` still is the block's place.
    for left in (number.saturating_sub(1)..=number).rev() {
        if left + 1 < model.len() && !model[left].1 && !model[left + 1].1 {
            model[left].0 += model.remove(left + 1).0;
        }
    }
}

#[test]
fn tags_and_footers_agree_with_a_model_through_random_splits_and_joins() {
    for seed in 0..if cfg!(miri) { 1 } else { 50 } {
        let (run, mut random) = (Run::new(ROOM), Generator(seed));
        let mut model: Model = vec![(ROOM, false)];
        // SAFETY: `ROOM` bytes, and a header after them.
        unsafe { run.block(0).write_free(ROOM) };
        // SAFETY: the test has one thread, and the run has room for an epilogue there.
        unsafe { run.block(ROOM).set_header(Tag::epilogue(false), Seal::FREE) };
        for _ in 0..if cfg!(miri) { 100 } else { 2000 } {
            let number = random.below(model.len());
            if model[number].1 {
                release(&run, &mut model, number);
            } else {
                place(&run, &mut model, number, &mut random);
            }
            check(&run, &model);
        }
        while let Some(number) = model.iter().position(|entry| entry.1) {
            release(&run, &mut model, number);
            check(&run, &model);
        }
        assert_eq!(model, [(ROOM, false)], "everything joined, seed {seed}");
    }
}
