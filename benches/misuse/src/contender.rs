//! Whose `malloc` is misused.

// The workloads look for the same libraries.
#[path = "../../workloads/src/contender/libraries.rs"]
mod libraries;
#[path = "../../workloads/src/contender/loaded.rs"]
mod loaded;
#[path = "../../workloads/src/contender/preload.rs"]
mod preload;

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use serde::Serialize;

pub(crate) use loaded::check_malloc;
pub(crate) use preload::Preload;

/// One that is tried.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Contender {
    pub(crate) name: String,
    /// What is preloaded.
    pub(crate) library: Option<PathBuf>,
    /// `SNUGFIT_OPTIONS`.
    pub(crate) options: Option<&'static str>,
}

/// One that is not there.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Missing {
    pub(crate) name: String,
    pub(crate) why: String,
}

/// Our own library, and the same with its option.
const OURS: &str = "snugfit";
const HARDENED: (&str, &str) = ("snugfit-hardened", "hardened");

/// All contenders that there are, ours last, and those that there should be.
///
/// # Errors
/// If two have one name.
pub(crate) fn all(preloads: &[Preload]) -> Result<(Vec<Contender>, Vec<Missing>)> {
    let (mut found, mut missing) = (vec![contender("glibc", None, None)], Vec::new());
    let mut known = libraries::known(preloads);
    known.sort_by_key(|(name, _)| name == OURS);
    for (name, searched) in known {
        let options: &[_] = if name == OURS { &[(OURS, None), (HARDENED.0, Some(HARDENED.1))] } else { &[] };
        match searched {
            Ok(path) if options.is_empty() => found.push(contender(&name, Some(path), None)),
            Ok(path) => {
                found.extend(options.iter().map(|&(name, word)| contender(name, Some(path.clone()), word)));
            }
            Err(why) => missing.push(Missing { name, why }),
        }
    }
    for (at, one) in found.iter().enumerate() {
        ensure!(
            !found[..at].iter().any(|other| other.name == one.name),
            "there are two contenders `{}`",
            one.name
        );
    }
    Ok((found, missing))
}

fn contender(name: &str, library: Option<PathBuf>, options: Option<&'static str>) -> Contender {
    Contender { name: name.to_owned(), library, options }
}

/// Of all, only those that are wanted, in that order; all, if none is named.
///
/// # Errors
/// If one that is named is unknown, or missing.
pub(crate) fn choose(
    found: Vec<Contender>,
    missing: &[Missing],
    wanted: &[String],
) -> Result<Vec<Contender>> {
    if wanted.is_empty() {
        return Ok(found);
    }
    let mut chosen = Vec::new();
    for name in wanted {
        if let Some(missing) = missing.iter().find(|missing| missing.name == *name) {
            bail!("{name} is missing: {}", missing.why);
        }
        let Some(one) = found.iter().find(|one| one.name == *name) else {
            let known: Vec<&str> = found.iter().map(|one| &one.name[..]).collect();
            bail!("there is no `{name}`, only {}", known.join(", "));
        };
        chosen.push(one.clone());
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preload(text: &str) -> Preload {
        text.parse().unwrap()
    }

    #[test]
    fn every_peer_is_either_found_or_said_to_be_missing() {
        let (found, missing) = all(&[]).unwrap();
        assert_eq!(found[0].name, "glibc");
        for peer in ["snugfit", "mimalloc", "jemalloc"] {
            let there = found.iter().any(|one| one.name == peer);
            assert_ne!(there, missing.iter().any(|one| one.name == peer), "{peer}");
        }
    }

    #[test]
    fn only_those_that_are_wanted() {
        let program = std::env::current_exe().unwrap();
        let preloads = [preload(&format!("mine={}", program.display())), preload("gone=/nonexistent/lib.so")];
        let (found, missing) = all(&preloads).unwrap();
        let choose = |name: &str| choose(found.clone(), &missing, &[name.to_owned()]);
        assert_eq!(choose("mine").unwrap()[0].library.as_ref(), Some(&program.canonicalize().unwrap()));
        assert!(choose("gone").unwrap_err().to_string().contains("/nonexistent/lib.so"));
        assert!(choose("nobody").unwrap_err().to_string().contains("`nobody`"));
    }

    #[test]
    fn two_of_one_name_are_an_error() {
        let program = std::env::current_exe().unwrap();
        let twice = [0, 1].map(|_| preload(&format!("mine={}", program.display())));
        assert!(all(&twice).unwrap_err().to_string().contains("two contenders `mine`"));
    }
}
