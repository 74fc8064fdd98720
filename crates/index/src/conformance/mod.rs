//! The contract of [`FreeIndex`], checked against a model.
//!
//! An implementation is tested by one line:
//!
//! ```ignore
//! #[test]
//! fn conforms() {
//!     snugfit_index::conformance::check::<MyIndex>();
//! }
//! ```
//!
//! Each seed drives every distribution of sizes through hundreds of random steps. After a step the index must agree
//! with the model (an ordered map from size to a stack of blocks), its own [`validate`](FreeIndex::validate) must
//! find nothing, and no byte may have changed that was not the index's to change. The blocks are stubs: headers that
//! claim any size up to the largest, with room for a few link words behind them.
//!
//! Another line, `check_damage::<MyIndex>()`, asks what the index does when a link was overwritten, see [`check_damage`].
//!
//! A failure names seed, distribution and step. `SNUGFIT_SEED=<seed> cargo test ...` runs that seed alone. An index
//! that follows a wild link may crash instead: then try `SNUGFIT_SEED=0`, `1`, ... to find the seed.

mod damage;
mod model;
mod run;
mod sizes;
mod stubs;

use std::any::type_name;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::string::String;

use crate::FreeIndex;

pub use damage::check_damage;

use run::Run;
use sizes::Distribution;

/// Seeds from 0 that [`check`] runs.
const SEEDS: u64 = if cfg!(miri) { 2 } else { 40 };

/// The environment variable that replaces all seeds by one.
const SEED_VARIABLE: &str = "SNUGFIT_SEED";

/// The whole suite: every seed, or the one that the environment variable `SNUGFIT_SEED` names.
///
/// # Panics
/// If the index breaks the contract, or panics itself.
pub fn check<I: FreeIndex>() {
    match std::env::var(SEED_VARIABLE) {
        Ok(seed) => check_seed::<I>(seed.parse().expect("SNUGFIT_SEED is a number")),
        Err(_) => (0..SEEDS).for_each(check_seed::<I>),
    }
}

/// One seed, with every distribution of sizes.
///
/// # Panics
/// As for [`check`].
pub fn check_seed<I: FreeIndex>(seed: u64) {
    for &distribution in Distribution::ALL {
        let step = Cell::new(0);
        let outcome = catch_unwind(AssertUnwindSafe(|| Run::<I>::new(seed, distribution).go(&step)));
        if let Err(payload) = outcome {
            let reason = reason(&*payload);
            let index = type_name::<I>();
            let step = step.get();
            panic!(
                "{index}: {reason}\n  seed {seed}, sizes {distribution:?}, step {step}; \
                 to replay set {SEED_VARIABLE}={seed}"
            );
        }
    }
}

/// What a panic said.
fn reason(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").into()
}
