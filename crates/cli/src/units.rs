//! Numbers as people read them.

/// Bytes in the largest unit of which there is at least one.
pub(crate) fn bytes(bytes: usize) -> String {
    const KIB: f64 = 1024.0;
    let number = bytes as f64;
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", number / KIB),
        1_048_576..1_073_741_824 => format!("{:.2} MiB", number / KIB / KIB),
        _ => format!("{:.2} GiB", number / KIB / KIB / KIB),
    }
}

/// A share, in percent.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A time per operation.
pub(crate) fn nanoseconds(time: f64) -> String {
    format!("{time:.1}")
}

#[cfg(test)]
mod tests {
    use super::{bytes, percent};

    #[test]
    fn bytes_have_the_unit_that_suits_them() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(5 << 19), "2.50 MiB");
        assert_eq!(bytes(3 << 30), "3.00 GiB");
    }

    #[test]
    fn a_share_is_in_percent() {
        assert_eq!(percent(0.9876), "98.8 %");
    }
}
