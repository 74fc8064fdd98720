//! Real programs under the library: what they print and how they end is what it is without, and their heap is sound.
//!
//! Which programs, at what price, and what is skipped when: `docs/programs.md`.

mod build;
mod compilers;
mod databases;
mod git;
mod interpreters;
mod judge;
mod measure;
mod python;
mod run;
mod setting;
mod sources;
mod trial;
