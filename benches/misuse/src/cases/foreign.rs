//! Freeing what never was a block.

use std::hint::black_box;
use std::ptr::{null_mut, without_provenance_mut};
use std::sync::atomic::AtomicU64;

use super::{End, Form, Harm};
use crate::calls::{free, malloc};
use crate::scene::{MIB, fill, must, neighbours, read_all, write};

pub(super) const FORMS: &[Form] = &[
    Form::any("free-stack", |_| free_stack(64)),
    Form::any("free-stack-misaligned", |_| free_stack(65)),
    Form::any("free-static", |_| free_static(&raw const VARIABLE)),
    Form::any("free-constant", |_| free_static(&raw const CONSTANT)),
    Form::any("free-code", |_| free_it(free_stack as fn(usize) -> End as *mut u8)),
    Form::any("free-null-page", |_| free_it(without_provenance_mut(16))),
    Form::any("free-unmapped", |_| free_it(unmapped())),
    Form::any("free-not-canonical", |_| free_it(without_provenance_mut((1 << 63) | 0x10))),
    Form::any("free-mapping", |_| free_it(mapping())),
    Form::any("free-in-mapping", |_| free_it(mapping().wrapping_add(4096 + 16))),
    Form::new("free-fake-block", free_fake_block),
];

#[repr(align(64))]
struct Aligned<T>(T);

/// In memory that can be written.
static VARIABLE: Aligned<[AtomicU64; 32]> = Aligned([const { AtomicU64::new(0) }; 32]);

/// In memory that cannot.
static CONSTANT: Aligned<[u64; 32]> = Aligned([0; 32]);

fn free_it(pointer: *mut u8) -> End {
    free(pointer);
    Harm
}

fn free_static<T>(of_256_bytes: *const T) -> End {
    free_it(of_256_bytes.cast::<u8>().wrapping_add(64).cast_mut())
}

fn free_stack(offset: usize) -> End {
    let mut local = Aligned([0_u8; 256]);
    free(black_box(&raw mut local).cast::<u8>().wrapping_add(offset));
    black_box(local.0[0]);
    Harm
}

/// A mapping that the program has made for itself.
pub(super) fn mapping() -> *mut u8 {
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping, at an address that the system chooses.
    let mapping = unsafe { libc::mmap(null_mut(), MIB, access, kind, -1, 0) };
    must(if mapping == libc::MAP_FAILED { null_mut() } else { mapping.cast() })
}

/// Where nothing is any more.
pub(super) fn unmapped() -> *mut u8 {
    let mapping = mapping();
    // SAFETY: it is this function's.
    unsafe { libc::munmap(mapping.cast(), MIB) };
    mapping.wrapping_add(4096 + 16)
}

/// Memory of the program that looks like a block: with a copy of what lies before a block, and what looks like another
/// one behind it.
fn free_fake_block(size: usize) -> End {
    let (real, _) = neighbours(size);
    let fake = mapping().wrapping_add(MIB / 2);
    let before: [u8; 32] = read_all(real.wrapping_sub(32));
    for at in [0, size.next_multiple_of(16) + 16, size.next_multiple_of(4096)] {
        write(fake.wrapping_add(at).wrapping_sub(32), &before);
    }
    free(fake);
    // Whoever has believed it hands it out.
    let block = must(malloc(size));
    fill(block, size, 0);
    Harm
}
