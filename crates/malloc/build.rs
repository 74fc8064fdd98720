//! What the linker is told about the library, beside what rustc tells it (that only marked symbols are exported).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let arguments = [
        // Programs that are linked with the library record this name: it changes when they could not go on with the
        // next one.
        "-Wl,-soname,libsnugfit_malloc.so.0",
        // It can never be unloaded: its blocks are everywhere, and the C library calls it around each `fork`.
        "-Wl,-z,nodelete",
    ];
    for argument in arguments {
        println!("cargo::rustc-cdylib-link-arg={argument}");
    }
}
