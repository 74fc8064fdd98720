//! The results.

pub(crate) mod share;
pub(crate) mod tables;

use serde::Serialize;

use crate::cases::Case;
use crate::contender::{Contender, Missing};
use crate::verdict::Verdict;

use share::Share;

/// How a child ended.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    /// By which signal or exit code.
    pub(crate) ended: String,
    /// The last line on standard error.
    pub(crate) said: Option<String>,
}

/// A case, and what became of it under each contender, in their order.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) case: String,
    pub(crate) kind: &'static str,
    pub(crate) bytes: usize,
    pub(crate) is_control: bool,
    /// Whether an allocator could notice at all.
    pub(crate) noticeable: bool,
    /// Why not.
    pub(crate) blind: Option<&'static str>,
    pub(crate) outcomes: Vec<Outcome>,
}

impl Row {
    pub(crate) fn new(case: &Case, outcomes: Vec<Outcome>) -> Self {
        Self {
            case: case.name.clone(),
            kind: case.kind,
            bytes: case.size.bytes(),
            is_control: case.is_control(),
            noticeable: case.blind.is_none() && !case.is_control(),
            blind: case.blind,
            outcomes,
        }
    }
}

/// What each contender has noticed of one kind.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Kind {
    pub(crate) kind: &'static str,
    /// Cases that could be noticed.
    pub(crate) noticeable: usize,
    pub(crate) shares: Vec<Share>,
}

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) contenders: Vec<Contender>,
    pub(crate) missing: Vec<Missing>,
    pub(crate) rows: Vec<Row>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) totals: Vec<Share>,
}

impl Results {
    pub(crate) fn new(contenders: Vec<Contender>, missing: Vec<Missing>, rows: Vec<Row>) -> Self {
        let shares = |kind: Option<&str>| -> Vec<Share> {
            let of_kind = |row: &&Row| row.noticeable && kind.is_none_or(|kind| row.kind == kind);
            let outcomes = |at: usize| rows.iter().filter(of_kind).map(move |row| row.outcomes[at].verdict);
            (0..contenders.len()).map(|at| outcomes(at).collect()).collect()
        };
        let mut kinds: Vec<Kind> = Vec::new();
        for row in rows.iter().filter(|row| row.noticeable) {
            match kinds.last_mut() {
                Some(last) if last.kind == row.kind => last.noticeable += 1,
                _ => kinds.push(Kind { kind: row.kind, noticeable: 1, shares: shares(Some(row.kind)) }),
            }
        }
        let totals = shares(None);
        Self { contenders, missing, rows, kinds, totals }
    }
}
