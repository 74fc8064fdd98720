//! Programs that have the allocator in them, and load no library for it.

use snugfit_testing::{run, text};

use crate::program::{Program, ends_well};

#[test]
fn a_program_can_be_linked_with_the_archive() {
    ends_well(Program::linked("limits").alone().arg("space").env("SNUGFIT_OPTIONS", "validate"));
    ends_well(Program::linked("fork").alone().env("SNUGFIT_OPTIONS", "validate"));
    let done = run(Program::linked("options").alone().arg("damage").env("SNUGFIT_OPTIONS", "validate"));
    assert!(!done.status.success() && text(&done.stderr).starts_with("snugfit: at exit: "), "{done:?}");
}
