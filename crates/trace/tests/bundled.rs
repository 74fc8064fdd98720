//! The bundled traces are whole, and are what they were recorded as.

use snugfit_trace::{Replay, SystemMalloc, Trace, bundled};

#[test]
fn the_bundled_traces_are_whole() {
    let found: Vec<(String, usize, u32)> = bundled()
        .iter()
        .map(|bundled| bundled.read().unwrap())
        .map(|trace: Trace| (trace.name().to_owned(), trace.ops().len(), trace.ids()))
        .collect();
    let expected = [
        ("cc1", 710_448, 348_786),
        ("git", 133_163, 65_124),
        ("lua5", 400_032, 199_977),
        ("perl", 281_358, 138_171),
        ("python3", 860_526, 423_938),
        ("sqlite3", 152_186, 70_064),
    ];
    let expected = expected.map(|(name, ops, ids)| (name.to_owned(), ops, ids));
    assert_eq!(found, expected);
}

#[test]
fn a_bundled_trace_survives_writing() {
    let trace = bundled()[1].read().unwrap();
    let mut written = Vec::new();
    trace.write(&mut written).unwrap();
    assert_eq!(Trace::from_bytes("git", &written).unwrap(), trace);
}

#[test]
fn the_system_replays_the_bundled_traces() {
    for bundled in bundled() {
        let trace = bundled.read().unwrap();
        let checked = Replay::new(&trace).check(&mut SystemMalloc, |_, _| ()).unwrap();
        assert_eq!(checked.operations, trace.ops().len());
    }
}
