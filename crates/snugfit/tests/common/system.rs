//! What the system says of this process, and limits on it.

use std::ptr::null_mut;

pub fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

pub fn set_errno(value: i32) {
    // SAFETY: this thread's `errno`, which nobody else uses.
    unsafe { libc::__errno_location().write(value) };
}

pub fn page_size() -> usize {
    // SAFETY: may be called at any time.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

/// A figure of `/proc/self/statm` in bytes: 0 for address space, 5 for data and stack.
pub fn used(field: usize) -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: usize = text.split_whitespace().nth(field).unwrap().parse().unwrap();
    pages * page_size()
}

/// Bytes of memory that the process holds, but for pages of files: which of those are there depends on what code has run, and
/// they are the system's to drop. They are counted page by page: what `statm` says may be wrong by a hundred.
pub fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").expect("Linux has it");
    let line = text.lines().find(|line| line.starts_with("Anonymous:")).expect("it is listed");
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib << 10
}

/// How many pages of the `size` bytes at `block`, which are mapped, are in memory.
pub fn resident_pages(block: *mut u8, size: usize) -> usize {
    let page = page_size();
    let skip = block.addr() % page;
    let mut pages = vec![0_u8; (skip + size).div_ceil(page)];
    // SAFETY: the pages are mapped, and there is a byte for each.
    let answer = unsafe { libc::mincore(block.sub(skip).cast(), skip + size, pages.as_mut_ptr()) };
    assert_eq!(answer, 0, "the pages are mapped");
    pages.iter().filter(|&&flags| flags & 1 != 0).count()
}

/// One page at a time is delivered from now on: no page is larger than the others.
pub fn without_huge_pages() {
    // SAFETY: a wish, which holds for this process.
    unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) };
}

pub fn limit(resource: libc::__rlimit_resource_t, bytes: usize) {
    let limit = libc::rlimit { rlim_cur: bytes as u64, rlim_max: bytes as u64 };
    // SAFETY: lowers a limit of this process.
    assert_eq!(unsafe { libc::setrlimit(resource, &raw const limit) }, 0);
}

/// A mapping of `pages` pages that the allocator does not know.
pub fn foreign_pages(pages: usize) -> *mut u8 {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a mapping where nothing is.
    let start = unsafe { libc::mmap(null_mut(), pages * page_size(), protection, flags, -1, 0) };
    assert_ne!(start, libc::MAP_FAILED);
    start.cast()
}
