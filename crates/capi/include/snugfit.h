/*
 * Snugfit: memory from an allocator that is dense, and that no wrong pointer deceives.
 *
 *     cc program.c $(pkg-config --cflags --libs snugfit)
 *
 * It lives beside the program's malloc: what comes from the one must not be given to the other, and is named
 * "not from this allocator" if it is. Every function may be called from any thread.
 */

#ifndef SNUGFIT_H
#define SNUGFIT_H

#include <stdbool.h>
#include <stddef.h>

/* What a compiler that understands it is told about a function. The names have underscores, as a program may have macros
 * that are called malloc and the like. */
#if defined(__GNUC__)
#define MEM_ATTRIBUTES(...) __attribute__((__VA_ARGS__))
#else
#define MEM_ATTRIBUTES(...)
#endif
#define MEM_MUST_USE MEM_ATTRIBUTES(__warn_unused_result__)

/* GCC warns if another function, such as free, is given the block. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define MEM_FREED_HERE __attribute__((__malloc__(mem_free, 1), __malloc__(mem_free_sized, 1)))
#else
#define MEM_FREED_HERE
#endif
#define MEM_NEW(...) MEM_ATTRIBUTES(__malloc__, __VA_ARGS__) MEM_FREED_HERE

/**
 * What is wrong with a call.
 */
enum mem_error {
  /**
   * Nothing.
   */
  MEM_ERROR_NONE = 0,
  /**
   * There is no memory. The block is as it was.
   */
  MEM_ERROR_OUT_OF_MEMORY = 1,
  /**
   * No block has this alignment, and no block in use contains it.
   */
  MEM_ERROR_MISALIGNED = 2,
  /**
   * It is not from this allocator.
   */
  MEM_ERROR_FOREIGN = 3,
  /**
   * It lies within a block, but is not its start.
   */
  MEM_ERROR_INTERIOR = 4,
  /**
   * The block is free already.
   */
  MEM_ERROR_DOUBLE_FREE = 5,
  /**
   * The block is in use, but not of the size that was stated.
   */
  MEM_ERROR_WRONG_SIZE = 6,
  /**
   * The header of the block was overwritten, or one on the way to it.
   */
  MEM_ERROR_HEADER_OVERWRITTEN = 7,
  /**
   * The footer of the free block before it was overwritten.
   */
  MEM_ERROR_FOOTER_OVERWRITTEN = 8,
};

/**
 * Where a pointer lies that is wrong.
 */
struct mem_bad_pointer {
  /**
   * What is wrong with it.
   */
  enum mem_error error;
  /**
   * Of an interior pointer: the start of the block that it lies in; NULL otherwise.
   */
  void *block;
  /**
   * Of an interior pointer: the bytes from there to the pointer; 0 otherwise.
   */
  size_t offset;
  /**
   * Of an interior pointer: the bytes of that block that may be used; 0 otherwise.
   */
  size_t usable_size;
};

/**
 * The allocator in numbers, of bytes unless said otherwise. What is counted of calls is 0 until mem_count_calls is called.
 */
struct mem_stats {
  /**
   * Bytes held from the system now and ever touched.
   */
  size_t footprint;
  /**
   * The most that `footprint` has been.
   */
  size_t peak_footprint;
  /**
   * The number of blocks of the heap in use.
   */
  size_t heap_blocks;
  /**
   * Their bytes, headers and rounding included.
   */
  size_t heap_bytes;
  /**
   * The number of runs of memory that the heap has.
   */
  size_t heap_segments;
  /**
   * Bytes that the heap has from the system, touched or not.
   */
  size_t heap_reserved;
  /**
   * The number of blocks that are mappings of their own.
   */
  size_t direct_blocks;
  /**
   * Their bytes, whole pages.
   */
  size_t direct_bytes;
  /**
   * The number of system calls for memory.
   */
  size_t system_calls;
  /**
   * Calls that allocate.
   */
  size_t allocations;
  /**
   * Calls that resize a block.
   */
  size_t resizes;
  /**
   * Calls that free a block.
   */
  size_t frees;
  /**
   * Usable bytes of the blocks in use.
   */
  size_t live;
  /**
   * The most that `live` has been.
   */
  size_t peak_live;
};

