//! Random words for keys.

use core::mem::MaybeUninit;

use super::errno::keeping_errno;

/// Two random words. Never blocks and never fails: a process that starts before the kernel has gathered entropy, or
/// may not ask for it, gets words made of what the kernel gave it at its start, the clock and where its memory lies.
#[must_use]
pub fn random_words() -> [u64; 2] {
    keeping_errno(|| from_kernel().unwrap_or_else(from_process))
}

fn from_kernel() -> Option<[u64; 2]> {
    let mut words = [0_u64; 2];
    // SAFETY: the buffer is valid for its 16 bytes, and any bits are words.
    let got = unsafe { libc::getrandom(words.as_mut_ptr().cast(), size_of_val(&words), libc::GRND_NONBLOCK) };
    (usize::try_from(got) == Ok(size_of_val(&words))).then_some(words)
}

/// The words without the kernel's generator. The 16 bytes given at the start are mixed, not handed out: the C library
/// makes its stack guard of them.
pub(super) fn from_process() -> [u64; 2] {
    let given = given_at_start();
    let stack = (&raw const given).addr() as u64;
    let code = (random_words as fn() -> [u64; 2] as *const ()).addr() as u64;
    let time = clock();
    let first = mix(given[0] ^ mix(time ^ mix(stack)));
    [first, mix(given[1] ^ mix(first ^ mix(code)))]
}

/// What the kernel put at `AT_RANDOM` of the auxiliary vector, or zeros.
fn given_at_start() -> [u64; 2] {
    // SAFETY: `getauxval` may be called at any time.
    let address = unsafe { libc::getauxval(libc::AT_RANDOM) };
    if address == 0 {
        return [0; 2];
    }
    let bytes = core::ptr::with_exposed_provenance::<[u64; 2]>(address as usize);
    // SAFETY: the kernel left 16 bytes there, which stay for the life of the process; they need not be aligned.
    unsafe { bytes.read_unaligned() }
}

/// Nanoseconds of a clock that differs from start to start.
fn clock() -> u64 {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: `time` is valid for a `timespec`.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, time.as_mut_ptr()) };
    // SAFETY: a `timespec` is two integers: zeros are one, if the call failed.
    let time = unsafe { time.assume_init() };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// Steele, Lea and Flood's finalizer (*Fast splittable pseudorandom number generators*, 2014), after one step: every
/// bit of the result depends on every bit of the word, and zero does not stay zero.
const fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}
