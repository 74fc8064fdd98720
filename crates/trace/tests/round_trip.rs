//! What is written is read again, however it is wrapped.

use proptest::collection::vec;
use proptest::prelude::*;
use snugfit_trace::{Op, Trace};

/// A wish for one operation; what it becomes depends on whether the id is allocated then.
type Wish = (u32, u8, usize, usize);

fn wish() -> impl Strategy<Value = Wish> {
    let size = prop_oneof![0..2000_usize, Just(isize::MAX as usize), Just(1 << 40)];
    (0..16_u32, 0..3_u8, size, 0..40_usize)
}

/// Makes a sound trace of any wishes.
fn trace(wishes: &[Wish]) -> Trace {
    let mut allocated = [false; 16];
    let mut ops: Vec<Op> = (0..16).map(|id| Op::Allocate { id, size: 1 }).collect();
    ops.extend((0..16).map(|id| Op::Free { id }));
    for &(id, choice, size, small) in wishes {
        let state = &mut allocated[id as usize];
        ops.push(match (*state, choice) {
            (true, 0) => Op::Resize { id, size },
            (true, _) => Op::Free { id },
            (false, 0) => Op::Allocate { id, size },
            (false, 1) => Op::AllocateZeroed { id, count: small, size: size >> 6 },
            (false, _) => Op::AllocateAligned { id, size, align: 1 << small },
        });
        *state = !matches!(ops.last(), Some(Op::Free { .. }));
    }
    Trace::new("wishes", 16, ops).expect("the wishes were made sound")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn written_and_read_a_trace_is_the_same(wishes in vec(wish(), 0..200)) {
        let trace = trace(&wishes);
        let (mut plain, mut gzip) = (Vec::new(), Vec::new());
        trace.write(&mut plain).unwrap();
        trace.write_gzip(&mut gzip).unwrap();
        prop_assert_eq!(&Trace::from_bytes("plain", &plain).unwrap(), &trace);
        prop_assert_eq!(&Trace::from_bytes("gzip", &gzip).unwrap(), &trace);
    }

    #[test]
    fn any_bytes_are_an_error_or_a_trace(bytes in vec(any::<u8>(), 0..200)) {
        let _ = Trace::from_bytes("bytes", &bytes);
    }

    #[test]
    fn any_lines_are_an_error_or_a_trace(lines in "0\n[0-3]\n[0-4]\n1\n([acmrf] [0-3] [0-9]{1,2}( 8)?\n){0,4}") {
        let _ = Trace::from_bytes("lines", lines.as_bytes());
    }
}

#[test]
fn blank_lines_and_other_line_ends_change_nothing() {
    let plain = Trace::from_bytes("plain.rep", b"0\n1\n2\n1\na 0 8\nf 0\n").unwrap();
    let other =
        Trace::from_bytes("other.rep", b"\r\n 0 \r\n1\r\n\r\n2\t\r\n1\r\n  a  0  8\r\n\n \nf 0").unwrap();
    assert_eq!(plain, other);
    assert_eq!((plain.line(0), plain.line(1)), (5, 6));
    assert_eq!((other.line(0), other.line(1)), (7, 10));
}

#[test]
fn the_header_survives() {
    let text = b"20000\n1\n2\n3\na 0 8\nf 0\n";
    let trace = Trace::from_bytes("dir/some.thing.rep.gz", text).unwrap();
    assert_eq!((trace.name(), trace.heap_size(), trace.weight(), trace.ids()), ("some.thing", 20000, 3, 1));
    let mut written = Vec::new();
    trace.write(&mut written).unwrap();
    assert_eq!(written, text);
}

#[test]
fn an_empty_trace_is_a_trace() {
    let trace = Trace::from_bytes("empty", b"0\n0\n0\n1\n").unwrap();
    assert_eq!(trace, Trace::new("empty", 0, Vec::new()).unwrap());
}

#[test]
fn a_file_is_read_whether_its_name_tells_the_truth_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let trace = trace(&[(1, 0, 5, 0), (1, 0, 50, 0)]);
    let path = folder.path().join("name.rep");
    trace.write_gzip(std::fs::File::create(&path).unwrap()).unwrap();
    let read = Trace::read(&path).unwrap();
    assert_eq!((read.name(), &read), ("name", &trace));
}
