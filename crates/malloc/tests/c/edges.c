/* Every edge of the family, as C23, POSIX.1-2024 and glibc's manual have it. */
#include "check.h"

static const size_t SIZES[] = {0,        1,         8,         24,        25,         100,        1000,
                               5000,     40000,     100 * KIB, 128 * KIB - 40, 128 * KIB, 200000, MIB,
                               5 * MIB + 1};

static const size_t TOO_LARGE[] = {PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1, SIZE_MAX - 4096, SIZE_MAX - 15, SIZE_MAX};

static const size_t BAD_ALIGNMENTS[] = {0, 3, 24, 48, ((size_t)1 << 30) + 1, (size_t)3 << 61, SIZE_MAX};

/* An alignment that is a power of two, but no address space has two such places. */
static const size_t HUGE_ALIGNMENTS[] = {(size_t)1 << 48, (size_t)1 << 62, (size_t)1 << 63};

static void (*free_sized_)(void *, size_t);
static void (*free_aligned_sized_)(void *, size_t, size_t);
static size_t page;

/* `call` leaves `errno` as it is. */
#define KEEPS_ERRNO(call)       \
    do {                        \
        errno = 77;             \
        call;                   \
        CHECK(errno == 77);     \
    } while (0)

/* `call` is a null pointer, and sets `errno` to `error`. */
#define FAILS(call, error)                          \
    do {                                            \
        errno = 77;                                 \
        CHECK((call) == NULL && errno == (error));  \
    } while (0)

static void allocations_succeed(void) {
    for (size_t i = 0; i < COUNT(SIZES); i++) {
        size_t size = SIZES[i];
        unsigned char *a, *b;
        KEEPS_ERRNO(a = malloc(size));
        KEEPS_ERRNO(b = calloc(1, size));
        CHECK(a != NULL && b != NULL && a != b);
        CHECK(is_aligned(a, 16) && is_aligned(b, 16) && is_zero(b, size));
        size_t usable;
        KEEPS_ERRNO(usable = malloc_usable_size(a));
        CHECK(usable >= size);
        fill(a, usable, 1);
        fill(b, malloc_usable_size(b), 2);
        CHECK(is_filled(a, usable, 1));
        KEEPS_ERRNO(free(a));
        KEEPS_ERRNO(free(b));
    }
    CHECK(malloc_usable_size(NULL) == 0);
    KEEPS_ERRNO(free(NULL));
    KEEPS_ERRNO(free_sized_(NULL, 100));
    KEEPS_ERRNO(free_aligned_sized_(NULL, 3, 100));
}

static void no_bytes_are_a_block(void) {
    void *blocks[] = {malloc(0), malloc(0), calloc(0, 0), calloc(0, 8), calloc(8, 0), realloc(NULL, 0),
                      reallocarray(NULL, 0, 9), aligned_alloc(64, 0), memalign(64, 0), valloc(0)};
    for (size_t i = 0; i < COUNT(blocks); i++) {
        CHECK(blocks[i] != NULL);
        for (size_t j = 0; j < i; j++) CHECK(blocks[i] != blocks[j]);
    }
    for (size_t i = 0; i < COUNT(blocks); i++) free(blocks[i]);
}

static void too_much_is_refused(void) {
    unsigned char *block = malloc(100);
    fill(block, 100, 3);
    for (size_t i = 0; i < COUNT(TOO_LARGE); i++) {
        size_t size = TOO_LARGE[i];
        FAILS(malloc(size), ENOMEM);
        FAILS(calloc(1, size), ENOMEM);
        FAILS(calloc(size, 1), ENOMEM);
        FAILS(realloc(NULL, size), ENOMEM);
        FAILS(realloc(block, size), ENOMEM);
        FAILS(reallocarray(block, size, 1), ENOMEM);
        FAILS(aligned_alloc(8, size), ENOMEM);
        FAILS(aligned_alloc(64, size), ENOMEM);
        FAILS(memalign(4096, size), ENOMEM);
        FAILS(valloc(size), ENOMEM);
        FAILS(pvalloc(size), ENOMEM);
        void *untouched = block;
        KEEPS_ERRNO(CHECK(posix_memalign(&untouched, 64, size) == ENOMEM));
        CHECK(untouched == block);
    }
    CHECK(is_filled(block, 100, 3));
    free(block);
}

