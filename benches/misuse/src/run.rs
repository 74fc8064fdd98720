//! The run: every case under every contender, each in a process of its own.

mod process;

use std::fs;
use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result, ensure};

use crate::arguments;
use crate::cases::{self, Case};
use crate::contender::{self, Contender, Missing};
use crate::report::{Outcome, Results, Row, tables};
use crate::verdict::{Ended, Verdict};

use process::Process;

pub(crate) fn run(arguments: &arguments::Run) -> Result<()> {
    let process = Process::new()?;
    let (found, mut missing) = contender::all(&arguments.preload)?;
    let found = only_able(&process, found, &mut missing)?;
    let contenders = contender::choose(found, &missing, &arguments.contenders)?;
    if arguments.contenders.is_empty() {
        for one in &missing {
            note(&format!("{} is missing: {}", one.name, one.why));
        }
    }
    let cases = chosen(&arguments.only)?;
    let mut rows = Vec::new();
    for case in &cases {
        let outcomes = contenders.iter().map(|one| Ok(outcome(&process.run(&case.name, one)?)));
        rows.push(Row::new(case, outcomes.collect::<Result<_>>()?));
    }
    let results = Results::new(contenders, missing, rows);
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&results).context("cannot put the results into JSON")?;
        fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    }
    print(&tables::text(&results))?;
    check(&results)
}

/// The cases with `part` in their name, and the controls.
fn chosen(part: &str) -> Result<Vec<Case>> {
    let mut cases = cases::all();
    cases.retain(|case| case.is_control() || case.name.contains(part));
    ensure!(!cases.iter().all(Case::is_control), "no case has `{part}` in its name");
    Ok(cases)
}

/// Those that know their options: a library that is older than one of them says so, and goes on without.
fn only_able(process: &Process, found: Vec<Contender>, missing: &mut Vec<Missing>) -> Result<Vec<Contender>> {
    let control = cases::all().into_iter().find(Case::is_control).context("there are no controls")?;
    let mut able = Vec::new();
    for one in found {
        match one.options {
            Some(word) if process.run(&control.name, &one)?.errors.contains("unknown word") => {
                let why = format!("this library does not know the option `{word}`");
                missing.push(Missing { name: one.name, why });
            }
            _ => able.push(one),
        }
    }
    Ok(able)
}

fn outcome(ended: &Ended) -> Outcome {
    let last = ended.errors.trim_end().lines().last().map(str::to_owned);
    Outcome { verdict: Verdict::of(ended), ended: ended.how.to_string(), said: last }
}

/// Fails if there are no verdicts to rely on.
fn check(results: &Results) -> Result<()> {
    let mut wrong = Vec::new();
    for row in &results.rows {
        for (contender, outcome) in results.contenders.iter().zip(&row.outcomes) {
            let is_right = match outcome.verdict {
                Verdict::Failed => false,
                Verdict::Missed | Verdict::Absent => true,
                _ => !row.is_control,
            };
            if !is_right {
                let said = outcome.said.as_deref().unwrap_or("it said nothing");
                wrong.push(format!("{} under {}: {}: {said}", row.case, contender.name, outcome.ended));
            }
        }
    }
    ensure!(wrong.is_empty(), "what should have gone well did not:\n{}", wrong.join("\n"));
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
    let _ = writeln!(io::stderr(), "snugfit-misuse: {sentence}");
}
