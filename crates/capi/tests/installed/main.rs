//! What `./install` installs: the symbols, the header in C and in C++, the example, and what wrong pointers end in.

mod header;
mod installed;
mod programs;
mod script;
mod symbols;
