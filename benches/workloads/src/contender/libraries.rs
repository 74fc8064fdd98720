//! Where the libraries to preload are.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::Preload;

/// Other allocators, as Debian and others install them.
const PEERS: [(&str, &str); 3] = [
    ("mimalloc", "libmimalloc.so.2"),
    ("jemalloc", "libjemalloc.so.2"),
    ("tcmalloc", "libtcmalloc_minimal.so.4"),
];

const FOLDERS: [&str; 7] = [
    "/usr/local/lib",
    "/usr/local/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/x86_64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/lib64",
];

/// The path of a library, or why there is none.
type Searched = Result<PathBuf, String>;

/// Names and paths: our own library, those of the system, and those that the user names.
pub(super) fn known(preloads: &[Preload]) -> Vec<(String, Searched)> {
    let mut all = vec![("snugfit".to_owned(), ours())];
    all.extend(PEERS.map(|(name, file)| (name.to_owned(), of_the_system(file))));
    all.extend(preloads.iter().map(|preload| (preload.name.clone(), named(&preload.path))));
    all
}

/// The library beside this program, where Cargo builds both. A debug build of this program measures the one that is built
/// for speed, too.
fn ours() -> Searched {
    const NAME: &str = "libsnugfit_malloc.so";
    let program = std::env::current_exe().unwrap_or_default();
    let folders = program.ancestors().skip(1).take(3);
    let places = folders.flat_map(|folder| [folder.join(NAME), folder.join("release").join(NAME)]);
    let found = places.filter_map(|path| path.canonicalize().ok()).next();
    found.map_or_else(
        || Err(format!("{NAME} is not built: `cargo build --release -p snugfit-malloc`")),
        |path| nameable(&path),
    )
}

fn of_the_system(file: &str) -> Searched {
    let found = FOLDERS.iter().find_map(|folder| Path::new(folder).join(file).canonicalize().ok());
    found.map_or_else(|| Err(format!("{file} is in none of {}", FOLDERS.join(", "))), |path| nameable(&path))
}

fn named(path: &Path) -> Searched {
    match path.canonicalize() {
        Ok(path) => nameable(&path),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn nameable(path: &Path) -> Searched {
    if path.as_os_str().as_bytes().iter().any(|byte| b" :".contains(byte)) {
        return Err(format!(
            "{} has a space or a colon in its path, which LD_PRELOAD takes for its end",
            path.display()
        ));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_not_there_is_missing_with_a_reason() {
        assert!(named(Path::new("/nonexistent/lib.so")).unwrap_err().contains("/nonexistent/lib.so"));
        assert!(of_the_system("libnonexistent.so.9").unwrap_err().contains("libnonexistent.so.9"));
    }

    #[test]
    fn a_path_that_cannot_be_preloaded_is_refused() {
        assert!(nameable(Path::new("/opt/a b/lib.so")).is_err());
        assert!(nameable(Path::new("/opt/a:b/lib.so")).is_err());
        assert!(nameable(Path::new("/opt/ab/lib.so")).is_ok());
    }
}
