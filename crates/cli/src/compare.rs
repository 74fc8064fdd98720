//! The comparison: every strategy on every trace.

use std::time::Duration;

use anyhow::Result;
use snugfit_trace::{Replay, Trace, TraceError, bundled};

use crate::arguments;
use crate::contender::{Contender, Space};
use crate::output;
use crate::progress::Progress;
use crate::row::Row;
use crate::strategy::Strategy;

/// A strategy that has been timed for this long on a trace is not timed again.
const ENOUGH: Duration = Duration::from_millis(1500);

/// Reads every trace, then measures, then prints: a damaged trace is reported before anything is measured, and
/// nothing is printed unless everything was.
pub(crate) fn run(arguments: &arguments::Compare) -> Result<()> {
    let traces = read(arguments)?;
    let strategies = without_repetition(&arguments.strategy);
    let passes = arguments.passes as usize;
    let progress = Progress::new(traces.len() * strategies.len() * (1 + passes));
    let mut rows = Vec::new();
    for trace in &traces {
        rows.extend(compare(trace, &strategies, passes, &progress)?);
    }
    drop(progress);
    output::print(&rows, &strategies, arguments.json)
}

fn read(arguments: &arguments::Compare) -> Result<Vec<Trace>, TraceError> {
    if arguments.traces.is_empty() {
        bundled().iter().map(|bundled| bundled.read()).collect()
    } else {
        arguments.traces.iter().map(Trace::read).collect()
    }
}

fn without_repetition(strategies: &[Strategy]) -> Vec<Strategy> {
    let mut seen = Vec::new();
    for &strategy in strategies {
        if !seen.contains(&strategy) {
            seen.push(strategy);
        }
    }
    seen
}

/// A strategy on one trace, and what is known of it so far.
struct Entry {
    strategy: Strategy,
    contender: Box<dyn Contender>,
    space: Space,
    timed: Vec<Duration>,
}

fn compare(trace: &Trace, strategies: &[Strategy], passes: usize, progress: &Progress) -> Result<Vec<Row>> {
    let mut replay = Replay::new(trace);
    let mut entries = Vec::new();
    for &strategy in strategies {
        progress.say(format!("{}: measuring {}", trace.name(), strategy.name()));
        let mut contender = strategy.contender();
        let space = contender.measure(&mut replay)?;
        entries.push(Entry { strategy, contender, space, timed: Vec::new() });
        progress.step();
    }
    // Pass by pass, so that whatever else slows the machine down for a while hits all of them.
    for _ in 0..passes {
        for entry in &mut entries {
            progress.say(format!("{}: timing {}", trace.name(), entry.strategy.name()));
            entry.time(&mut replay)?;
            progress.step();
        }
    }
    Ok(entries.into_iter().map(|entry| entry.row(trace)).collect())
}

impl Entry {
    fn time(&mut self, replay: &mut Replay<'_>) -> Result<()> {
        if self.timed.iter().sum::<Duration>() < ENOUGH {
            self.timed.push(self.contender.time(replay)?);
        }
        Ok(())
    }

    fn row(self, trace: &Trace) -> Row {
        let ops = trace.ops().len();
        let per_op = |time: &Duration| time.as_nanos() as f64 / ops.max(1) as f64;
        let mut passes: Vec<f64> = self.timed.iter().map(per_op).collect();
        Row::new(trace.name(), self.strategy, ops, self.space, &mut passes)
    }
}