/**
 * What mem_check has found.
 */
struct mem_finding {
  /**
   * The number of the broken invariant: 1 to 7 are of blocks and their order, 8 is of sums and of what is kept for reuse, 9 of
   * segments, 10 of blocks that are mappings of their own, 11 of what the hardened mode keeps.
   */
  int invariant;
  /**
   * Where it was noticed; NULL if in no one place. To be printed, not to be used.
   */
  void *address;
  /**
   * What it is, in English, without a full stop.
   */
  char text[112];
};

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * What `error` says, in English, without a full stop. It stays for ever. Of a number that is no error, it is "unknown
 * error".
 */
const char *mem_error_text(int error) MEM_ATTRIBUTES(__returns_nonnull__);

/**
 * Frees a block, as free does. Of NULL, nothing happens. errno is kept.
 *
 * A wrong pointer ends the process, with a line on standard error that says what is wrong with it.
 *
 * # Safety
 * - Nobody uses the block any more.
 */
void mem_free(void *block);

/**
 * Frees a block for which `size` bytes were asked, by its allocation or its last resize. The size is checked; a wrong
 * one ends the process like a wrong pointer.
 *
 * # Safety
 * - Nobody uses the block any more.
 */
void mem_free_sized(void *block, size_t size);

/**
 * Allocates `size` bytes, aligned to 16, as malloc does. What they hold is not said. A size of 0 gives a block of
 * its own as well.
 *
 * Returns NULL, with errno set to ENOMEM, if there is no memory, or `size` is more than PTRDIFF_MAX.
 */
MEM_MUST_USE void *mem_alloc(size_t size) MEM_NEW(__alloc_size__(1));

/**
 * Allocates `count` times `size` bytes of zeros, aligned to 16, as calloc does.
 *
 * Returns NULL, with errno set to ENOMEM, if there is no memory, or the product overflows.
 */
MEM_MUST_USE void *mem_alloc_clear(size_t count, size_t size) MEM_NEW(__alloc_size__(1, 2));

/**
 * Allocates `size` bytes, aligned to `align`, any power of two, as aligned_alloc does.
 *
 * Returns NULL, with errno set to EINVAL if `align` is no power of two, and to ENOMEM if there is no memory.
 */
MEM_MUST_USE void *mem_alloc_aligned(size_t align, size_t size) MEM_NEW(__alloc_align__(1), __alloc_size__(2));

/**
 * Makes a block `size` bytes large, in place or elsewhere, and returns where it is now, as realloc does. The contents
 * are kept, up to the smaller of both sizes; the alignment is 16.
 *
 * Of NULL, it allocates. To a size of 0, it frees the block and returns NULL, with errno set to EINVAL. If there is
 * no memory, it returns NULL, with errno set to ENOMEM, and the block is as it was.
 *
 * A wrong pointer ends the process, with a line on standard error that says what is wrong with it.
 *
 * # Safety
 * - After success, only the returned pointer is used.
 */
MEM_MUST_USE void *mem_resize(void *block, size_t size) MEM_ATTRIBUTES(__alloc_size__(2)) MEM_FREED_HERE;

/**
 * The bytes of a block that may be used, at least those asked for. 0 of NULL.
 *
 * A wrong pointer ends the process, with a line on standard error that says what is wrong with it.
 */
MEM_MUST_USE size_t mem_usable_size(const void *block);

/**
 * mem_free with an error to handle: MEM_ERROR_NONE, or what is wrong with the pointer. Then nothing has changed, and
 * `what`, unless it is NULL, says more. Any pointer may be given.
 *
 * # Safety
 * - If it is a block, nobody uses it any more.
 * - `what` is null or valid for a write.
 */
