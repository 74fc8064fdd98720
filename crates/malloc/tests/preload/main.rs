//! The library that users get, as the `malloc` of C programs.

mod early;
mod edges;
mod findings;
mod fork;
mod limits;
mod linked;
mod misuse;
mod operators;
mod options;
mod program;
mod signals;
mod symbols;
