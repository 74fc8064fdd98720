//! Tells the program whether the snmalloc that it is linked with was built for speed.
//!
//! The build script of `snmalloc-sys` takes debug information, be it line tables only, for the wish not to optimise. Such a
//! snmalloc is slower by a factor of ten; it must not be taken for a peer.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(slow_snmalloc)");
    // The same variable, from the same profile.
    if std::env::var("DEBUG").is_ok_and(|debug| debug == "true") {
        println!("cargo::rustc-cfg=slow_snmalloc");
    }
}