MEM_MUST_USE enum mem_error mem_try_free(void *block, struct mem_bad_pointer *what);

/**
 * mem_free_sized with an error to handle, as in mem_try_free.
 *
 * # Safety
 * - As for mem_try_free.
 */
MEM_MUST_USE enum mem_error mem_try_free_sized(void *block, size_t size, struct mem_bad_pointer *what);

/**
 * mem_resize with an error to handle: MEM_ERROR_NONE, and `*block` is where the block is now; or what is wrong, and
 * block and `*block` are as they were. To a size of 0, it frees the block, and `*block` is NULL. `what`, unless it is
 * NULL, says more of a wrong pointer. errno is kept.
 *
 * # Safety
 * - `block` is valid for reads and writes, `what` is null or valid for a write.
 * - After success, only the new `*block` is used.
 */
MEM_MUST_USE enum mem_error mem_try_resize(void **block, size_t size, struct mem_bad_pointer *what) MEM_ATTRIBUTES(__nonnull__(1));

/**
 * mem_usable_size with an error to handle: MEM_ERROR_NONE, and `*size` is the size; or what is wrong with the pointer, as
 * in mem_try_free.
 *
 * # Safety
 * - `size` is valid for a write, `what` is null or valid for one.
 */
MEM_MUST_USE enum mem_error mem_try_usable_size(const void *block, size_t *size, struct mem_bad_pointer *what) MEM_ATTRIBUTES(__nonnull__(2));

/**
 * Writes the allocator in numbers to `*stats`: mem_stats(&stats, sizeof stats). Returns the size that the library would
 * have written; a larger structure, of a later header, is written as far as the library knows it. It walks all blocks.
 *
 * # Safety
 * - `stats` is valid for a write of `size` bytes.
 */
size_t mem_stats(struct mem_stats *stats, size_t size);

/**
 * Counts calls and live bytes from now on. That makes each call a little slower.
 */
void mem_count_calls(void);

/**
 * Gives unused memory back to the system, but for `keep` bytes at the end of the heap. Returns how many bytes.
 */
size_t mem_trim(size_t keep);

/**
 * Checks the whole allocator: blocks, the links of free ones, caches, mappings. It walks all blocks.
 *
 * Returns 0 if all is as it should be. Else something has written where it must not: it returns -1, and writes to `*finding`
 * what was found first, unless that is NULL.
 *
 * # Safety
 * - `finding` is NULL, or valid for a write.
 */
MEM_MUST_USE int mem_check(struct mem_finding *finding);

/**
 * Checks the whole allocator after every `calls` calls from now on; 0 ends that. What is found ends the process, with a line on
 * standard error that says what it is. That makes each call slower.
 */
void mem_check_every(size_t calls);

/**
 * Checks the whole allocator. False if anything in it is not as it should be: something has written where it must not.
 * It walks all blocks.
 */
MEM_MUST_USE bool mem_validate(void);

/**
 * Sets options by the words that SNUGFIT_OPTIONS has for the library that is preloaded, separated by commas: "hardened",
 * "check=100000,backtrace". Call it before the first allocation: what was allocated before is not hardened. The environment is
 * not read: a program that wants it calls mem_options(getenv("SNUGFIT_OPTIONS")).
 *
 * Returns 0, also if `words` is NULL. Else -1, with `errno` set to EINVAL if a word is none, and nothing is done; to EALREADY if the
 * allocator was hardened before, and the other words hold.
 *
 * # Safety
 * - `words` is NULL, or a string that ends with a zero.
 */
int mem_options(const char *words);

/**
 * The version of the library that the program runs with, such as "0.1.0". It stays for ever.
 */
const char *mem_version(void) MEM_ATTRIBUTES(__returns_nonnull__);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SNUGFIT_H */
