//! The script itself, and the files that it writes.

use std::fs::canonicalize;
use std::path::Path;
use std::process::Command;

use snugfit_testing::{compile, run, text};

use crate::installed::{CRATE, Installed, assert_prints, source};

#[test]
fn the_shared_libraries_have_their_versions() {
    let installed = Installed::new();
    for name in ["libsnugfit", "libsnugfit_malloc"] {
        let file = canonicalize(installed.path(&format!("lib/{name}.so"))).expect("it leads to a file");
        let version = env!("CARGO_PKG_VERSION");
        assert!(file.ends_with(format!("{name}.so.{version}")), "{}", file.display());
        let dynamic = run(Command::new("readelf").arg("-d").arg(&file));
        let major = version.split('.').next().expect("a number");
        assert!(text(&dynamic.stdout).contains(&format!("soname: [{name}.so.{major}]")));
    }
}

#[test]
fn pkg_config_knows_how_to_link() {
    let installed = Installed::new();
    let file = std::fs::read_to_string(installed.path("lib/pkgconfig/snugfit.pc")).expect("it is installed");
    assert!(file.contains(&format!("prefix={}\n", installed.string("").trim_end_matches('/'))), "{file}");
    assert!(
        file.contains(&format!("Version: {}\n", env!("CARGO_PKG_VERSION"))) && !file.contains('@'),
        "{file}"
    );
    let mut asked = Command::new("pkg-config");
    asked.args(["--cflags", "--libs", "snugfit"]).env("PKG_CONFIG_PATH", installed.path("lib/pkgconfig"));
    // Where there is no pkg-config, the file has been looked at at least.
    let Ok(told) = asked.output() else { return };
    assert!(told.status.success(), "{}", text(&told.stderr));
    let mut flags: Vec<String> = text(&told.stdout).split_whitespace().map(str::to_owned).collect();
    let program = installed.path("linked");
    for kind in ["shared", "static"] {
        compile(&source("tests/c/calls.c"), &program, &flags);
        let done = run(Command::new(&program).env("LD_LIBRARY_PATH", installed.path("lib")));
        assert_prints(&done, "every call does what it says\n", kind);
        flags.push("-static".into());
    }
}

/// Packages are put together so; and it may be done twice.
#[test]
fn it_installs_into_a_folder_of_any_name_for_another() {
    let release = snugfit_testing::build("snugfit-capi");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for _ in 0..2 {
        let installed = run(Command::new(Path::new(CRATE).join("../../install"))
            .current_dir(folder.path())
            .env("CARGO_TARGET_DIR", release.parent().expect("the folder is in another"))
            .env("DESTDIR", "stage")
            .args(["--prefix", "/opt/a b&c|d"]));
        assert!(installed.status.success(), "{}", text(&installed.stderr));
    }
    let lib = folder.path().join("stage/opt/a b&c|d/lib");
    assert!(canonicalize(lib.join("libsnugfit.so")).is_ok() && lib.join("libsnugfit.a").is_file());
    let file = std::fs::read_to_string(lib.join("pkgconfig/snugfit.pc")).expect("it is installed");
    assert!(file.starts_with("prefix=/opt/a\\ b&c|d\n"), "{file}");
}

#[test]
fn the_script_says_what_is_wrong() {
    let script = || Command::new(Path::new(CRATE).join("../../install"));
    let helped = run(script().arg("--help"));
    assert!(helped.status.success() && text(&helped.stdout).starts_with("usage: ./install"));
    for arguments in [vec!["--prefix"], vec!["--prefix", ""], vec!["--prefix="], vec!["--no-such-option"]] {
        let refused = run(script().args(&arguments));
        assert!(!refused.status.success() && text(&refused.stderr).contains("install: "), "{arguments:?}");
    }
}
