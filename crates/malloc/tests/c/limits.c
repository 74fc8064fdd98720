/* Memory runs out, by the limit that the argument names. Everything goes on: what there was is kept, and once it is freed
 * there is as much as before. */
#include "check.h"

enum { KINDS = 7 };
static const size_t SIZES[KINDS] = {24, 100, 1000, 5000, 40000, 150000, 700000};

/* Blocks that are held, chained through themselves. */
struct held {
    struct held *next;
    size_t size;
};

static struct held *held;
static size_t page;

/* Number `field` of `/proc/self/statm`, in bytes. */
static size_t memory(int field) {
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL);
    size_t pages = 0;
    for (int i = 0; i <= field; i++) CHECK(fscanf(file, "%zu", &pages) == 1);
    fclose(file);
    return pages * page;
}

static void limit_to(bool data, size_t more) {
    struct rlimit limit;
    int resource = data ? RLIMIT_DATA : RLIMIT_AS;
    CHECK(getrlimit(resource, &limit) == 0);
    /* Field 0 is the address space; field 5 counts data and stack. */
    limit.rlim_cur = memory(data ? 5 : 0) + more;
    CHECK(setrlimit(resource, &limit) == 0);
}

static bool hold(size_t size) {
    errno = 77;
    struct held *block = malloc(size);
    if (block == NULL) {
        CHECK(errno == ENOMEM);
        return false;
    }
    CHECK(errno == 77);
    memset(block, 0xA5, size);
    block->next = held;
    block->size = size;
    held = block;
    return true;
}

/* Frees every block whose turn it is, and checks it before. */
static void let_go(size_t every) {
    struct held **link = &held;
    for (size_t turn = 0; *link != NULL; turn++) {
        struct held *block = *link;
        const unsigned char *bytes = (const unsigned char *)block;
        CHECK(bytes[block->size - 1] == 0xA5);
        if (turn % every != 0) {
            link = &block->next;
            continue;
        }
        *link = block->next;
        errno = 77;
        free(block);
        CHECK(errno == 77);
    }
}

/* Takes all there is, in sizes of `kinds` kinds, down to the last small block. Returns the bytes. */
static size_t exhaust(size_t kinds) {
    size_t taken = 0;
    for (size_t kind = kinds; kind-- > 0;) {
        for (size_t turn = 0;; turn++) {
            size_t size = SIZES[turn % (kind + 1)];
            if (!hold(size)) break;
            taken += size;
        }
    }
    while (hold(SIZES[0])) taken += SIZES[0];
    return taken;
}

/* What cannot grow is as it was; what is to shrink need not move. */
static void resizing_is_safe(size_t size) {
    unsigned char *block = malloc(size);
    CHECK(block != NULL);
    fill(block, size, 3);
    exhaust(KINDS);
    for (size_t larger = (size_t)1 << 30; larger != 0; larger *= 2) {
        errno = 77;
        CHECK(realloc(block, larger) == NULL && errno == ENOMEM);
    }
    CHECK(is_filled(block, size, 3));
    CHECK(calloc(1, 64 * MIB) == NULL && aligned_alloc(MIB, MIB) == NULL);
    block = realloc(block, size / 50);
    CHECK(block != NULL && is_filled(block, size / 50, 3));
    free(block);
    let_go(1);
}

int main(int count, char **arguments) {
    watchdog();
    CHECK(count == 2);
    page = (size_t)sysconf(_SC_PAGESIZE);
    limit_to(strcmp(arguments[1], "data") == 0, 48 * MIB);
    size_t first = exhaust(KINDS);
    CHECK(first > 30 * MIB);
    let_go(2);
    CHECK(hold(5000));
    let_go(3);
    let_go(1);
    for (int round = 0; round < 3; round++) {
        for (size_t kinds = KINDS; kinds > 0; kinds--) {
            size_t again = exhaust(kinds);
            CHECK(again > 20 * MIB);
            let_go(1);
        }
        resizing_is_safe(100000);
        resizing_is_safe(10 * MIB);
    }
    return 0;
}
