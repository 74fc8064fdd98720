/* Threads free what others have allocated, and the process forks meanwhile. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, SLOTS = 64, STEPS = 20000, FORKS = 40 };

struct note {
    size_t size;
    unsigned char bytes[];
};

/* Where threads leave notes for each other. */
static _Atomic(struct note *) slots[SLOTS];

static void sign(struct note *note, size_t size) {
    note->size = size;
    note->bytes[0] = (unsigned char)size;
    note->bytes[size - 1] = (unsigned char)~size;
}

static void check(const struct note *note) {
    size_t size = note->size;
    CHECK(size > 1 && note->bytes[0] == (unsigned char)size && note->bytes[size - 1] == (unsigned char)~size);
}

static size_t some_size(unsigned random) {
    static const size_t sizes[] = {10, 40, 100, 1000, 5000, 30000, 200000, 1000000};
    return sizes[random % 8] + random / 8 % 8;
}

/* Leaves a new note where another one was, and frees that, after a resize sometimes. */
static void step(unsigned random) {
    size_t size = some_size(random >> 8);
    struct note *note = mem_alloc(sizeof *note + size);
    CHECK(note != NULL);
    sign(note, size);
    note = atomic_exchange(&slots[random % SLOTS], note);
    if (note == NULL) return;
    check(note);
    if (random >> 14 & 1) {
        size = some_size(random >> 15);
        note = mem_resize(note, sizeof *note + size);
        CHECK(note != NULL);
        CHECK(note->bytes[0] == (unsigned char)note->size);
        sign(note, size);
    }
    mem_free(note);
}

static void work(unsigned seed, int steps) {
    for (int i = 0; i < steps; i++) {
        seed = seed * 1103515245 + 12345;
        step(seed >> 8);
    }
}

static void *work_in_thread(void *seed) {
    work((unsigned)(uintptr_t)seed, STEPS);
    return NULL;
}

static void free_all(void) {
    for (int i = 0; i < SLOTS; i++) {
        struct note *note = atomic_exchange(&slots[i], NULL);
        if (note != NULL) check(note);
        mem_free(note);
    }
}

int main(void) {
    /* A lock that nobody gives back is an end, not a wait. */
    alarm(300);
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work_in_thread, (void *)(i + 1)) == 0);
    for (unsigned i = 0; i < FORKS; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            alarm(300);
            work(i + 100, 500);
            free_all();
            _exit(mem_validate() ? 0 : 1);
        }
        work(i + 200, 100);
        int status;
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    free_all();
    struct mem_stats stats;
    mem_stats(&stats, sizeof stats);
    CHECK(stats.heap_blocks == 0 && stats.direct_blocks == 0 && mem_validate());
    puts("nothing is lost");
    return 0;
}
