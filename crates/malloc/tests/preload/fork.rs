//! `fork`, `vfork` and `posix_spawn` in a program with threads.

use crate::program::Program;

#[test]
fn children_of_a_program_with_threads_can_allocate() {
    Program::new("fork").passes([""; 0]);
}
