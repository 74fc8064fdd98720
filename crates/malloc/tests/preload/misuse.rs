//! Misuse: each ends with a line that names the function, the pointer and what is wrong with it.

use std::os::unix::process::ExitStatusExt;
use std::sync::OnceLock;
use std::thread;

use snugfit_testing::{run, text};

use crate::program::Program;

const FOREIGN: &str = "not from this allocator";
const DOUBLE: &str = "double free";
const HEADER: &str = "header overwritten";
const MISALIGNED: &str = "misaligned";
const SIZE: &str = "wrong size";

/// In what is expected, `{block}` and `{usable}` stand for start and usable size of the block in question.
macro_rules! interior {
    ($bytes:literal) => {
        concat!("interior pointer: ", $bytes, " into the {usable}-byte block at {block}")
    };
}

/// A misuse of `tests/c/misuse.c`, the function that is to notice, and what it is to say.
type Case = (&'static str, &'static str, &'static str);

const POINTERS_INTO_BLOCKS: [Case; 9] = [
    ("interior_1", "free", interior!("1 byte")),
    ("interior_8", "free", interior!("8 bytes")),
    ("interior_16", "free", interior!("16 bytes")),
    ("interior_large", "free", interior!("16 bytes")),
    ("interior_far", "free", interior!("5242880 bytes")),
    ("interior_far_odd", "free", interior!("5242881 bytes")),
    ("interior_aligned", "free", interior!("4096 bytes")),
    ("interior_aligned_large", "free", interior!("1048576 bytes")),
    ("before_block", "free", MISALIGNED),
];

const DOUBLE_FREES: [Case; 8] = [
    ("double_small", "free", DOUBLE),
    ("double_large", "free", DOUBLE),
    ("double_after_previous", "free", DOUBLE),
    ("double_after_next", "free", DOUBLE),
    ("double_swallowed", "free", DOUBLE),
    ("double_at_top", "free", DOUBLE),
    ("double_after_move", "free", DOUBLE),
    ("double_after_move_of_pages", "free", DOUBLE),
];

const WILD_POINTERS: [Case; 8] = [
    ("stack", "free", FOREIGN),
    ("global_variable", "free", FOREIGN),
    ("literal", "free", FOREIGN),
    ("code", "free", FOREIGN),
    ("null_page", "free", FOREIGN),
    ("unmapped", "free", FOREIGN),
    ("not_canonical", "free", FOREIGN),
    ("highest", "free", FOREIGN),
];

const OVERWRITTEN_HEADERS: [Case; 6] = [
    ("underflow_1", "free", HEADER),
    ("underflow_8", "free", HEADER),
    ("underflow_large_1", "free", HEADER),
    ("underflow_large_8", "free", HEADER),
    ("overflow_1", "free", HEADER),
    ("overflow_8", "free", HEADER),
];

const OTHER_FUNCTIONS: [Case; 11] = [
    ("resize_interior", "realloc", interior!("16 bytes")),
    ("resize_interior_odd", "realloc", interior!("1 byte")),
    ("resize_interior_to_nothing", "realloc", interior!("16 bytes")),
    ("resize_array_interior", "reallocarray", interior!("16 bytes")),
    ("resize_global", "realloc", FOREIGN),
    ("resize_freed", "realloc", DOUBLE),
    ("resize_freed_large", "realloc", DOUBLE),
    ("resize_overwritten", "realloc", HEADER),
    ("usable_interior", "malloc_usable_size", interior!("16 bytes")),
    ("usable_freed", "malloc_usable_size", DOUBLE),
    ("usable_global", "malloc_usable_size", FOREIGN),
];

const SIZED_FREES: [Case; 11] = [
    ("sized_wrong", "free_sized", SIZE),
    ("sized_less", "free_sized", SIZE),
    ("sized_absurd", "free_sized", SIZE),
    ("sized_wrong_large", "free_sized", SIZE),
    ("sized_interior", "free_sized", interior!("16 bytes")),
    ("sized_freed", "free_sized", DOUBLE),
    ("aligned_sized_wrong", "free_aligned_sized", SIZE),
    ("aligned_sized_interior", "free_aligned_sized", interior!("64 bytes")),
    ("aligned_sized_less_aligned", "free_aligned_sized", MISALIGNED),
    ("aligned_sized_no_power", "free_aligned_sized", MISALIGNED),
    ("aligned_sized_no_alignment", "free_aligned_sized", MISALIGNED),
];

/// Runs each misuse as a process of its own.
fn are_noticed(cases: &'static [Case]) {
    static PROGRAM: OnceLock<Program> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| Program::new("misuse"));
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| is_noticed(program, *case));
        }
    });
}

fn is_noticed(program: &Program, (misuse, function, what): Case) {
    let done = run(program.preloaded().arg(misuse));
    let announced = text(&done.stdout);
    let words: Vec<&str> = announced.split_whitespace().collect();
    let [pointer, block, usable] = words[..] else { panic!("{misuse} announced `{announced}`") };
    let what = what.replace("{block}", block).replace("{usable}", usable);
    let said = text(&done.stderr);
    // The block that is concerned comes behind.
    let named = said.split("; ").next().unwrap_or_default().trim_end();
    assert_eq!(named, format!("snugfit: {function}({pointer}): {what}"), "{misuse}");
    assert_eq!(done.status.signal(), Some(libc::SIGABRT), "{misuse}");
}

#[test]
fn a_pointer_into_a_block_is_named() {
    are_noticed(&POINTERS_INTO_BLOCKS);
}

#[test]
fn a_double_free_is_named_whatever_became_of_the_block() {
    are_noticed(&DOUBLE_FREES);
}

#[test]
fn a_pointer_to_something_else_is_named_and_not_followed() {
    are_noticed(&WILD_POINTERS);
}

#[test]
fn a_header_that_was_overwritten_is_named() {
    are_noticed(&OVERWRITTEN_HEADERS);
}

#[test]
fn resizing_and_asking_for_the_size_check_as_freeing_does() {
    are_noticed(&OTHER_FUNCTIONS);
}

#[test]
fn sized_frees_check_size_and_alignment() {
    are_noticed(&SIZED_FREES);
}
