//! A library that the user names.

use std::path::PathBuf;
use std::str::FromStr;

/// `NAME=PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Preload {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

impl FromStr for Preload {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() && !name.contains(',') => {
                // The `.so` is added anyway.
                let name = name.strip_suffix(".so").unwrap_or(name);
                Ok(Self { name: name.to_owned(), path: PathBuf::from(path) })
            }
            _ => Err("must be NAME=PATH"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_path() {
        let preload: Preload = "mimalloc3=/opt/a=b.so".parse().unwrap();
        assert_eq!(preload.name, "mimalloc3");
        assert_eq!(preload.path, PathBuf::from("/opt/a=b.so"));
        assert_eq!("x.so=/y".parse::<Preload>().unwrap().name, "x");
        for wrong in ["", "mimalloc3", "=/opt/lib.so", "name=", "a,b=/opt/lib.so"] {
            assert!(wrong.parse::<Preload>().is_err(), "{wrong}");
        }
    }
}
