//! `include/snugfit.h` is what the code says.

use std::path::Path;

/// The header, made of the code.
fn generated() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_root_or_default(root);
    let sources = ["bad_pointer", "calls", "tries", "stats", "check", "options", "version"]
        .map(|name| root.join(format!("src/{name}.rs")));
    let builder = sources.iter().fold(cbindgen::Builder::new(), cbindgen::Builder::with_src);
    let bindings = builder.with_config(config).generate().expect("the code can be put into C");
    let mut header = Vec::new();
    bindings.write(&mut header);
    String::from_utf8(header).expect("a header is text")
}

/// With `SNUGFIT_WRITE_HEADER=1` it is written anew.
#[test]
fn the_header_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/snugfit.h");
    if std::env::var_os("SNUGFIT_WRITE_HEADER").is_some() {
        std::fs::write(&path, generated()).expect("the header can be written");
    }
    let committed = std::fs::read_to_string(&path).expect("there is a header");
    assert!(
        committed == generated(),
        "include/snugfit.h is not that of the code; write it anew with\n  \
         SNUGFIT_WRITE_HEADER=1 cargo test -p snugfit-capi --test header"
    );
}
