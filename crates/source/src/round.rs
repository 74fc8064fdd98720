//! Rounding of sizes and addresses.

/// `size` as the length of an extent: whole units, at least one of them. `None` for 0 and for what overflows, which
/// every source refuses.
pub(crate) const fn extent_len(size: usize, unit: usize) -> Option<usize> {
    if size == 0 { None } else { size.checked_next_multiple_of(unit) }
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
    fn an_extent_has_bytes() {
        assert_eq!(extent_len(0, 4096), None);
        assert_eq!(extent_len(1, 4096), Some(4096));
        assert_eq!(extent_len(4096, 4096), Some(4096));
        assert_eq!(extent_len(usize::MAX, 4096), None);
    }

    #[test]
    fn padding_leads_to_the_next_multiple() {
        assert_eq!(padding(4096, 4096), 0);
        assert_eq!(padding(4097, 4096), 4095);
        assert_eq!(padding(usize::MAX, 16), 1);
    }
}
