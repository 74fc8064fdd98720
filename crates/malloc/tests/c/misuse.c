/* One misuse of the allocator, named by the argument. Before it, three numbers are printed: the pointer that is misused,
 * and the start and the usable size of the block that it has to do with. After it, nothing should come. */
#include "check.h"

typedef void (*Misuse)(void);

static unsigned char global[64] __attribute__((aligned(64)));
static void (*free_sized_)(void *, size_t);
static void (*free_aligned_sized_)(void *, size_t, size_t);

/* Says what is about to happen, and hides from the compiler which pointer it happens to. */
static void *announce(const void *pointer, void *block, size_t usable) {
    printf("%#zx %#zx %zu\n", (size_t)pointer, (size_t)block, usable);
    void *volatile hidden = (void *)pointer;
    return hidden;
}

/* An address in a block, `offset` bytes from its start. */
static void *announce_in(unsigned char *block, ptrdiff_t offset) {
    return announce(block + offset, block, malloc_usable_size(block));
}

/* Blocks that lie one behind the other, as nothing else does that was allocated before. */
static void neighbours(unsigned char **blocks, size_t count) {
    for (size_t i = 0; i < count; i++) {
        blocks[i] = malloc(9000);
        CHECK(i == 0 || blocks[i] == blocks[i - 1] + malloc_usable_size(blocks[i - 1]) + 8);
    }
}

static void free_at(size_t size, ptrdiff_t offset) { free(announce_in(malloc(size), offset)); }

static void interior_1(void) { free_at(100, 1); }
static void interior_8(void) { free_at(100, 8); }
static void interior_16(void) { free_at(100, 16); }
static void interior_large(void) { free_at(10 * MIB, 16); }
static void interior_far(void) { free_at(10 * MIB, 5 * MIB); }
static void interior_far_odd(void) { free_at(10 * MIB, 5 * MIB + 1); }
static void before_block(void) { free_at(100, -1); }
static void interior_aligned(void) { free(announce_in(aligned_alloc(4096, 10000), 4096)); }
static void interior_aligned_large(void) { free(announce_in(aligned_alloc(MIB, 3 * MIB), MIB)); }

static void double_free(size_t size) {
    void *block = announce_in(malloc(size), 0);
    void *behind = malloc(100);
    free(block);
    free(block);
    free(behind);
}

static void double_small(void) { double_free(100); }
static void double_large(void) { double_free(MIB); }

static void double_after_previous(void) {
    unsigned char *blocks[4];
    neighbours(blocks, 4);
    void *block = announce_in(blocks[2], 0);
    free(blocks[1]);
    free(block);
    free(block);
}

static void double_after_next(void) {
    unsigned char *blocks[4];
    neighbours(blocks, 4);
    void *block = announce_in(blocks[1], 0);
    free(blocks[2]);
    free(block);
    free(block);
}

/* Freed first, then swallowed by the block before it. */
static void double_swallowed(void) {
    unsigned char *blocks[4];
    neighbours(blocks, 4);
    void *block = announce_in(blocks[2], 0);
    free(block);
    free(blocks[1]);
    free(block);
}

static void double_at_top(void) {
    unsigned char *blocks[3];
    neighbours(blocks, 3);
    void *block = announce_in(blocks[2], 0);
    free(block);
    free(block);
}

static void double_after_move(void) {
    unsigned char *blocks[3];
    neighbours(blocks, 3);
    void *block = announce_in(blocks[1], 0);
    CHECK(realloc(block, 20000) != block);
    free(block);
}

static void double_after_move_of_pages(void) {
    unsigned char *block = announce_in(malloc(MIB), 0);
    void *moved = block;
    for (size_t size = 2 * MIB; moved == block && size < (size_t)1 << 40; size *= 2) moved = realloc(moved, size);
    CHECK(moved != block);
    free(block);
}

static void stack(void) {
    unsigned char local[64] __attribute__((aligned(64))) = {0};
    free(announce(local + 16, local, 0));
}

static void global_variable(void) { free(announce(global + 16, global, 0)); }
static void literal(void) { free(announce("it is not allocated", NULL, 0)); }
static void code(void) { free(announce((void *)((uintptr_t)announce & ~(uintptr_t)15), NULL, 0)); }
static void null_page(void) { free(announce((void *)8, NULL, 0)); }
static void unmapped(void) { free(announce((void *)0x123456789010, NULL, 0)); }
static void not_canonical(void) { free(announce((void *)0xDEADBEEFDEADBEEF, NULL, 0)); }
static void highest(void) { free(announce((void *)UINTPTR_MAX, NULL, 0)); }

static void header_overwritten(size_t size, ptrdiff_t at) {
    unsigned char *block = announce_in(malloc(size), 0);
    block[at] ^= 0xFF;
    free(block);
}

static void underflow_1(void) { header_overwritten(1100, -1); }
static void underflow_8(void) { header_overwritten(1100, -8); }
static void underflow_large_1(void) { header_overwritten(MIB, -1); }
static void underflow_large_8(void) { header_overwritten(MIB, -8); }

/* The block that is announced has lost its header to the one before it. */
static void overflow(size_t bytes) {
    unsigned char *blocks[3];
    neighbours(blocks, 3);
    void *block = announce_in(blocks[1], 0);
    memset(blocks[0], 'A', malloc_usable_size(blocks[0]) + bytes);
    free(block);
}

