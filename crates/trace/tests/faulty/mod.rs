//! An allocator that does one thing wrong.

use std::collections::HashMap;
use std::ptr::NonNull;

use snugfit_trace::{SystemMalloc, Target};

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Returns no memory.
    Refuse,
    /// Returns an address that is not aligned.
    Misalign,
    /// Returns memory that is not zeroed.
    Dirty,
    /// Resizes without the contents.
    Forget,
    /// Writes into another payload.
    Scribble,
    /// Panics.
    Panic,
}

/// Serves from the system's `malloc`, and does something wrong in one call that allocates or resizes.
pub(crate) struct Faulty {
    fault: Fault,
    /// Calls until then.
    countdown: usize,
    /// Payloads and what they were allocated as.
    blocks: HashMap<NonNull<u8>, NonNull<u8>>,
}

impl Faulty {
    pub(crate) fn new(fault: Fault, call: usize) -> Self {
        Self { fault, countdown: call, blocks: HashMap::new() }
    }

    pub(crate) fn live(&self) -> usize {
        self.blocks.len()
    }

    /// Whether this is the call.
    fn is_due(&mut self, fault: Fault) -> bool {
        self.countdown == 0 && self.fault == fault
    }

    fn serve(&mut self, block: Option<NonNull<u8>>) -> Option<NonNull<u8>> {
        let mut payload = block?;
        assert!(!self.is_due(Fault::Panic), "as it was told to");
        if self.is_due(Fault::Refuse) {
            // SAFETY: the block was allocated for this call and is handed to nobody.
            unsafe { SystemMalloc.free(payload, 0, 0) };
            return None;
        }
        if self.is_due(Fault::Misalign) {
            // SAFETY: blocks are allocated with a byte to spare.
            payload = unsafe { payload.add(1) };
        }
        if self.is_due(Fault::Scribble) {
            let victim = self.blocks.keys().next().expect("a block to damage");
            // SAFETY: the payload is allocated and not empty.
            unsafe { victim.write(!victim.read()) };
        }
        self.countdown = self.countdown.wrapping_sub(1);
        self.blocks.insert(payload, block?);
        Some(payload)
    }
}

// SAFETY: payloads are those of `malloc`, with a byte to spare at the end for the one that is moved by one.
unsafe impl Target for Faulty {
    fn allocate(&mut self, size: usize) -> Option<NonNull<u8>> {
        let block = SystemMalloc.allocate(size + 1);
        self.serve(block)
    }

    fn allocate_zeroed(&mut self, size: usize) -> Option<NonNull<u8>> {
        let block = SystemMalloc.allocate_zeroed(size + 1)?;
        if self.is_due(Fault::Dirty) {
            // SAFETY: the block is new and not empty.
            unsafe { block.write(1) };
        }
        self.serve(Some(block))
    }

    fn allocate_aligned(&mut self, size: usize, align: usize) -> Option<NonNull<u8>> {
        let block = SystemMalloc.allocate_aligned(size + 1, align);
        self.serve(block)
    }

    unsafe fn resize(
        &mut self,
        payload: NonNull<u8>,
        old_size: usize,
        align: usize,
        size: usize,
    ) -> Option<NonNull<u8>> {
        let forget = self.is_due(Fault::Forget);
        let new = self.allocate(size)?;
        let kept = if forget { 0 } else { old_size.min(size) };
        // SAFETY: both payloads are allocated, and as large as what is copied.
        unsafe { new.copy_from_nonoverlapping(payload, kept) };
        // SAFETY: passed on.
        unsafe { self.free(payload, old_size, align) };
        Some(new)
    }

    unsafe fn free(&mut self, payload: NonNull<u8>, size: usize, align: usize) {
        let block = self.blocks.remove(&payload).expect("a payload that is allocated");
        // SAFETY: the block came from `malloc` and is forgotten now.
        unsafe { SystemMalloc.free(block, size, align) };
    }

    unsafe fn usable_size(&self, payload: NonNull<u8>) -> Option<usize> {
        assert!(self.blocks.contains_key(&payload), "asked about a payload that is not allocated");
        None
    }
}
