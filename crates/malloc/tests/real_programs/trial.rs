//! One program, without the library and with it.

use std::path::Path;
use std::process::Command;
use std::thread;

use serde_json::Value;
use snugfit_testing::text;

use crate::measure;
use crate::run::{Done, run};
use crate::setting::{folder, library, more_options};

/// What is done in the empty folder of a run before it.
type Prepare = Box<dyn Fn(&Path) + Sync>;
/// What a run came to: made of its folder and of what it printed.
type Verdict = Box<dyn Fn(&Path, Vec<u8>) -> Vec<u8> + Sync>;

/// How a program is run and judged.
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    reporting: &'static [&'static str],
    prepare: Prepare,
    verdict: Verdict,
}

impl Trial {
    /// A trial whose verdict is what the program prints. `reporting` are processes, by the start of the name that the
    /// kernel has for them: each has to report a sound heap.
    pub(crate) fn new(name: &'static str, reporting: &'static [&'static str]) -> Self {
        Self { name, reporting, prepare: Box::new(|_| ()), verdict: Box::new(|_, printed| printed) }
    }

    /// Has something put into the folder before each run.
    pub(crate) fn prepared(mut self, prepare: impl Fn(&Path) + Sync + 'static) -> Self {
        self.prepare = Box::new(prepare);
        self
    }

    /// Has the runs judged by something else than what they print.
    pub(crate) fn judged(mut self, verdict: impl Fn(&Path, Vec<u8>) -> Vec<u8> + Sync + 'static) -> Self {
        self.verdict = Box::new(verdict);
        self
    }

    /// Runs the program without the library and with it, and compares.
    ///
    /// # Panics
    /// If the verdicts differ, or a heap is not sound, or the library has something to say.
    pub(crate) fn compare(&self, command: impl Fn() -> Command) {
        if measure::instead(self, &command) {
            return;
        }
        let alone = self.alone(command());
        let (preloaded, reports) = self.preloaded(command());
        self.judge(&alone, &preloaded, &reports);
    }

    /// As [`compare`](Self::compare), with both runs at the same time: for programs that mostly sleep.
    pub(crate) fn compare_at_once(&self, command: impl Fn() -> Command) {
        if measure::instead(self, &command) {
            return;
        }
        let first = command();
        let (alone, (preloaded, reports)) = thread::scope(|scope| {
            let alone = scope.spawn(|| self.alone(first));
            let preloaded = self.preloaded(command());
            (alone.join().expect("the run without the library ends"), preloaded)
        });
        self.judge(&alone, &preloaded, &reports);
    }

    /// A folder with all that a run needs.
    pub(crate) fn folder(&self) -> tempfile::TempDir {
        let folder = folder();
        (self.prepare)(folder.path());
        folder
    }

    fn alone(&self, command: Command) -> Done {
        let folder = self.folder();
        self.finish(run(command, folder.path()), folder.path())
    }

    /// The run with the library, and what its processes reported.
    fn preloaded(&self, mut command: Command) -> (Done, Vec<Value>) {
        let (place, reports) = (self.folder(), folder());
        let file = reports.path().join("stats");
        command.env("LD_PRELOAD", library());
        command.env("SNUGFIT_OPTIONS", format!("validate,{},stats={}", more_options(), file.display()));
        let done = self.finish(run(command, place.path()), place.path());
        (done, read(&file))
    }

    /// Puts the verdict in place of what was printed.
    fn finish(&self, mut done: Done, folder: &Path) -> Done {
        done.verdict = (self.verdict)(folder, done.verdict);
        done
    }

    fn judge(&self, alone: &Done, preloaded: &Done, reports: &[Value]) {
        let name = self.name;
        let complaints = text(&preloaded.complaints);
        let words = complaints.lines().filter(|line| line.starts_with("snugfit:"));
        assert_eq!(words.collect::<Vec<_>>(), [""; 0], "{name}");
        assert_eq!(alone.status, preloaded.status, "{name}: {complaints}");
        assert!(!alone.verdict.is_empty(), "{name}: nothing to compare; {complaints}");
        if alone.verdict != preloaded.verdict {
            panic!("{name}: {}\n{complaints}", difference(&alone.verdict, &preloaded.verdict));
        }
        for report in reports {
            assert_eq!(report["valid"], true, "{name}: {report}");
        }
        for process in self.reporting {
            let from =
                |report: &Value| report["program"].as_str().is_some_and(|name| name.starts_with(process));
            assert!(reports.iter().any(from), "{name}: no `{process}` among {reports:?}");
        }
    }
}

/// The lines that processes left at exit.
fn read(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("some process reports");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

/// Where two verdicts part, and a piece of each: a verdict may be an object file, all in one line.
fn difference(alone: &[u8], preloaded: &[u8]) -> String {
    let same = alone.iter().zip(preloaded).take_while(|(one, other)| one == other).count();
    let line = alone[..same].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let from = line.max(same.saturating_sub(100));
    let [one, other] = [alone, preloaded].map(|verdict| text(&verdict[from..verdict.len().min(same + 100)]));
    format!("from byte {same} on, {one:?} became {other:?}")
}
