//! The measurement: who runs when.

mod child;
mod machine;
mod others;
mod progress;
mod rounds;

use std::fs;
use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use crate::arguments;
use crate::contender::{self, Contender};
use crate::report::{Results, picture, tables};
use crate::workload::WorkloadName;

use others::Others;
use rounds::Schedule;

/// What part of the work `--quick` does.
const QUICK: u32 = 16;

/// What ratios are to if nothing else is named: the first of these that is measured.
const REFERENCES: [&str; 3] = ["mimalloc", "mimalloc.so", "glibc"];

pub(crate) fn run(arguments: &arguments::Run) -> Result<()> {
    let (contenders, missing) = contender::gather(&arguments.preload, &arguments.contenders)?;
    for one in &missing {
        note(&format!("{} is missing: {}", one.name, one.why));
    }
    let reference = reference(arguments.reference.as_deref(), &contenders)?;
    let mut threads = arguments.threads.clone();
    threads.sort_unstable();
    threads.dedup();
    let mut workloads = arguments.only.clone();
    if workloads.is_empty() {
        workloads.extend(WorkloadName::value_variants());
    }
    workloads.sort_unstable();
    workloads.dedup();
    let schedule = Schedule {
        contenders: &contenders,
        workloads: &workloads,
        threads: &threads,
        rounds: arguments.rounds as usize,
        divisor: if arguments.quick { QUICK } else { 1 },
    };
    let others = Others::watch();
    let cells = schedule.run()?;
    let machine = machine::machine(others.processors());
    let results = Results::new(machine, &schedule.settings(), contenders.clone(), missing, reference, cells);
    write(&results, arguments)?;
    print(&tables::text(&results))?;
    let failed = results.cells.iter().filter(|cell| cell.failure.is_some()).count();
    ensure!(failed == 0, "{failed} of {} failed, see above", results.cells.len());
    Ok(())
}

fn reference(named: Option<&str>, contenders: &[Contender]) -> Result<String> {
    let measured = |name: &str| contenders.iter().any(|one| one.name == name);
    if let Some(name) = named {
        ensure!(measured(name), "the reference `{name}` is not among the contenders");
        return Ok(name.to_owned());
    }
    let Some(first) = contenders.first() else { bail!("there is nobody to measure") };
    let usual = REFERENCES.into_iter().find(|name| measured(name)).unwrap_or(&first.name);
    if usual != REFERENCES[0] {
        note(&format!("ratios are to {usual}, as {} is not measured", REFERENCES[0]));
    }
    Ok(usual.to_owned())
}

fn write(results: &Results, arguments: &arguments::Run) -> Result<()> {
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(results).context("cannot put the results into JSON")?;
        fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &arguments.svg {
        let text = picture::svg(results)?;
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Prints all at once. Whoever stops reading has seen enough: a closed pipe is no error.
fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot print the results"),
        _ => Ok(()),
    }
}

/// Says something that is not a result.
fn note(sentence: &str) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(io::stderr(), "snugfit-workloads: {sentence}");
}
