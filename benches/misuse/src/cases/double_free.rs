//! Freeing what is free already, or what has come to belong to someone else.

use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr};
use std::thread;

use super::{End, Form, Harm, Size};
use crate::calls::{free, malloc, realloc};
use crate::scene::{block, many, must, neighbours, row};

pub(super) const FORMS: &[Form] = &[
    Form::new("double-free", at_once).at(&[Size::Small, Size::Medium, Size::Large, Size::Huge]),
    Form::new("double-free-after-others", after_others),
    Form::new("double-free-a-b-a", a_b_a),
    Form::new("double-free-joined", joined),
    Form::new("double-free-from-two-threads", from_two_threads),
    Form::new("double-free-after-many-frees", after_many_frees),
    Form::new("double-free-after-resize", after_resize),
    Form::new("double-free-of-two-owners", of_two_owners),
];

fn at_once(size: usize) -> End {
    let (block, _) = neighbours(size);
    free(block);
    free(block);
    Harm
}

/// Others come and go that are too large to take its place.
fn after_others(size: usize) -> End {
    let (block, _) = neighbours(size);
    free(block);
    for round in 0..30 {
        let other = must(malloc(2 * size + 200 + round));
        if round % 3 == 0 {
            free(other);
        }
    }
    free(block);
    Harm
}

fn a_b_a(size: usize) -> End {
    let (a, b) = neighbours(size);
    free(a);
    free(b);
    free(a);
    Harm
}

/// Both neighbours are free, too: where free memory is joined, its header is no header any more.
fn joined(size: usize) -> End {
    let [_, before, middle, behind, _] = row(size);
    free(before);
    free(behind);
    free(middle);
    free(middle);
    Harm
}

/// Another thread frees it first. It lives on, so that what it keeps for itself stays where it is.
fn from_two_threads(size: usize) -> End {
    static BLOCK: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
    static IS_FREE: AtomicBool = AtomicBool::new(false);
    // Starting a thread takes memory, so it comes first.
    let thread = thread::spawn(|| {
        while BLOCK.load(Acquire).is_null() {
            thread::yield_now();
        }
        free(BLOCK.load(Acquire));
        IS_FREE.store(true, Release);
        loop {
            thread::park();
        }
    });
    let (block, _) = neighbours(size);
    BLOCK.store(block, Release);
    while !IS_FREE.load(Acquire) {
        thread::yield_now();
    }
    free(block);
    drop(thread);
    Harm
}

fn after_many_frees(size: usize) -> End {
    let others: Vec<*mut u8> = (0..many(size)).map(|_| must(malloc(size))).collect();
    let block = others[others.len() / 2];
    free(block);
    others.iter().filter(|&&other| other != block).for_each(|&other| free(other));
    free(block);
    Harm
}

/// It has moved, most probably; the old place is freed as well as the new one.
fn after_resize(size: usize) -> End {
    let (block, _) = neighbours(size);
    let moved = must(realloc(block, 8 * size));
    free(block);
    free(moved);
    Harm
}

/// The old owner frees it once more, while it is someone else's; who frees it as well.
fn of_two_owners(size: usize) -> End {
    let (old, _) = neighbours(size);
    free(old);
    let new = block(size);
    free(old);
    free(new);
    Harm
}
