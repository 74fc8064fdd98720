//! What the cache's tests share: a model of a supplier, and a shadow of who holds which block.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test binary uses a part of it")]

mod model;
mod shadow;

use snugfit_cache::Class;

pub use model::{Held, Model, number};
pub use shadow::Shadow;

/// The class of blocks of `size` bytes, header included.
pub fn class(size: usize) -> Class {
    Class::of_block(size).expect("a size that has a class")
}
