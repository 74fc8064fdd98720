/* Forks while threads allocate. Handlers of the program's own allocate around each fork, too: some were registered before
 * the library had its first call, some after. */
#include "check.h"

#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>

enum { THREADS = 4, FORKS = 60, BLOCKS = 64 };

static atomic_bool done;
static atomic_int prepared, continued;

/* Allocates, resizes and frees blocks of all kinds, and checks what is in them. */
static void work(unsigned *seed, int steps) {
    static const size_t sizes[] = {10, 100, 1000, 5000, 60000, 200000, MIB};
    static _Thread_local unsigned char *blocks[BLOCKS];
    static _Thread_local size_t held[BLOCKS];
    for (int step = 0; step < steps; step++) {
        *seed = *seed * 1103515245 + 12345;
        size_t at = (*seed >> 16) % BLOCKS, kind = (*seed >> 8) % 16;
        size_t size = sizes[kind < 12 ? kind % 4 : kind % 7];
        if (blocks[at] != NULL) {
            CHECK(blocks[at][0] == (unsigned char)at && blocks[at][held[at] - 1] == (unsigned char)~at);
        }
        if (kind % 3 == 0) {
            free(blocks[at]);
            blocks[at] = calloc(1, size);
            CHECK(blocks[at] != NULL && blocks[at][size / 2] == 0);
        } else {
            blocks[at] = realloc(blocks[at], size);
        }
        CHECK(blocks[at] != NULL);
        held[at] = size;
        blocks[at][0] = (unsigned char)at;
        blocks[at][size - 1] = (unsigned char)~at;
    }
    for (size_t at = 0; at < BLOCKS; at++) {
        free(blocks[at]);
        blocks[at] = NULL;
    }
}

static void *keep_working(void *argument) {
    unsigned seed = (unsigned)(uintptr_t)argument;
    while (!done) work(&seed, 500);
    return NULL;
}

static void *work_once(void *seed) {
    work(seed, 300);
    return NULL;
}

static void handler(void) {
    void *volatile block = malloc(3000);
    void *volatile large = malloc(300000);
    CHECK(block != NULL && large != NULL);
    block = realloc(block, 10000);
    CHECK(block != NULL);
    free(large);
    free(block);
}

static void prepare(void) {
    handler();
    prepared++;
}

static void go_on(void) {
    handler();
    continued++;
}

/* A child has no alarm of its parent's. */
static void go_on_in_child(void) {
    watchdog();
    go_on();
}

/* Before any constructor, the library's own among them: nothing has been allocated. */
static void first_of_all(void) { CHECK(pthread_atfork(prepare, go_on, go_on_in_child) == 0); }

__attribute__((section(".preinit_array"), used)) static void (*const before_all)(void) = first_of_all;

static void child_of(int round) {
    unsigned seed = (unsigned)round + 99;
    work(&seed, 300);
    if (round % 4 == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    if (round % 4 == 1) {
        /* And once more, of the child. */
        pid_t grandchild = fork();
        if (grandchild == 0) {
            work(&seed, 300);
            exit(0);
        }
        reap(grandchild);
    }
    if (round % 4 == 2) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, work_once, &seed) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    exit(0);
}

static void fork_and_work(int round) {
    pid_t child = fork();
    if (child == 0) child_of(round);
    void *volatile block = malloc(100000);
    CHECK(block != NULL);
    free(block);
    reap(child);
}

extern char **environ;

static void spawn(void) {
    char *arguments[] = {"true", NULL};
    pid_t child;
    CHECK(posix_spawn(&child, "/bin/true", NULL, NULL, arguments, environ) == 0);
    reap(child);
    child = vfork();
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    reap(child);
}

static void *fork_in_thread(void *argument) {
    for (int round = 0; round < FORKS / 4; round++) fork_and_work((int)(uintptr_t)argument + 4 * round);
    return NULL;
}

int main(void) {
    watchdog();
    CHECK(pthread_atfork(prepare, go_on, go_on_in_child) == 0);
    /* Alone, then with threads that allocate, then with several that fork. */
    fork_and_work(1);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, keep_working, (void *)(uintptr_t)(i + 1)) == 0);
    for (int round = 0; round < FORKS; round++) fork_and_work(round);
    for (int round = 0; round < FORKS / 4; round++) spawn();
    pthread_t forking[2];
    for (size_t i = 0; i < 2; i++)
        CHECK(pthread_create(&forking[i], NULL, fork_in_thread, (void *)(uintptr_t)i) == 0);
    for (size_t i = 0; i < 2; i++) CHECK(pthread_join(forking[i], NULL) == 0);
    done = true;
    for (size_t i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    int forks = 1 + FORKS + 2 * (FORKS / 4);
    CHECK(prepared == 2 * forks && continued == 2 * forks);
    return 0;
}
