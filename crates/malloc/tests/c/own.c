/* A program with a malloc of its own, a very simple one. The library that was preloaded has nothing to do in it. */
#include "check.h"

static unsigned char memory[4 * 1024 * 1024] __attribute__((aligned(16)));
/* Changed behind the back of the compiler, to which the functions of the C library call nothing in here. */
static volatile size_t used;

void *malloc(size_t size) {
    size_t rounded = (size + 31) / 16 * 16;
    if (size > sizeof memory - used - 32) return NULL;
    size_t *header = (size_t *)(memory + used);
    *header = size;
    used += rounded + 16;
    return header + 2;
}

void free(void *block) {
    CHECK(block == NULL || ((unsigned char *)block > memory && (unsigned char *)block < memory + used));
}

void *calloc(size_t count, size_t size) { return malloc(count * size); }

void *realloc(void *block, size_t size) {
    void *moved = malloc(size);
    if (block != NULL && moved != NULL) {
        size_t had = ((size_t *)block)[-2];
        memcpy(moved, block, had < size ? had : size);
        free(block);
    }
    return moved;
}

/* By numbers: the compiler takes it for granted that no malloc returns a part of an array. */
static bool is_mine(const void *volatile block) {
    uintptr_t start = (uintptr_t)memory, at = (uintptr_t)block;
    return at > start && at < start + used;
}

int main(void) {
    watchdog();
    char *text = strdup("from here");
    CHECK(is_mine(text));
    /* It has no reallocarray. The C library's would call the realloc above, and so does the library's. */
    text = reallocarray(text, 10, 10);
    CHECK(is_mine(text));
    CHECK(strcmp(text, "from here") == 0);
    free(text);
    return 0;
}
