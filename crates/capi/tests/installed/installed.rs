//! The libraries, installed for a test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use snugfit_testing::{run, text};
use tempfile::TempDir;

pub(crate) const CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// The libraries, installed in a folder that goes when this does.
pub(crate) struct Installed(TempDir);

impl Installed {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let release = snugfit_testing::build("snugfit-capi");
        let target = release.parent().expect("the folder is in another");
        let installed = run(Command::new(Path::new(CRATE).join("../../install"))
            .env("CARGO_TARGET_DIR", target)
            .env_remove("DESTDIR")
            .args(["--prefix".as_ref(), folder.path().as_os_str()]));
        assert!(installed.status.success(), "{}", text(&installed.stderr));
        Self(folder)
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    pub(crate) fn string(&self, file: &str) -> String {
        self.path(file).into_os_string().into_string().expect("text")
    }

    /// Arguments that link a program with the static library.
    pub(crate) fn link_statically(&self) -> Vec<String> {
        vec![format!("-I{}", self.string("include")), self.string("lib/libsnugfit.a")]
    }

    /// Arguments that link a program with the shared library.
    pub(crate) fn link(&self) -> Vec<String> {
        let lib = self.string("lib");
        vec![
            format!("-I{}", self.string("include")),
            format!("-L{lib}"),
            "-lsnugfit".into(),
            format!("-Wl,-rpath,{lib}"),
        ]
    }
}

pub(crate) fn source(file: &str) -> PathBuf {
    Path::new(CRATE).join(file)
}

/// It has done well, and printed this.
pub(crate) fn assert_prints(done: &Output, expected: &str, what: &str) {
    assert!(done.status.success(), "{what}: {}", text(&done.stderr));
    assert_eq!(text(&done.stdout), expected, "{what}");
}
