//! The operators `new` and `delete` of C++, in pairs that do not match.

use super::sized::not_aligned_to;
use super::{End, Form, Harm};
use crate::calls::{
    delete, delete_aligned, delete_array, delete_array_sized, delete_sized, new, new_aligned, new_array,
};
use crate::scene::{must, write};

pub(super) const FORMS: &[Form] = &[
    Form::new("delete-sized-larger", |size| sized(size, 4 * size)),
    Form::new("delete-sized-smaller", |size| sized(4 * size, size)),
    Form::new("delete-array-sized-larger", |size| array_sized(size, 4 * size)),
    Form::new("delete-array-sized-smaller", |size| array_sized(4 * size, size)),
    Form::new("delete-misaligned", misaligned),
    Form::new("delete-twice", twice),
    Form::new("delete-of-array-with-count", of_array_with_count),
    Form::new("delete-array-of-one", array_of_one),
    Form::new("delete-of-array", of_array),
];

fn sized(size: usize, told: usize) -> End {
    delete_sized(must(new(size)), told);
    Harm
}

fn array_sized(size: usize, told: usize) -> End {
    delete_array_sized(must(new_array(size)), told);
    Harm
}

/// Of an alignment that the address does not have.
fn misaligned(size: usize) -> End {
    let block = must(new_aligned(64, size));
    delete_aligned(block, not_aligned_to(block));
    Harm
}

fn twice(size: usize) -> End {
    let block = must(new(size));
    delete(block);
    delete(block);
    Harm
}

/// An array of objects that have a destructor: their number lies before them. Who deletes it as one object gives the
/// address of the first.
fn of_array_with_count(size: usize) -> End {
    let array = must(new_array(8 + size));
    write(array, &3_u64.to_ne_bytes());
    delete(array.wrapping_add(8));
    Harm
}

/// The other way round: one object is deleted as such an array, which would begin before it.
fn array_of_one(size: usize) -> End {
    let object = must(new(size));
    delete_array(object.wrapping_sub(8));
    Harm
}

/// An array without a number before it. Address and size are right.
fn of_array(size: usize) -> End {
    delete(must(new_array(size)));
    Harm
}
