//! What the linker is told about the shared library.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let arguments = [
        // Programs record this name: it changes when they could not go on with the next library.
        "-Wl,-soname,libsnugfit.so.0",
        // It can never be unloaded: the C library calls it around each `fork`.
        "-Wl,-z,nodelete",
    ];
    for argument in arguments {
        println!("cargo::rustc-cdylib-link-arg={argument}");
    }
}