static void products_that_overflow_are_refused(void) {
    static const size_t factors[][2] = {
        {SIZE_MAX, 2}, {(size_t)1 << 32, (size_t)1 << 32}, {SIZE_MAX / 2 + 1, 2}, {SIZE_MAX / 3 + 1, 3}, {PTRDIFF_MAX, 2}};
    unsigned char *block = malloc(300000);
    fill(block, 300000, 4);
    for (size_t i = 0; i < COUNT(factors); i++) {
        size_t count = factors[i][0], size = factors[i][1];
        FAILS(calloc(count, size), ENOMEM);
        FAILS(calloc(size, count), ENOMEM);
        FAILS(reallocarray(NULL, count, size), ENOMEM);
        FAILS(reallocarray(block, count, size), ENOMEM);
        FAILS(reallocarray(block, size, count), ENOMEM);
    }
    CHECK(is_filled(block, 300000, 4));
    free(block);
}

/* To nothing: freed, which shows when it is done often enough. */
static void resizing_to_nothing_frees(void) {
    struct rlimit before, limit;
    CHECK(getrlimit(RLIMIT_AS, &before) == 0);
    limit = before;
    limit.rlim_cur = 1024 * MIB;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    for (int i = 0; i < 10000; i++) {
        void *block = malloc(100 * KIB + (size_t)i % 2 * MIB);
        CHECK(block != NULL);
        if (i % 3 == 0)
            FAILS(reallocarray(block, i % 2 ? 0 : 9, i % 2 ? 9 : 0), EINVAL);
        else
            FAILS(realloc(block, 0), EINVAL);
    }
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);
}

/* From every size to every other, with a block in between that holds the place behind the first, or none. */
static void resizing_keeps_contents(void) {
    for (size_t i = 0; i < COUNT(SIZES); i++) {
        for (size_t j = 0; j < COUNT(SIZES); j++) {
            size_t from = SIZES[i], to = SIZES[j], kept = from < to ? from : to;
            unsigned char *block = malloc(from);
            void *behind = j % 2 ? malloc(100) : NULL;
            CHECK(block != NULL);
            fill(block, from, 5);
            if (to == 0) {
                FAILS(realloc(block, to), EINVAL);
            } else {
                KEEPS_ERRNO(block = i % 3 ? realloc(block, to) : reallocarray(block, to, 1));
                CHECK(block != NULL && is_aligned(block, 16) && malloc_usable_size(block) >= to);
                CHECK(is_filled(block, kept, 5));
                fill(block, to, 6);
                KEEPS_ERRNO(free(block));
            }
            free(behind);
        }
    }
    unsigned char *growing = NULL;
    size_t was = 0;
    for (size_t size = 1; size < 100 * MIB; size += size / 2 + 1) {
        KEEPS_ERRNO(growing = realloc(growing, size));
        CHECK(growing != NULL && is_filled(growing, was, 7));
        fill(growing, size, 7);
        was = size;
    }
    free(growing);
}

static void cleared_memory_is_clear(void) {
    for (int round = 0; round < 3; round++) {
        unsigned char *blocks[COUNT(SIZES)];
        for (size_t i = 0; i < COUNT(SIZES); i++) {
            blocks[i] = malloc(SIZES[i]);
            memset(blocks[i], 0xFF, malloc_usable_size(blocks[i]));
        }
        for (size_t i = 0; i < COUNT(SIZES); i++) free(blocks[(i * 7) % COUNT(SIZES)]);
        for (size_t i = 0; i < COUNT(SIZES); i++) {
            blocks[i] = i % 2 ? calloc(SIZES[i], 1) : calloc(1, SIZES[i]);
            CHECK(blocks[i] != NULL && is_zero(blocks[i], SIZES[i]));
            memset(blocks[i], 0xFF, malloc_usable_size(blocks[i]));
        }
        for (size_t i = 0; i < COUNT(SIZES); i++) free(blocks[i]);
    }
}

static void is_block(unsigned char *block, size_t alignment, size_t size) {
    CHECK(block != NULL && is_aligned(block, alignment) && is_aligned(block, 16));
    size_t usable = malloc_usable_size(block);
    CHECK(usable >= size);
    fill(block, usable, 8);
    unsigned char *grown = realloc(block, 2 * size + 50);
    CHECK(grown != NULL && is_filled(grown, size, 8));
    free(grown);
}

