//! Whatever is wrong with a trace is an error that names file and line; nothing is a panic.

use flate2::Compression;
use flate2::write::GzEncoder;
use snugfit_trace::{Damage, Trace};
use std::io::Write;

/// A small trace with every kind of operation.
const SMALL: &str = "0\n4\n9\n1\na 0 100\nc 1 3 7\nm 2 64 128\nr 0 250\nf 1\na 1 0\nf 0\nr 2 9\na 3 12\n";

fn error(text: &str) -> String {
    Trace::from_bytes("dir/small.rep", text.as_bytes()).expect_err(text).to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_damage_has_its_line_and_its_sentence() {
    let cases: &[(&str, usize, &str)] = &[
        ("", 1, "ends here, where the header should state the suggested heap size"),
        ("0\n1\n", 2, "ends here, where the header should state the number of operations"),
        ("0\n1\nmany\n1\n", 3, "should state the number of operations here as one number"),
        ("0\n1 2\n1\n1\n", 2, "but the line reads `1 2`"),
        ("0\n-1\n1\n1\n", 2, "but the line reads `-1`"),
        ("0\n4294967296\n4294967296\n1\n", 4, "4294967296 ids are more than can be told apart"),
        ("0\n2\n1\n1\na 0 1\n", 2, "2 ids but only 1 operations"),
        ("0\n1\n1\n1\nx 0 1\n", 5, "unknown operation `x`"),
        ("0\n1\n1\n1\nallocate 0 1\n", 5, "unknown operation `allocate`"),
        ("0\n1\n1\n1\na 0\n", 5, "the size is missing"),
        ("0\n1\n1\n1\na\n", 5, "the id is missing"),
        ("0\n1\n1\n1\nc 0 1\n", 5, "the size is missing"),
        ("0\n1\n1\n1\nm 0 1\n", 5, "the alignment is missing"),
        ("0\n1\n1\n1\na 0 1 2\n", 5, "`2` is one field too many"),
        ("0\n1\n2\n1\na 0 1\nf 0 0\n", 6, "`0` is one field too many"),
        (
            "0\n1\n1\n1\na 0 1x\n",
            5,
            "the size should be a number from 0 to 9223372036854775807, but reads `1x`",
        ),
        ("0\n1\n1\n1\na 0 +1\n", 5, "but reads `+1`"),
        ("0\n1\n1\n1\na 0 9223372036854775808\n", 5, "but reads `9223372036854775808`"),
        ("0\n1\n1\n1\na -1 1\n", 5, "the id should be a number from 0 to 4294967295, but reads `-1`"),
        ("0\n1\n2\n1\na 0 1\n", 5, "cut off: the header states 2 operations, but only 1 are here"),
        ("0\n1\n1\n1\na 0 1\nf 0\n", 6, "more operations than the 1 that the header states"),
        ("0\n1\n1\n1\na 1 1\n", 5, "id 1 is out of range: the header states 1 ids"),
        ("0\n1\n2\n1\na 0 1\na 0 1\n", 6, "`a` allocates id 0, which is still allocated"),
        ("0\n1\n2\n1\na 0 1\nc 0 1 1\n", 6, "`c` allocates id 0, which is still allocated"),
        ("0\n1\n1\n1\nf 0\n", 5, "`f` needs id 0, which is not allocated"),
        ("0\n1\n3\n1\na 0 1\nf 0\nf 0\n", 7, "`f` needs id 0, which is not allocated"),
        ("0\n1\n3\n1\na 0 1\n\n\nf 0\n\nr 0 1\n", 10, "`r` needs id 0, which is not allocated"),
        ("0\n1\n1\n1\nc 0 4294967296 4294967296\n", 5, "the size is more than 9223372036854775807 bytes"),
        ("0\n1\n1\n1\nm 0 1 24\n", 5, "the alignment 24 is not a power of two"),
        ("0\n1\n1\n1\nm 0 1 0\n", 5, "the alignment 0 is not a power of two"),
        ("0\n1\n1\n1\na 0 \u{663}\n", 5, "not text"),
        ("0\n1\n1\n1\na 0 1\0\n", 5, "not text"),
    ];
    for &(text, line, sentence) in cases {
        let message = error(text);
        assert!(message.starts_with(&format!("dir/small.rep:{line}: ")), "{text:?}: {message}");
        assert!(message.contains(sentence), "{text:?}: {message}");
    }
}

#[test]
fn a_line_without_end_is_not_read_to_its_end() {
    let endless = format!("0\n1\n1\n1\na 0 {}", "1".repeat(1 << 20));
    assert!(error(&endless).starts_with("dir/small.rep:5: a line of more than 1024 bytes"));
    assert!(error(&" ".repeat(1 << 20)).starts_with("dir/small.rep:1: a line of more than 1024 bytes"));
}

#[test]
fn the_header_is_not_trusted_with_memory() {
    let message = error("0\n4294967295\n1000000000000000000\n1\na 4294967294 1\n");
    assert!(message.contains("cut off"), "{message}");
}

#[test]
fn a_missing_file_is_named() {
    let error = Trace::read("no/such/trace.rep").unwrap_err();
    assert!(matches!(error.damage(), Damage::Open(_)));
    assert_eq!(error.line(), None);
    assert!(error.to_string().starts_with("no/such/trace.rep: cannot open the trace: No such file"));
}

#[test]
fn a_directory_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = Trace::read(folder.path()).unwrap_err();
    assert!(matches!(error.damage(), Damage::Read(_)), "{error}");
}

#[test]
fn every_prefix_is_an_error_or_a_trace() {
    for end in 0..SMALL.len() {
        let result = Trace::from_bytes("prefix", &SMALL.as_bytes()[..end]);
        // All that may be missing unnoticed is the last line's end, or a digit of its last number.
        assert_eq!(result.is_ok(), end >= SMALL.len() - 2, "{end} bytes: {result:?}");
    }
}

#[test]
fn every_changed_byte_is_an_error_or_a_trace() {
    for place in 0..SMALL.len() {
        for byte in 0..=u8::MAX {
            let mut bytes = SMALL.as_bytes().to_vec();
            bytes[place] = byte;
            if let Ok(trace) = Trace::from_bytes("changed", &bytes) {
                assert_eq!(trace.ops().len(), 9);
            }
        }
    }
}

#[test]
fn a_gzip_stream_that_is_cut_off_is_an_error() {
    let bytes = gzip(SMALL.as_bytes());
    Trace::from_bytes("whole", &bytes).unwrap();
    for end in 2..bytes.len() {
        let error = Trace::from_bytes("prefix", &bytes[..end]).unwrap_err();
        assert!(matches!(error.damage(), Damage::Gzip(_)), "{end} bytes: {error}");
        assert!(error.line().is_some());
    }
}

#[test]
fn a_gzip_stream_with_a_changed_byte_is_an_error_or_the_same_trace() {
    let (whole, bytes) = (Trace::from_bytes("whole", SMALL.as_bytes()).unwrap(), gzip(SMALL.as_bytes()));
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[place] ^= 1 << bit;
            if let Ok(trace) = Trace::from_bytes("changed", &bytes) {
                assert_eq!(trace, whole, "byte {place}, bit {bit}");
            }
        }
    }
}

#[test]
fn bytes_behind_a_gzip_stream_are_an_error() {
    let mut bytes = gzip(SMALL.as_bytes());
    bytes.extend_from_slice(b"and more");
    assert!(Trace::from_bytes("trailing", &bytes).is_err());
}
