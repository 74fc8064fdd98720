//! The footprint as the operating system sees it: the growth of peak resident memory, in a process of its own.
//!
//! The process that compares starts this program again, hands it the trace on standard input and reads one JSON
//! object from its standard output.

use std::io::{self, Read};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use snugfit_source::os;
use snugfit_trace::{Replay, ResidentWatch, Trace};

use crate::arguments;
use crate::contender::Space;
use crate::strategy::Strategy;

/// What the process of its own reports.
#[derive(Debug, Deserialize, Serialize)]
struct Report {
    peak_live_bytes: usize,
    /// Growth of peak resident memory.
    resident_bytes: usize,
    /// The footprint by the allocator's own account, if it has one.
    accounted_bytes: Option<usize>,
}

/// The hidden subcommand: measures in this process, and prints the report.
pub(crate) fn run(arguments: &arguments::Footprint) -> Result<()> {
    let trace = Trace::from_reader(&arguments.name, io::stdin().lock())?;
    let report = measure(arguments.strategy, &trace)?;
    serde_json::to_writer(io::stdout(), &report).context("cannot report the footprint")
}

fn measure(strategy: Strategy, trace: &Trace) -> Result<Report> {
    warm_up(strategy)?;
    let mut replay = Replay::new(trace);
    let mut contender = strategy.contender();
    let mut watch = ResidentWatch::start()?;
    let (peak_live_bytes, accounted_bytes) =
        contender.check(&mut replay, &mut |progress| watch.observe(progress))?;
    let growth = watch.growth()?;
    // Every live byte was written, so what the growth falls short of them was resident before: less than a page or
    // two, but a small trace needs no more.
    let least = peak_live_bytes.next_multiple_of(os::page_size());
    Ok(Report { peak_live_bytes, resident_bytes: growth.max(least), accounted_bytes })
}

/// Does everything once on a small scale: pages of code are resident memory too, and not the allocator's doing.
fn warm_up(strategy: Strategy) -> Result<()> {
    let trace = snugfit_trace::warm_up();
    let mut watch = ResidentWatch::start()?;
    strategy.contender().check(&mut Replay::new(&trace), &mut |progress| watch.observe(progress))?;
    Ok(())
}

/// Measures `strategy` on `trace` in a process of its own.
pub(crate) fn in_own_process(strategy: Strategy, trace: &Trace) -> Result<Space> {
    let report = ask(strategy, trace).with_context(|| {
        format!("cannot measure the footprint of `{}`; `--strategy` can leave it out", strategy.name())
    })?;
    let Report { peak_live_bytes, resident_bytes, .. } = report;
    Ok(Space { peak_live_bytes, peak_footprint_bytes: resident_bytes, breakdown: None })
}

fn ask(strategy: Strategy, trace: &Trace) -> Result<Report> {
    let program = std::env::current_exe().context("this program does not find itself")?;
    let mut child = Command::new(&program)
        .args(["footprint", strategy.name(), &format!("--name={}", trace.name())])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let written = trace.write(child.stdin.take().context("the process has no input")?);
    let report = report(child)?;
    // The process read the trace to its end, or it would have failed.
    written.context("cannot hand over the trace")?;
    serde_json::from_str(&report).with_context(|| format!("its process reported `{report}`"))
}

fn report(mut child: Child) -> Result<String> {
    let mut report = String::new();
    if let Some(mut output) = child.stdout.take() {
        output.read_to_string(&mut report).context("cannot read from its process")?;
    }
    let status = child.wait().context("cannot wait for its process")?;
    if !status.success() {
        bail!("its process failed ({status}), see above");
    }
    Ok(report)
}
