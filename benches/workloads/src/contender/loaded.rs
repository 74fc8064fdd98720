//! Whose `malloc` this process has.
//!
//! The loader says nothing, or a line that nobody reads, if it cannot preload a library. Then `malloc` is the C library's,
//! and its figures must not be taken for another's.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Fails unless `malloc` comes from `library`; or if there is none, from the C library.
pub(crate) fn check_malloc(library: Option<&Path>) -> Result<()> {
    let maps = fs::read_to_string("/proc/self/maps").context("cannot read /proc/self/maps")?;
    // Through a pointer that the compiler knows nothing of, or it could answer without the loader.
    let malloc: unsafe extern "C" fn(usize) -> *mut libc::c_void = std::hint::black_box(libc::malloc);
    let file = file_at(&maps, malloc as usize).context("malloc is in no file")?;
    match library {
        Some(library) => {
            let library = library.canonicalize().with_context(|| format!("no {}", library.display()))?;
            ensure!(file == library, "malloc is that of {}, not of {}", file.display(), library.display());
        }
        None => ensure!(is_the_c_library(&file), "malloc is that of {}, not the C library's", file.display()),
    }
    Ok(())
}

/// The file that is mapped at `address`.
fn file_at(maps: &str, address: usize) -> Option<PathBuf> {
    maps.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let [start, end] = [start, end].map(|number| usize::from_str_radix(number, 16));
        // Permissions, offset, device and inode come between.
        let file = words.nth(4)?;
        (start.ok()?..end.ok()?).contains(&address).then(|| PathBuf::from(file))
    })
}

fn is_the_c_library(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("libc.so") || name.starts_with("libc-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
5d000000-5d001000 r-xp 00000000 fe:00 77    /usr/bin/program
7f000000-7f002000 r-xp 00001000 fe:00 78    /usr/lib/libother.so
7f002000-7f003000 rw-p 00000000 00:00 0
7fff0000-7fff1000 r-xp 00000000 00:00 0     [vdso]
";

    #[test]
    fn an_address_is_in_the_file_that_is_mapped_there() {
        let library = Some(PathBuf::from("/usr/lib/libother.so"));
        assert_eq!(file_at(MAPS, 0x7f00_0000), library);
        assert_eq!(file_at(MAPS, 0x7f00_1fff), library);
        assert_eq!(file_at(MAPS, 0x7f00_2000), None);
        assert_eq!(file_at(MAPS, 0x1000), None);
    }

    #[test]
    fn the_malloc_of_this_process_is_the_c_librarys() {
        check_malloc(None).unwrap();
        let program = std::env::current_exe().unwrap();
        assert!(check_malloc(Some(&program)).unwrap_err().to_string().contains("not of"));
    }
}
