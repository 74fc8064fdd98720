//! Footprints, each in a process of its own.

use std::process::Command;

use snugfit_trace::{Replay, ResidentWatch, Trace, warm_up};

use crate::peer::Peer;

/// Peaks of one allocator on one trace, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footprint {
    pub(crate) peak_live: usize,
    pub(crate) peak_resident: usize,
}

/// The process of its own: measures, and prints both numbers.
pub(crate) fn report(peer: Peer, trace: &Trace) {
    // Code that was never run is not resident yet, and is nobody's footprint.
    run(peer, &warm_up());
    let Footprint { peak_live, peak_resident } = run(peer, trace);
    println!("{peak_live} {peak_resident}");
}

fn run(peer: Peer, trace: &Trace) -> Footprint {
    let mut replay = Replay::new(trace);
    let mut watch = ResidentWatch::start().expect("Linux's /proc");
    let mut contender = peer.contender();
    let checked = contender.check(&mut replay, &mut |progress| watch.observe(progress));
    Footprint { peak_live: checked.peak_live_bytes, peak_resident: watch.growth().expect("Linux's /proc") }
}

/// Starts that process.
pub(crate) fn in_own_process(peer: Peer, trace: &str) -> Footprint {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).args(["--footprint", peer.name(), trace]).output().expect("it starts");
    assert!(output.status.success(), "{peer:?} on {trace}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<usize> = text.split_whitespace().map(|word| word.parse().expect("a number")).collect();
    Footprint { peak_live: numbers[0], peak_resident: numbers[1] }
}
