//! What each function does at the edges of what it may be asked for.

use crate::program::Program;

#[test]
fn every_function_does_what_the_standards_say() {
    Program::new("edges").passes([""; 0]);
}
