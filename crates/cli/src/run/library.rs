//! Where the library is.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What its file is called.
const NAME: &str = "libsnugfit_malloc.so";

/// Why there is no library to preload.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoLibrary {
    #[error(
        "{NAME} is not built. `cargo build --release -p snugfit-malloc` builds it, `./install` installs it, and \
         `--library PATH` names one that is elsewhere. Looked for:{}", list(.looked_for)
    )]
    NotBuilt { looked_for: Vec<PathBuf> },
    #[error("there is no library at {}", .0.display())]
    Missing(PathBuf),
    #[error("{} has a space or a colon in its path, which LD_PRELOAD takes for the end of it", .0.display())]
    Unnameable(PathBuf),
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("\n  {}", path.display())).collect()
}

/// The library that `named` names; else the one beside this program, where Cargo builds both; else where `install` puts
/// it.
pub(crate) fn find(named: Option<&Path>) -> Result<PathBuf, NoLibrary> {
    let path = match named {
        Some(path) => path.canonicalize().map_err(|_| NoLibrary::Missing(path.to_owned()))?,
        None => {
            let looked_for = candidates();
            let found = looked_for.iter().find_map(|path| path.canonicalize().ok());
            found.ok_or(NoLibrary::NotBuilt { looked_for })?
        }
    };
    if is_nameable(path.as_os_str()) { Ok(path) } else { Err(NoLibrary::Unnameable(path)) }
}

fn candidates() -> Vec<PathBuf> {
    let program = std::env::current_exe().unwrap_or_default();
    let folder = program.parent().unwrap_or(Path::new("/"));
    let above = folder.parent().unwrap_or(folder);
    // A debug build of this program serves the library that is built for speed.
    [folder, &above.join("release"), &above.join("lib")].iter().map(|folder| folder.join(NAME)).collect()
}

fn is_nameable(path: &OsStr) -> bool {
    !path.as_bytes().iter().any(|byte| b" :".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_space_or_a_colon_cannot_be_preloaded() {
        assert!(is_nameable(OsStr::new("/usr/lib/libsnugfit_malloc.so")));
        assert!(!is_nameable(OsStr::new("/opt/a b/lib.so")));
        assert!(!is_nameable(OsStr::new("/opt/a:b/lib.so")));
    }

    #[test]
    fn a_library_that_is_named_and_missing_is_an_error() {
        let found = find(Some(Path::new("/nonexistent/lib.so")));
        assert!(matches!(found, Err(NoLibrary::Missing(_))), "{found:?}");
    }
}
