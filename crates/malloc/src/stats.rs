//! The line of statistics that a process leaves behind.

use core::ffi::{CStr, c_char, c_int};
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use snugfit::{Line, Stats};

use crate::json::Quoted;
use crate::start::say;

/// Bytes of the longest path that the system takes, and the zero behind it.
const ROOM: usize = libc::PATH_MAX as usize;

/// The file to append to, with a zero behind it; empty if there is none. A copy: a program may overwrite its environment.
static PATH: [AtomicU8; ROOM] = [const { AtomicU8::new(0) }; ROOM];

/// Counts calls from now on, and remembers where to report. False if the path is longer than paths are.
pub(crate) fn start(path: &[u8]) -> bool {
    if path.len() >= ROOM {
        return false;
    }
    for (to, &from) in PATH.iter().zip(path) {
        to.store(from, Relaxed);
    }
    snugfit::count_calls();
    true
}

/// Appends the line to the file, if one was asked for. `valid` is what the check of the heap said, if there was one.
pub(crate) fn report(valid: Option<bool>) {
    let path: [u8; ROOM] = core::array::from_fn(|at| PATH.get(at).map_or(0, |byte| byte.load(Relaxed)));
    let Ok(path) = CStr::from_bytes_until_nul(&path) else { return };
    if path.is_empty() {
        return;
    }
    let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_CLOEXEC;
    match open(path, flags) {
        Some(file) => {
            line_of(valid).write_to(file);
            close(file);
        }
        None => say(&[b"snugfit: the statistics cannot be appended to `", path.to_bytes(), b"`"]),
    }
}

fn line_of(valid: Option<bool>) -> Line {
    let mut line = Line::new();
    // SAFETY: may be called at any time.
    let pid = unsafe { libc::getpid() };
    // A line takes all that it is given.
    let _ = write_json(&mut line, pid, program(&mut [0; 64]), &snugfit::stats(), valid);
    line.end();
    line
}

fn write_json(
    line: &mut Line,
    pid: libc::pid_t,
    program: &[u8],
    stats: &Stats,
    valid: Option<bool>,
) -> fmt::Result {
    write!(line, "{{\"pid\":{pid},\"program\":{}", Quoted(program))?;
    let numbers = [
        ("allocations", stats.counts.allocations),
        ("resizes", stats.counts.resizes),
        ("frees", stats.counts.frees),
        ("live", stats.counts.live),
        ("peak_live", stats.counts.peak_live),
        ("footprint", stats.footprint),
        ("peak_footprint", stats.peak_footprint),
        ("heap_blocks", stats.heap_blocks),
        ("direct_blocks", stats.direct_blocks),
        ("direct_bytes", stats.direct_bytes),
        ("system_calls", stats.system_calls),
    ];
    for (name, number) in numbers {
        write!(line, ",\"{name}\":{number}")?;
    }
    let valid = valid.map_or("null", |valid| if valid { "true" } else { "false" });
    write!(line, ",\"valid\":{valid}}}")
}

/// What the kernel calls this process: the start of the program's name, or what it has called itself.
fn program(room: &mut [u8; 64]) -> &[u8] {
    let Some(file) = open(c"/proc/self/comm", libc::O_RDONLY | libc::O_CLOEXEC) else { return b"" };
    // SAFETY: the room is valid for its length.
    let read = unsafe { libc::read(file, room.as_mut_ptr().cast(), room.len()) };
    close(file);
    let name = room.get(..usize::try_from(read).unwrap_or(0)).unwrap_or_default();
    name.strip_suffix(b"\n").unwrap_or(name)
}

fn open(path: &CStr, flags: c_int) -> Option<c_int> {
    /// For a file that is made; the user's mask takes from it.
    const MODE: libc::mode_t = 0o666;
    let path: *const c_char = path.as_ptr();
    // SAFETY: the path ends with a zero.
    let file = unsafe { libc::open(path, flags, MODE) };
    (file >= 0).then_some(file)
}

fn close(file: c_int) {
    // SAFETY: the file was opened here.
    unsafe { libc::close(file) };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line of a process with the longest name and the largest numbers.
    fn largest(valid: Option<bool>) -> String {
        let mut stats = Stats::default();
        stats.counts.peak_live = usize::MAX;
        stats.footprint = usize::MAX;
        let mut line = Line::new();
        write_json(
            &mut line,
            i32::MAX,
            b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F",
            &stats,
            valid,
        )
        .expect("a line takes everything");
        line.end();
        String::from_utf8(line.text().to_vec()).expect("JSON is text")
    }

    #[test]
    fn the_line_is_json_and_has_room_to_spare() {
        let text = largest(Some(false));
        assert!(text.len() + 11 * 20 < 1024 && text.ends_with("}\n"), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(read["pid"], i32::MAX);
        assert_eq!(read["program"].as_str().map(str::len), Some(15));
        assert_eq!((&read["peak_live"], &read["footprint"]), (&usize::MAX.into(), &usize::MAX.into()));
        assert_eq!((&read["allocations"], &read["valid"]), (&0.into(), &false.into()));
        assert!(largest(Some(true)).ends_with("\"valid\":true}\n"));
        assert!(largest(None).ends_with("\"valid\":null}\n"));
    }

    #[test]
    fn the_program_has_a_name() {
        let mut room = [0; 64];
        let name = program(&mut room);
        assert!(!name.is_empty() && name.len() < 16 && !name.contains(&b'\n'), "{name:?}");
    }

    #[test]
    fn a_path_that_no_system_takes_is_refused() {
        assert!(!start(&[b'x'; ROOM]));
    }
}
