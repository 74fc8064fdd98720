//! Cargo: a small crate built and run.

use std::env;
use std::fs;

use crate::setting::{are_there, input, program};
use crate::trial::Trial;

/// A crate without dependencies, of a workspace of its own: the folder lies in one.
const MANIFEST: &str =
    "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";

#[test]
fn cargo_build() {
    if !are_there(&["bash", "cc"]) {
        return;
    }
    let trial = Trial::new("cargo build", &["cargo", "cc", "small"]).prepared(|folder| {
        fs::create_dir(folder.join("src")).expect("a folder can be made");
        fs::write(folder.join("Cargo.toml"), MANIFEST).expect("a file can be written");
        fs::copy(input("small.rs"), folder.join("src/main.rs")).expect("a file can be copied");
    });
    trial.compare(|| {
        let mut command = program("bash");
        // What the Cargo that runs this test has put there is not for the one that is tested.
        let own =
            |name: &str| name.starts_with("CARGO_") && name != "CARGO_HOME" || name.starts_with("RUSTFLAGS");
        for (name, _) in env::vars().filter(|(name, _)| own(name)) {
            command.env_remove(name);
        }
        command.args([
            "-ec",
            "\"$0\" build --release --offline --quiet --target-dir target && target/release/small",
        ]);
        command.arg(env!("CARGO"));
        command
    });
}
