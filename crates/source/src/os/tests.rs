use super::*;
use crate::Extent;
use core::slice;

/// The bytes of an extent that is readable and that nobody writes meanwhile.
fn bytes(extent: &Extent) -> &[u8] {
    // SAFETY: the tests below look at committed memory of their own.
    unsafe { slice::from_raw_parts(extent.start.as_ptr(), extent.len) }
}

fn is_zero(extent: &Extent) -> bool {
    bytes(extent).iter().all(|&byte| byte == 0)
}

fn fill(extent: Extent) {
    // SAFETY: as for `bytes`.
    unsafe { extent.start.as_ptr().write_bytes(0xA5, extent.len) };
}

#[test]
fn the_page_size_is_asked_once_and_stays() {
    assert!(page_size().is_power_of_two() && page_size() >= 4096);
    assert_eq!(page_size(), page_size());
}

#[test]
fn a_mapping_is_whole_pages_of_zeros() {
    let extent = map(page_size() + 1).unwrap();
    assert_eq!(extent.len, 2 * page_size());
    assert!(is_zero(&extent));
    fill(extent);
    // SAFETY: nobody uses the extent any more.
    assert!(unsafe { unmap(extent) });
}

#[test]
fn absurd_lengths_are_refused() {
    for len in [0, usize::MAX, usize::MAX - page_size() + 1, usize::MAX / 2 + 1] {
        assert_eq!(map(len), None, "{len:#x}");
        assert_eq!(reserve(len), None, "{len:#x}");
    }
}

#[test]
fn commit_and_decommit_give_zeros_each_time() {
    let extent = reserve(3 * page_size()).unwrap();
    let middle = extent.tail(page_size()).head(page_size());
    for _ in 0..3 {
        // SAFETY: the extent is this test's.
        assert!(unsafe { commit(middle) });
        assert!(is_zero(&middle));
        fill(middle);
        // SAFETY: nobody uses the middle any more.
        assert!(unsafe { decommit(middle) });
    }
    // SAFETY: nobody uses the extent any more.
    assert!(unsafe { unmap(extent) });
}

#[test]
fn purged_memory_reads_as_zero_and_stays() {
    let extent = map(4 * page_size()).unwrap();
    fill(extent);
    // SAFETY: the second half's contents are not needed.
    assert!(unsafe { purge(extent.tail(2 * page_size())) });
    assert!(is_zero(&extent.tail(2 * page_size())));
    assert!(bytes(&extent.head(2 * page_size())).iter().all(|&byte| byte == 0xA5));
    fill(extent);
    // SAFETY: nobody uses the extent any more.
    assert!(unsafe { unmap(extent) });
}

/// How many of the pages are in memory.
fn resident(extent: Extent) -> usize {
    let mut pages = [0_u8; 16];
    // SAFETY: there is a byte for each page.
    assert_eq!(unsafe { libc::mincore(extent.start.as_ptr().cast(), extent.len, pages.as_mut_ptr()) }, 0);
    pages.iter().filter(|&&page| page & 1 != 0).count()
}

#[test]
fn populated_memory_is_there_and_reads_as_before() {
    let extent = map(16 * page_size()).unwrap();
    fill(extent.head(page_size()));
    assert_eq!(resident(extent), 1);
    assert!(populate(extent.head(4 * page_size())));
    assert_eq!(resident(extent), 4);
    assert!(is_zero(&extent.head(4 * page_size()).tail(page_size())));
    assert!(bytes(&extent.head(page_size())).iter().all(|&byte| byte == 0xA5));
    // SAFETY: nobody uses the extent any more.
    assert!(unsafe { unmap(extent) });
}

#[test]
fn a_remapped_extent_keeps_its_contents() {
    let page = page_size();
    let area = map(2 * page).unwrap();
    fill(area.head(page));
    // SAFETY: the first page is a mapping with a used page behind it; nothing is cut off.
    assert_eq!(unsafe { remap(area.head(page), 2 * page, false) }, None);
    // SAFETY: the old address of the first page is not used any more.
    let moved = unsafe { remap(area.head(page), 100 * page + 1, true) }.unwrap();
    assert_eq!(moved.len, 101 * page);
    assert!(bytes(&moved.head(page)).iter().all(|&byte| byte == 0xA5));
    assert!(is_zero(&moved.tail(page)));
    // SAFETY: nobody uses what is cut off.
    let cut = unsafe { remap(moved, page, false) }.unwrap();
    assert_eq!((cut.start, cut.len), (moved.start, page));
    // SAFETY: nobody uses either any more.
    assert!(unsafe { unmap(cut) && unmap(area.tail(page)) });
}

#[test]
fn errno_is_kept_by_what_fails() {
    // SAFETY: this thread's `errno`.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    unsafe { errno.write(1234) };
    assert_eq!(map(usize::MAX / 2), None);
    assert_eq!(reserve(usize::MAX / 2), None);
    let hole = map(2 * page_size()).unwrap();
    // SAFETY: the first page is not used any more. Nobody else maps at fixed addresses: should another thread's
    // mapping take the place, a commit makes it what it is, and a growth in place is refused.
    unsafe {
        let guard = hole.tail(page_size());
        assert_eq!(remap(guard, usize::MAX / 2, false), None);
        assert!(unmap(hole));
    }
    // SAFETY: as above.
    assert_eq!(unsafe { errno.read() }, 1234);
}

#[test]
fn random_words_differ() {
    assert_ne!(random_words(), random_words());
    assert_ne!(random_words()[0], random_words()[1]);
}

#[test]
fn words_without_the_kernel_differ_too() {
    let (first, second) = (random::from_process(), random::from_process());
    assert_ne!(first, second, "the clock has moved");
    assert_ne!(first[0], first[1]);
    assert!(first.iter().chain(&second).all(|&word| word != 0));
}

#[test]
fn this_test_runs_beside_others() {
    std::thread::spawn(|| assert!(!is_single_threaded())).join().unwrap();
}

#[test]
fn calls_are_counted() {
    let before = calls();
    let extent = map(1).unwrap();
    // SAFETY: nobody uses the extent any more.
    assert!(unsafe { unmap(extent) });
    // Other tests call, too.
    assert!(calls() >= before + 2);
}

#[test]
fn a_mapping_moves_to_where_it_is_told() {
    let (page, from) = (page_size(), map(2 * page_size()).unwrap());
    fill(from);
    let place = reserve(6 * page).unwrap();
    let to = place.tail(page).head(4 * page);
    // SAFETY: both are this test's, and nobody uses the old addresses any more.
    assert!(unsafe { remap_to(from, to) });
    assert!(bytes(&to.head(2 * page)).iter().all(|&byte| byte == 0xA5));
    assert!(is_zero(&to.tail(2 * page)));
    // SAFETY: nobody uses them any more.
    assert!(unsafe { unmap(place) });
}
