/* Who moves the program break while there is a second thread. Without an argument, the `malloc` of the program does: it was
 * preloaded. With a path, the library there does not: it is loaded beside a `malloc` that may be at the break as well. */
#include "check.h"

#include <pthread.h>

enum { BLOCKS = 2000, SIZE = 10000 };

static void *wait_for(void *mutex) {
    CHECK(pthread_mutex_lock(mutex) == 0);
    return NULL;
}

static void uses_break(void *(*allocate)(size_t), void (*release)(void *), bool expected) {
    static unsigned char *blocks[BLOCKS];
    uintptr_t before = (uintptr_t)sbrk(0);
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = allocate(SIZE);
        CHECK(blocks[i] != NULL);
        fill(blocks[i], SIZE, (unsigned)i);
    }
    uintptr_t after = (uintptr_t)sbrk(0);
    CHECK(expected ? after >= before + BLOCKS * SIZE / 2 : after == before);
    for (size_t i = 0; i < BLOCKS; i++) {
        CHECK(is_filled(blocks[i], SIZE, (unsigned)i));
        release(blocks[i]);
    }
}

int main(int count, char **arguments) {
    watchdog();
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread;
    CHECK(pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_create(&thread, NULL, wait_for, &mutex) == 0);
    if (count == 1) {
        uses_break(malloc, free, true);
    } else {
        void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
        CHECK(library != NULL);
        void *(*allocate)(size_t);
        void (*release)(void *);
        *(void **)&allocate = dlsym(library, "malloc");
        *(void **)&release = dlsym(library, "free");
        CHECK(allocate != NULL && allocate != malloc && release != NULL);
        uses_break(allocate, release, false);
        /* It stays where it is: whoever holds its blocks may go on. */
        void *block = allocate(100);
        CHECK(dlclose(library) == 0);
        release(block);
    }
    CHECK(pthread_mutex_unlock(&mutex) == 0 && pthread_join(thread, NULL) == 0);
    return 0;
}
