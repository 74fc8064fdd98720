//! Out of memory.

use crate::program::Program;

#[test]
fn everything_goes_on_after_the_address_space_ran_out() {
    Program::new("limits").passes(["space"]);
}

#[test]
fn everything_goes_on_after_the_data_limit_was_reached() {
    Program::new("limits").passes(["data"]);
}
