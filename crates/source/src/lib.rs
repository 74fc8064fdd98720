//! placeholder
mod contract;
pub use contract::{Extent, Source};
