//! The program as its users meet it: started with arguments, heard on standard output and error.

mod command;
mod compare;
mod errors;
mod footprint;
mod run;
