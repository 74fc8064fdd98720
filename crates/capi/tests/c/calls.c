/* Every function of the header, its errors and errno. Compiles as C and as C++. */
#include "check.h"

#include <errno.h>
#include <string.h>

static void allocations(void) {
    errno = 77;
    char *block = (char *)mem_alloc(100);
    CHECK(block != NULL && (uintptr_t)block % 16 == 0 && mem_usable_size(block) >= 100);
    memset(block, 7, 100);
    block = (char *)mem_resize(block, 100000);
    CHECK(block != NULL && block[0] == 7 && block[99] == 7);
    block = (char *)mem_resize(block, 50);
    CHECK(block != NULL && block[49] == 7);
    mem_free(block);
    mem_free(NULL);
    CHECK(mem_usable_size(NULL) == 0);
    char *clear = (char *)mem_alloc_clear(10, 10);
    for (int at = 0; at < 100; at++) CHECK(clear[at] == 0);
    mem_free_sized(clear, 100);
    for (size_t align = 1; align <= 1 << 20; align *= 2) {
        void *aligned = mem_alloc_aligned(align, 100);
        CHECK(aligned != NULL && (uintptr_t)aligned % align == 0);
        mem_free(aligned);
    }
    void *none = mem_alloc(0);
    CHECK(none != NULL);
    mem_free(none);
    CHECK(errno == 77);
}

