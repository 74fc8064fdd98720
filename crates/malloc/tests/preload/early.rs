//! Allocations before and after everything, and a library that is not the process's malloc.

use crate::program::{Program, ends_well, library};

#[test]
fn constructors_destructors_and_the_loader_can_allocate() {
    let (program, libraries) = Program::with_libraries("early", "early_library");
    program.passes(libraries);
}

#[test]
fn the_malloc_of_the_process_moves_the_break_whatever_threads_there_are() {
    Program::new("break").passes([""; 0]);
}

#[test]
fn beside_another_malloc_the_break_is_left_alone() {
    ends_well(Program::new("break").alone().arg(library()));
}
