//! The arithmetic of sizes, in both formats.

use snugfit_tag::{Compact, FOOTER, Format, GRANULE, HEADER, MAX_BLOCK, MIN_BLOCK, Mirrored};

/// Every payload size that small code paths could get wrong; sizes above are covered at the limits.
const PAYLOADS: std::ops::RangeInclusive<usize> = 0..=if cfg!(miri) { 1 << 10 } else { 1 << 20 };

/// A block size is the least one that is allowed and large enough: allowed, enough, and a granule less is not.
fn check_block_size<F: Format>(payload: usize) -> usize {
    let size = F::block_size(payload).expect("the payload fits");
    assert!(size.is_multiple_of(GRANULE) && (MIN_BLOCK..=MAX_BLOCK).contains(&size), "{payload}: {size}");
    assert!(F::usable_size(size) >= payload, "{payload} bytes do not fit a block of {size}");
    let smaller = size - GRANULE;
    assert!(smaller < MIN_BLOCK || F::usable_size(smaller) < payload, "{payload} bytes fit {smaller}");
    size
}

fn check_small<F: Format>() {
    let mut previous = 0;
    for payload in PAYLOADS {
        let size = check_block_size::<F>(payload);
        assert!(size >= previous, "{payload}: {size} after {previous}");
        previous = size;
        // What is usable is what was asked for next time: a block is not outgrown by its own usable size.
        assert_eq!(F::block_size(F::usable_size(size)), Some(size));
    }
}

fn check_limits<F: Format>() {
    let most = MAX_BLOCK - F::OVERHEAD;
    for payload in most - 100..=most {
        let _ = check_block_size::<F>(payload);
    }
    assert_eq!(F::block_size(most), Some(MAX_BLOCK));
    assert_eq!(F::usable_size(MAX_BLOCK), most);
    for power in 20..32 {
        for payload in (1_usize << power) - 40..=((1 << power) + 40).min(most) {
            let _ = check_block_size::<F>(payload);
        }
    }
    // Up to a hundred past the limits of the format and of the address space, where sums would wrap.
    for beyond in 1..=100 {
        assert_eq!(F::block_size(most + beyond), None);
        assert_eq!(F::block_size(usize::MAX - (beyond - 1)), None);
        assert_eq!(F::block_size(isize::MAX as usize + beyond), None);
    }
}

#[test]
fn compact_blocks_are_the_smallest_that_fit() {
    assert_eq!(Compact::OVERHEAD, HEADER);
    check_small::<Compact>();
    check_limits::<Compact>();
}

#[test]
fn mirrored_blocks_are_the_smallest_that_fit() {
    assert_eq!(Mirrored::OVERHEAD, HEADER + FOOTER);
    check_small::<Mirrored>();
    check_limits::<Mirrored>();
}

#[test]
fn a_footer_in_use_costs_eight_bytes_of_payload() {
    for size in (MIN_BLOCK..1 << 16).step_by(GRANULE) {
        assert_eq!(Compact::usable_size(size), Mirrored::usable_size(size) + FOOTER);
    }
}

#[test]
fn constants_are_the_format() {
    assert_eq!((GRANULE, HEADER, FOOTER, MIN_BLOCK), (16, 8, 8, 32));
    assert_eq!(MAX_BLOCK, (1 << 32) - 16);
}
