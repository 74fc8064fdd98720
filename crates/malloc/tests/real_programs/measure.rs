//! What the library costs and saves: time and memory of the same runs, if `SNUGFIT_MEASURE` says how many of them.

use std::env;
use std::mem::MaybeUninit;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::setting::library;
use crate::trial::Trial;

/// The price of a run.
#[derive(Clone, Copy)]
struct Price {
    seconds: f64,
    /// The most that one of its processes held in memory at once.
    mebibytes: f64,
}

/// Prints a line of the table of `docs/programs.md`, if that is wanted: medians of runs that take turns.
///
/// Nothing is compared then, to keep this process small: the system counts a child as large as its parent was before.
pub(crate) fn instead(trial: &Trial, command: impl Fn() -> Command) -> bool {
    let Some(runs) = env::var("SNUGFIT_MEASURE").ok().and_then(|runs| runs.parse::<usize>().ok()) else {
        return false;
    };
    let (mut alone, mut preloaded) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        alone.push(price(trial, command()));
        let mut command = command();
        command.env("LD_PRELOAD", library());
        preloaded.push(price(trial, command));
    }
    let [seconds, mebibytes] = [|price: &Price| price.seconds, |price: &Price| price.mebibytes]
        .map(|part| [&alone, &preloaded].map(|prices| median(prices.iter().map(part))));
    println!(
        "| {} | {:.2} s | {:.2} | {:.1} MiB | {:.2} |",
        trial.name,
        seconds[0],
        seconds[1] / seconds[0],
        mebibytes[0],
        mebibytes[1] / mebibytes[0]
    );
    true
}

#[expect(clippy::zombie_processes, reason = "wait4 waits for it, and says what it took")]
fn price(trial: &Trial, mut command: Command) -> Price {
    let folder = trial.folder();
    command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    let child = command.spawn().expect("what ran before can be started");
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    let pid = i32::try_from(child.id()).expect("a process has a number of 31 bits");
    // SAFETY: nobody else waits for this child, and the usage has room for what is written.
    let ended = unsafe { libc::wait4(pid, std::ptr::null_mut(), 0, usage.as_mut_ptr()) };
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(ended, pid);
    // SAFETY: the call has filled it.
    let kibibytes = unsafe { usage.assume_init() }.ru_maxrss;
    Price { seconds, mebibytes: kibibytes as f64 / 1024.0 }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
