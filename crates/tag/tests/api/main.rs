//! What the crate promises, tested through its public interface. One program, so that the modules share the support.

mod block;
mod footer;
mod seal;
mod sizes;
mod support;
mod tag;
mod tiling;
