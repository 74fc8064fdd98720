//! What is measured.

mod libraries;
mod loaded;
mod preload;
mod served;

use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::ValueEnum;
use serde::Serialize;

use crate::allocator::Served;
use crate::counting::Counting;

pub(crate) use loaded::check_malloc;
pub(crate) use preload::Preload;

/// What serves the calls in a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[clap(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum Server {
    Snugfit,
    Dlmalloc,
    Talc,
    Rlsf,
    RustyAlloc,
    Mimalloc,
    Jemalloc,
    Snmalloc,
    /// The process's own `malloc`, whoever it is.
    Malloc,
    /// None of the contenders: it tells what was live.
    Counting,
}

/// What can be done with a server once its type is known.
pub(crate) trait Visit {
    type Output;

    fn visit<S: Served>(self) -> Self::Output;
}

impl Server {
    const CRATES: [Self; 8] = [
        Self::Snugfit,
        Self::Dlmalloc,
        Self::Talc,
        Self::Rlsf,
        Self::RustyAlloc,
        Self::Mimalloc,
        Self::Jemalloc,
        Self::Snmalloc,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Snugfit => "snugfit",
            Self::Dlmalloc => "dlmalloc",
            Self::Talc => "talc",
            Self::Rlsf => "rlsf",
            Self::RustyAlloc => "rusty_alloc",
            Self::Mimalloc => "mimalloc",
            Self::Jemalloc => "jemalloc",
            Self::Snmalloc => "snmalloc",
            Self::Malloc => "malloc",
            Self::Counting => "counting",
        }
    }

    /// Why it cannot be measured by this build, if so.
    fn lack(self) -> Option<&'static str> {
        match self {
            Self::Mimalloc | Self::Jemalloc | Self::Snmalloc if !cfg!(feature = "native") => {
                Some("this program was built without the feature `native`")
            }
            // See build.rs.
            Self::Snmalloc if cfg!(slow_snmalloc) => {
                Some("it was built without optimisation; set CARGO_PROFILE_RELEASE_DEBUG=false when building")
            }
            _ => None,
        }
    }

    /// Finds the type behind a name; `None` if it is not part of this build.
    pub(crate) fn visit<V: Visit>(self, visitor: V) -> Option<V::Output> {
        Some(match self {
            Self::Snugfit => visitor.visit::<served::Snugfit>(),
            Self::Dlmalloc => visitor.visit::<served::Dlmalloc>(),
            Self::Talc => visitor.visit::<served::Talc>(),
            Self::Rlsf => visitor.visit::<served::Rlsf>(),
            Self::RustyAlloc => visitor.visit::<served::RustyAlloc>(),
            #[cfg(feature = "native")]
            Self::Mimalloc => visitor.visit::<served::Mimalloc>(),
            #[cfg(feature = "native")]
            Self::Jemalloc => visitor.visit::<served::Jemalloc>(),
            #[cfg(feature = "native")]
            Self::Snmalloc => visitor.visit::<served::Snmalloc>(),
            #[cfg(not(feature = "native"))]
            Self::Mimalloc | Self::Jemalloc | Self::Snmalloc => return None,
            Self::Malloc => visitor.visit::<served::Malloc>(),
            Self::Counting => visitor.visit::<Counting>(),
        })
    }
}

/// One that is measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Contender {
    pub(crate) name: String,
    pub(crate) server: Server,
    /// What is preloaded.
    pub(crate) library: Option<PathBuf>,
}

impl Contender {
    /// The one that counts.
    pub(crate) fn counting() -> Self {
        Self::served_by(Server::Counting)
    }

    fn served_by(server: Server) -> Self {
        Self { name: server.name().to_owned(), server, library: None }
    }
}

/// One that is not there to be measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Missing {
    pub(crate) name: String,
    pub(crate) why: String,
}

/// All contenders that there are, and those that there should be; of `wanted`, if any are named, only these.
///
/// # Errors
/// If one that is named is unknown, or missing, or if nothing is left.
pub(crate) fn gather(preloads: &[Preload], wanted: &[String]) -> Result<(Vec<Contender>, Vec<Missing>)> {
    let (mut found, mut missing) = all(preloads)?;
    if !wanted.is_empty() {
        for name in wanted {
            if let Some(missing) = missing.iter().find(|missing| missing.name == *name) {
                bail!("{name} is missing: {}", missing.why);
            }
            let known = || found.iter().map(|contender| &contender.name[..]).collect::<Vec<_>>().join(", ");
            ensure!(found.iter().any(|one| one.name == *name), "there is no `{name}`, only {}", known());
        }
        found.retain(|contender| wanted.contains(&contender.name));
        missing.clear();
    }
    Ok((found, missing))
}

fn all(preloads: &[Preload]) -> Result<(Vec<Contender>, Vec<Missing>)> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for server in Server::CRATES {
        match server.lack() {
            None => found.push(Contender::served_by(server)),
            Some(why) => missing.push(Missing { name: server.name().to_owned(), why: why.to_owned() }),
        }
    }
    found.push(Contender { name: "glibc".to_owned(), server: Server::Malloc, library: None });
    for (name, searched) in libraries::known(preloads) {
        let name = format!("{name}.so");
        match searched {
            Ok(path) => found.push(Contender { name, server: Server::Malloc, library: Some(path) }),
            Err(why) => missing.push(Missing { name, why }),
        }
    }
    let mut names = HashSet::new();
    for contender in &found {
        ensure!(names.insert(&contender.name), "there are two contenders `{}`", contender.name);
    }
    Ok((found, missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[Contender]) -> Vec<&str> {
        list.iter().map(|contender| &contender.name[..]).collect()
    }

    #[test]
    fn every_peer_is_either_found_or_said_to_be_missing() {
        let (found, missing) = gather(&[], &[]).unwrap();
        let mut all = names(&found);
        all.extend(missing.iter().map(|missing| &missing.name[..]));
        for name in
            ["snugfit", "mimalloc", "glibc", "snugfit.so", "mimalloc.so", "jemalloc.so", "tcmalloc.so"]
        {
            assert_eq!(all.iter().filter(|&&other| other == name).count(), 1, "{name} in {all:?}");
        }
    }

    #[test]
    fn only_those_that_are_wanted() {
        let wanted = ["glibc", "snugfit"].map(str::to_owned);
        let (found, missing) = gather(&[], &wanted).unwrap();
        assert_eq!(names(&found), ["snugfit", "glibc"]);
        assert!(missing.is_empty());
        let error = gather(&[], &["glib".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("`glib`") && error.contains("talc"), "{error}");
    }

    #[test]
    fn what_is_named_and_missing_is_an_error() {
        let preload: Preload = "mine=/nonexistent/lib.so".parse().unwrap();
        let error = gather(&[preload], &["mine.so".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("mine.so is missing") && error.contains("/nonexistent/lib.so"), "{error}");
    }

    #[test]
    fn two_of_one_name_are_an_error() {
        let program = std::env::current_exe().unwrap();
        let twice = [0, 1].map(|_| format!("mine={}", program.display()).parse().unwrap());
        assert!(gather(&twice, &[]).unwrap_err().to_string().contains("two contenders `mine.so`"));
    }
}