static void alignments_are_kept(void) {
    static const size_t sizes[] = {0, 1, 100, 5000, 200000};
    for (size_t alignment = 1; alignment <= (size_t)1 << 30; alignment *= 2) {
        for (size_t i = 0; i < COUNT(sizes); i++) {
            unsigned char *block;
            KEEPS_ERRNO(block = aligned_alloc(alignment, sizes[i]));
            is_block(block, alignment, sizes[i]);
            KEEPS_ERRNO(block = memalign(alignment, sizes[i]));
            is_block(block, alignment, sizes[i]);
            void *posix = &page;
            int expected = alignment < sizeof(void *) ? EINVAL : 0;
            KEEPS_ERRNO(CHECK(posix_memalign(&posix, alignment, sizes[i]) == expected));
            if (expected == 0)
                is_block(posix, alignment, sizes[i]);
            else
                CHECK(posix == &page);
            KEEPS_ERRNO(free_aligned_sized_(aligned_alloc(alignment, sizes[i]), alignment, sizes[i]));
        }
    }
}

static void other_alignments_are_refused(void) {
    for (size_t i = 0; i < COUNT(BAD_ALIGNMENTS); i++) {
        size_t alignment = BAD_ALIGNMENTS[i];
        FAILS(aligned_alloc(alignment, 100), EINVAL);
        FAILS(memalign(alignment, 100), EINVAL);
        void *untouched = &page;
        KEEPS_ERRNO(CHECK(posix_memalign(&untouched, alignment, 100) == EINVAL));
        CHECK(untouched == &page);
    }
    for (size_t i = 0; i < COUNT(HUGE_ALIGNMENTS); i++) {
        size_t alignment = HUGE_ALIGNMENTS[i];
        FAILS(aligned_alloc(alignment, 100), ENOMEM);
        FAILS(memalign(alignment, 0), ENOMEM);
        void *untouched = &page;
        KEEPS_ERRNO(CHECK(posix_memalign(&untouched, alignment, 100) == ENOMEM));
        CHECK(untouched == &page);
    }
}

static void pages_are_whole(void) {
    for (size_t i = 0; i < COUNT(SIZES); i++) {
        unsigned char *block;
        KEEPS_ERRNO(block = valloc(SIZES[i]));
        is_block(block, page, SIZES[i]);
        KEEPS_ERRNO(block = pvalloc(SIZES[i]));
        size_t pages = (SIZES[i] + page - 1) / page;
        is_block(block, page, (pages > 0 ? pages : 1) * page);
    }
    /* What rounds up beyond the largest number. */
    FAILS(pvalloc(SIZE_MAX - page + 2), ENOMEM);
    FAILS(pvalloc(SIZE_MAX - 1), ENOMEM);
}

/* A sized free is told what was asked for, whatever came of it. */
static void sized_frees_agree(void) {
    for (size_t i = 0; i < COUNT(SIZES); i++) {
        KEEPS_ERRNO(free_sized_(malloc(SIZES[i]), SIZES[i]));
        KEEPS_ERRNO(free_sized_(calloc(SIZES[i], 1), SIZES[i]));
        for (size_t j = 1; j < COUNT(SIZES); j++) {
            void *block = realloc(malloc(SIZES[i]), SIZES[j]);
            KEEPS_ERRNO(free_sized_(block, SIZES[j]));
        }
    }
}

static void trimming_changes_no_block(void) {
    unsigned char *blocks[2000];
    for (size_t i = 0; i < COUNT(blocks); i++) {
        blocks[i] = malloc(20000);
        fill(blocks[i], 20000, 9);
    }
    for (size_t i = 0; i < COUNT(blocks); i++)
        if (i % 100 != 0) free(blocks[i]);
    int trimmed;
    KEEPS_ERRNO(trimmed = malloc_trim(0));
    CHECK(trimmed == 1);
    KEEPS_ERRNO(trimmed = malloc_trim(SIZE_MAX));
    CHECK(trimmed == 0 || trimmed == 1);
    for (size_t i = 0; i < COUNT(blocks); i += 100) {
        CHECK(is_filled(blocks[i], 20000, 9));
        free(blocks[i]);
    }
}

int main(void) {
    watchdog();
    page = (size_t)sysconf(_SC_PAGESIZE);
    *(void **)&free_sized_ = function("free_sized");
    *(void **)&free_aligned_sized_ = function("free_aligned_sized");
    allocations_succeed();
    no_bytes_are_a_block();
    too_much_is_refused();
    products_that_overflow_are_refused();
    resizing_to_nothing_frees();
    resizing_keeps_contents();
    cleared_memory_is_clear();
    alignments_are_kept();
    other_alignments_are_refused();
    pages_are_whole();
    sized_frees_agree();
    trimming_changes_no_block();
    return 0;
}
