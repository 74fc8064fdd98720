//! What else the machine did meanwhile.
//!
//! On a machine that others use, two threads may have had one processor: then an allocator with one lock looks as good as
//! one without, and it has to be known.

use std::fs;
use std::time::Instant;

/// Watches the processors.
pub(super) struct Others {
    started: Instant,
    busy: Option<f64>,
    ours: f64,
}

impl Others {
    pub(super) fn watch() -> Self {
        Self { started: Instant::now(), busy: busy(), ours: ours() }
    }

    /// How many processors others have used since, on average: processes, and other machines on the same host.
    pub(super) fn processors(&self) -> Option<f64> {
        let busy = busy()? - self.busy?;
        let seconds = self.started.elapsed().as_secs_f64();
        Some(((busy - (ours() - self.ours)) / seconds).max(0.0))
    }
}

/// Seconds that all processors together were not idle, since the system started.
fn busy() -> Option<f64> {
    // SAFETY: asks for a number.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    busy_ticks(&fs::read_to_string("/proc/stat").ok()?).map(|ticks| ticks as f64 / per_second as f64)
}

fn busy_ticks(stat: &str) -> Option<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_whitespace().map_while(|word| word.parse().ok()).collect();
    // user, nice, system, idle, waiting for a disk, interrupts of two kinds, stolen; what follows is in user and nice.
    let idle = |place: &usize| matches!(place, 3 | 4);
    (ticks.len() >= 5)
        .then(|| (0..ticks.len().min(8)).filter(|place| !idle(place)).map(|place| ticks[place]).sum())
}

/// Seconds of processor time of this process and of its children that have ended.
fn ours() -> f64 {
    [libc::RUSAGE_SELF, libc::RUSAGE_CHILDREN].map(seconds).iter().sum()
}

fn seconds(whose: libc::c_int) -> f64 {
    // SAFETY: a structure of numbers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is ours, and stays for the call. Of those two it is known.
    unsafe { libc::getrusage(whose, &raw mut usage) };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_ticks_and_those_counted_twice_are_left_out() {
        let stat = "cpu  1 2 4 1000 2000 8 16 32 64 128\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(busy_ticks(stat), Some(1 + 2 + 4 + 8 + 16 + 32));
        assert_eq!(busy_ticks("cpu0 1 2 3 4 5\n"), None);
        assert_eq!(busy_ticks("cpu 1 2\n"), None);
    }

    #[test]
    fn work_of_this_process_is_ours() {
        let before = ours();
        while ours() - before < 0.05 {
            std::hint::black_box((0..10_000).fold(0_u64, |sum, number| sum ^ number));
        }
    }
}
