//! Rounding of sizes and addresses.

/// Rounds `size` up to a multiple of `unit`, a power of two; `None` if that exceeds `usize::MAX`.
pub(crate) const fn round_up(size: usize, unit: usize) -> Option<usize> {
    debug_assert!(unit.is_power_of_two());
    match size.checked_add(unit - 1) {
        Some(sum) => Some(sum & !(unit - 1)),
        None => None,
    }
}

/// `size` as the length of an extent: whole units, at least one of them. `None` for 0 and for what overflows, which
/// every source refuses.
pub(crate) const fn extent_len(size: usize, unit: usize) -> Option<usize> {
    if size == 0 { None } else { round_up(size, unit) }
}

/// How many bytes after `address` the next multiple of `unit`, a power of two, is.
pub(crate) const fn padding(address: usize, unit: usize) -> usize {
    debug_assert!(unit.is_power_of_two());
    address.wrapping_neg() & (unit - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_and_overflow_is_seen() {
        assert_eq!(round_up(0, 16), Some(0));
        assert_eq!(round_up(1, 16), Some(16));
        assert_eq!(round_up(16, 16), Some(16));
        assert_eq!(round_up(usize::MAX - 15, 16), Some(usize::MAX - 15));
        assert_eq!(round_up(usize::MAX - 14, 16), None);
    }

    #[test]
    fn an_extent_has_bytes() {
        assert_eq!(extent_len(0, 4096), None);
        assert_eq!(extent_len(1, 4096), Some(4096));
        assert_eq!(extent_len(usize::MAX, 4096), None);
    }

    #[test]
    fn padding_leads_to_the_next_multiple() {
        assert_eq!(padding(4096, 4096), 0);
        assert_eq!(padding(4097, 4096), 4095);
        assert_eq!(padding(usize::MAX, 16), 1);
    }
}