static void overflow_1(void) { overflow(1); }
static void overflow_8(void) { overflow(8); }

static void resize_at(ptrdiff_t offset, size_t size) {
    void *result = realloc(announce_in(malloc(100), offset), size);
    CHECK(result == NULL);
}

static void resize_interior(void) { resize_at(16, 200); }
static void resize_interior_odd(void) { resize_at(1, 50); }
static void resize_interior_to_nothing(void) { resize_at(16, 0); }
static void resize_array_interior(void) { CHECK(reallocarray(announce_in(malloc(100), 16), 20, 20) == NULL); }
static void resize_global(void) { CHECK(realloc(announce(global + 16, global, 0), 100) == NULL); }

static void *freed(size_t size) {
    void *block = announce_in(malloc(size), 0);
    free(block);
    return block;
}

static void resize_freed(void) { CHECK(realloc(freed(100), 200) == NULL); }
static void resize_freed_large(void) { CHECK(realloc(freed(MIB), 2 * MIB) == NULL); }
static void resize_overwritten(void) {
    unsigned char *block = announce_in(malloc(1100), 0);
    block[-1] ^= 0xFF;
    CHECK(realloc(block, 1200) == NULL);
}

static void usable_interior(void) { CHECK(malloc_usable_size(announce_in(malloc(100), 16)) == 0); }
static void usable_freed(void) { CHECK(malloc_usable_size(freed(100)) == 0); }
static void usable_global(void) { CHECK(malloc_usable_size(announce(global + 16, global, 0)) == 0); }

static void sized_wrong(void) { free_sized_(announce_in(malloc(100), 0), 200); }
static void sized_less(void) { free_sized_(announce_in(malloc(100), 0), 0); }
static void sized_absurd(void) { free_sized_(announce_in(malloc(100), 0), SIZE_MAX); }
static void sized_wrong_large(void) { free_sized_(announce_in(malloc(MIB), 0), 2 * MIB); }
static void sized_interior(void) { free_sized_(announce_in(malloc(100), 16), 84); }
static void sized_freed(void) { free_sized_(freed(100), 100); }

static void aligned_sized(ptrdiff_t offset, size_t alignment, size_t size) {
    free_aligned_sized_(announce_in(aligned_alloc(64, 1000), offset), alignment, size);
}

static void aligned_sized_wrong(void) { aligned_sized(0, 64, 2000); }
static void aligned_sized_interior(void) { aligned_sized(64, 64, 936); }
static void aligned_sized_less_aligned(void) { aligned_sized(16, 64, 1000); }
static void aligned_sized_no_power(void) { aligned_sized(0, 3, 1000); }
static void aligned_sized_no_alignment(void) { aligned_sized(0, 0, 1000); }

#define MISUSE(name) {#name, name}
static const struct {
    const char *name;
    Misuse run;
} MISUSES[] = {
    MISUSE(interior_1), MISUSE(interior_8), MISUSE(interior_16), MISUSE(interior_large), MISUSE(interior_far),
    MISUSE(interior_far_odd), MISUSE(before_block), MISUSE(interior_aligned), MISUSE(interior_aligned_large),
    MISUSE(double_small), MISUSE(double_large), MISUSE(double_after_previous), MISUSE(double_after_next),
    MISUSE(double_swallowed), MISUSE(double_at_top), MISUSE(double_after_move), MISUSE(double_after_move_of_pages),
    MISUSE(stack), MISUSE(global_variable), MISUSE(literal), MISUSE(code), MISUSE(null_page), MISUSE(unmapped),
    MISUSE(not_canonical), MISUSE(highest), MISUSE(underflow_1), MISUSE(underflow_8), MISUSE(underflow_large_1),
    MISUSE(underflow_large_8), MISUSE(overflow_1), MISUSE(overflow_8), MISUSE(resize_interior),
    MISUSE(resize_interior_odd), MISUSE(resize_interior_to_nothing), MISUSE(resize_array_interior),
    MISUSE(resize_global), MISUSE(resize_freed), MISUSE(resize_freed_large), MISUSE(resize_overwritten),
    MISUSE(usable_interior), MISUSE(usable_freed), MISUSE(usable_global), MISUSE(sized_wrong), MISUSE(sized_less),
    MISUSE(sized_absurd), MISUSE(sized_wrong_large), MISUSE(sized_interior), MISUSE(sized_freed),
    MISUSE(aligned_sized_wrong), MISUSE(aligned_sized_interior), MISUSE(aligned_sized_less_aligned),
    MISUSE(aligned_sized_no_power), MISUSE(aligned_sized_no_alignment),
};

int main(int count, char **arguments) {
    static char buffer[256];
    watchdog();
    CHECK(count == 2);
    setvbuf(stdout, buffer, _IOLBF, sizeof buffer);
    CHECK(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) == 0);
    *(void **)&free_sized_ = function("free_sized");
    *(void **)&free_aligned_sized_ = function("free_aligned_sized");
    for (size_t i = 0; i < COUNT(MISUSES); i++) {
        if (strcmp(MISUSES[i].name, arguments[1]) != 0) continue;
        MISUSES[i].run();
        return 0;
    }
    return 2;
}
