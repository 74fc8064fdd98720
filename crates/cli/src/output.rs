//! Prints the results.

use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};

use crate::row::Row;
use crate::strategy::Strategy;
use crate::table;

/// What the columns cannot say in a word.
const CAPTION: &str = "\
util: peak live / footprint. headers to metadata: shares of the footprint when it last rose; the rest was live then.";

/// Prints `rows`, all at once. Whoever stops reading has seen enough: a closed pipe is no error.
pub(crate) fn print(rows: &[Row], strategies: &[Strategy], json: bool) -> Result<()> {
    let text = if json {
        serde_json::to_string_pretty(rows).context("cannot put the results into JSON")?
    } else {
        format!("{}\n{CAPTION}", table::table(rows, strategies))
    };
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot print the results"),
        _ => Ok(()),
    }
}