static void refusals(void) {
    /* Compilers know these to be wrong. */
    volatile size_t huge = SIZE_MAX / 2 + 1, odd = 48;
    errno = 0;
    CHECK(mem_alloc(huge) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(mem_alloc_clear(huge, 4) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(mem_alloc_aligned(odd, 1) == NULL && errno == EINVAL);
    void *block = mem_alloc(1000);
    errno = 0;
    CHECK(mem_resize(block, huge) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(mem_try_resize(&block, huge, NULL) == MEM_ERROR_OUT_OF_MEMORY && block != NULL && errno == 0);
    CHECK(mem_resize(block, 0) == NULL && errno == EINVAL);
    CHECK(mem_try_free(block, NULL) == MEM_ERROR_DOUBLE_FREE);
}

static void wrong_pointers(void) {
    struct mem_bad_pointer what;
    size_t size = 0;
    int local = 0;
    char *block = (char *)mem_alloc(1000);
    void *moved = block + 1;
    CHECK(mem_try_free(block + 1, &what) == MEM_ERROR_INTERIOR && what.error == MEM_ERROR_INTERIOR);
    CHECK(what.block == block && what.offset == 1 && what.usable_size == mem_usable_size(block));
    CHECK(mem_try_resize(&moved, 1, &what) == MEM_ERROR_INTERIOR && moved == block + 1);
    CHECK(mem_try_usable_size(block, &size, NULL) == MEM_ERROR_NONE && size >= 1000);
    CHECK(mem_try_usable_size(&local, &size, &what) == MEM_ERROR_FOREIGN && what.block == NULL);
    void *theirs = malloc(10);
    CHECK(mem_try_free(theirs, NULL) == MEM_ERROR_FOREIGN);
    free(theirs);
    CHECK(mem_try_free_sized(block, 10, NULL) == MEM_ERROR_WRONG_SIZE);
    moved = block;
    CHECK(mem_try_resize(&moved, 5000, &what) == MEM_ERROR_NONE);
    CHECK(mem_try_free_sized(moved, 5000, &what) == MEM_ERROR_NONE);
    CHECK(mem_try_free(moved, &what) == MEM_ERROR_DOUBLE_FREE && what.offset == 0);
    CHECK(mem_try_free(NULL, NULL) == MEM_ERROR_NONE);
    CHECK(strcmp(mem_error_text(MEM_ERROR_INTERIOR), "interior pointer") == 0);
    CHECK(strcmp(mem_error_text(MEM_ERROR_FOOTER_OVERWRITTEN), "footer overwritten") == 0);
    CHECK(strcmp(mem_error_text(9), "unknown error") == 0 && strcmp(mem_error_text(-1), "unknown error") == 0);
}

static void numbers(void) {
    struct mem_stats before, after;
    CHECK(mem_stats(&before, sizeof before) == sizeof before);
    mem_count_calls();
    void *small = mem_alloc(1000), *large = mem_alloc(1 << 20);
    CHECK(mem_stats(&after, sizeof after) == sizeof after);
    CHECK(after.heap_blocks == before.heap_blocks + 1 && after.direct_blocks == before.direct_blocks + 1);
    CHECK(after.allocations == 2 && after.live >= 1000 + (1 << 20) && after.peak_live >= after.live);
    CHECK(after.peak_footprint >= after.footprint && after.system_calls > 0);
    /* A program that knows less gets less. */
    memset(&before, 0xA5, sizeof before);
    CHECK(mem_stats(&before, sizeof(size_t)) == sizeof before && before.footprint == after.footprint);
    CHECK(((unsigned char *)&before)[sizeof(size_t)] == 0xA5);
    mem_free(small);
    mem_free(large);
    mem_trim(0);
    CHECK(mem_validate());
}

static void checks(void) {
    struct mem_finding finding;
    char *blocks[3];
    memset(&finding, 0, sizeof finding);
    for (int at = 0; at < 3; at++) blocks[at] = (char *)mem_alloc(2000);
    CHECK(mem_check(NULL) == 0 && mem_check(&finding) == 0 && finding.invariant == 0);
    /* The last byte of a header. */
    blocks[1][-1] ^= 1;
    CHECK(mem_check(NULL) == -1 && !mem_validate());
    CHECK(mem_check(&finding) == -1 && finding.invariant == 7 && finding.address == blocks[1] - 8);
    CHECK(strstr(finding.text, "invariant 7: a seal does not fit its block, at 0x") == finding.text);
    blocks[1][-1] ^= 1;
    CHECK(mem_check(NULL) == 0);
    for (int at = 0; at < 3; at++) mem_free(blocks[at]);
}

/* Before anything is allocated. */
static int options(void) {
    CHECK(mem_options(NULL) == 0 && mem_options("") == 0);
    errno = 0;
    CHECK(mem_options("canary,canaries") == -1 && errno == EINVAL);
    CHECK(mem_options("canary,check=1000") == 0);
    CHECK(mem_options("hardened") == -1 && errno == EALREADY);
    char *block = (char *)mem_alloc(10);
    CHECK(mem_usable_size(block) == 10);
    mem_free(block);
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1) {
        if (strcmp(argv[1], "options") == 0) return options();
        if (strcmp(argv[1], "version") == 0) return puts(mem_version()) < 0;
        /* What the process is to end by. If the compiler saw what is called, it would warn. */
        void (*volatile release)(void *) = mem_free;
        char *block = (char *)mem_alloc(100);
        int local = 0;
        printf("%p %p\n", (void *)block, (void *)&local);
        fflush(stdout);
        if (strcmp(argv[1], "interior") == 0) release(block + 1);
        if (strcmp(argv[1], "stack") == 0) return mem_resize(&local, 10) != NULL;
        if (strcmp(argv[1], "double") == 0) release(block);
        if (strcmp(argv[1], "sized") == 0) mem_free_sized(block, 10);
        if (strcmp(argv[1], "every") == 0) {
            /* Larger than what lies in slabs: it has a header. */
            char *damaged = (char *)mem_alloc(1100);
            mem_check_every(2);
            damaged[-1] ^= 1;
            mem_free(mem_alloc(100));
        }
        if (strcmp(argv[1], "usable") == 0) return mem_usable_size(block + 16) != 0;
        release(block);
        return 0;
    }
    allocations();
    refusals();
    wrong_pointers();
    numbers();
    checks();
    puts("every call does what it says");
    return 0;
}
