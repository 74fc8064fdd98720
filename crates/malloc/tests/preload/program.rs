//! The C programs, built and run under the library.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use snugfit_testing::{compile, malloc_library, run, text};

/// The library, built once.
pub(crate) fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(malloc_library)
}

/// The same to link with, which is built beside it.
pub(crate) fn archive() -> PathBuf {
    library().with_extension("a")
}

/// A folder for what one test makes.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder in the target folder")
}

/// A C program of `tests/c`, built.
pub(crate) struct Program {
    pub(crate) folder: tempfile::TempDir,
    path: PathBuf,
}

impl Program {
    pub(crate) fn new(name: &str) -> Self {
        let folder = folder();
        let path = build(name, folder.path(), name, [""; 0]);
        Self { folder, path }
    }

    /// A program that is linked with the library's archive.
    pub(crate) fn linked(name: &str) -> Self {
        let folder = folder();
        let path = build(name, folder.path(), name, [archive()]);
        Self { folder, path }
    }

    /// A program that is linked with a shared library, which has a second copy under another name.
    pub(crate) fn with_libraries(name: &str, library: &str) -> (Self, [PathBuf; 2]) {
        let folder = folder();
        let first = build(library, folder.path(), "libfirst.so", ["-shared", "-fPIC"]);
        let second = folder.path().join("libsecond.so");
        std::fs::copy(&first, &second).expect("a library can be copied");
        let path = build(name, folder.path(), name, [first.as_os_str(), OsStr::new("-ldl")]);
        (Self { folder, path }, [first, second])
    }

    /// The program without the library.
    pub(crate) fn alone(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.env_remove("LD_PRELOAD").env_remove("SNUGFIT_OPTIONS");
        command
    }

    /// The program under the library, which validates the heap at exit; or with the options in `SNUGFIT_TEST_OPTIONS`.
    pub(crate) fn preloaded(&self) -> Command {
        let mut command = self.alone();
        command
            .env("LD_PRELOAD", library())
            .env("SNUGFIT_OPTIONS", std::env::var("SNUGFIT_TEST_OPTIONS").unwrap_or("validate".into()));
        command
    }

    /// Runs it under the library: it ends well and says nothing.
    pub(crate) fn passes<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) {
        ends_well(self.preloaded().args(arguments));
    }
}

/// Runs a program that ends well and has nothing to complain of. Returns what it printed.
pub(crate) fn ends_well(command: &mut Command) -> Output {
    let done = run(command);
    let complaints = text(&done.stderr);
    assert!(done.status.success() && complaints.is_empty(), "{command:?}: {}\n{complaints}", done.status);
    done
}

fn build<S: AsRef<OsStr>>(
    name: &str,
    folder: &Path,
    file: &str,
    arguments: impl IntoIterator<Item = S>,
) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c").join(name).with_extension("c");
    let path = folder.join(file);
    compile(&source, &path, arguments);
    path
}
