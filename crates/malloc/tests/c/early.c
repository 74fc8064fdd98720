/* Allocations at odd times: before any constructor, in constructors, in destructors of threads and of the process, and
 * inside `dlopen`, `dlsym` and `dlerror`. The arguments are shared libraries, the first of which is linked, too. */
#include "check.h"

#include <pthread.h>

enum { THREADS = 50 };

extern const char *early_text(void);
extern char *early_swap(char *block);

static unsigned char *first, *second;
static char *in_constructor;
static pthread_key_t keys[40];
static int destroyed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void first_of_all(void) {
    first = malloc(1000);
    second = calloc(30, 10000);
    CHECK(first != NULL && second != NULL && is_zero(second, 300000));
    fill(first, 1000, 1);
}

__attribute__((section(".preinit_array"), used)) static void (*const before_all)(void) = first_of_all;

__attribute__((constructor)) static void construct(void) {
    CHECK(is_filled(first, 1000, 1));
    first = realloc(first, 500000);
    CHECK(first != NULL && is_filled(first, 1000, 1));
    in_constructor = strdup("allocated in a constructor");
}

__attribute__((destructor)) static void destruct(void) {
    CHECK(strcmp(in_constructor, "allocated in a constructor") == 0);
    free(in_constructor);
    free(malloc(200000));
}

static void at_exit(void) {
    free(second);
    in_constructor = realloc(in_constructor, 5000);
    CHECK(in_constructor != NULL);
}

/* Frees the value and, as long as there are rounds, leaves a new one. */
static void destroy(void *value) {
    int rounds = *(int *)value;
    free(value);
    if (rounds > 0) {
        int *next = malloc(sizeof *next);
        CHECK(next != NULL);
        *next = rounds - 1;
        CHECK(pthread_setspecific(keys[0], next) == 0);
        return;
    }
    CHECK(pthread_mutex_lock(&lock) == 0);
    destroyed++;
    CHECK(pthread_mutex_unlock(&lock) == 0);
}

extern int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);
extern void *__dso_handle;

static void *thread(void *argument) {
    /* The C library allocates room for keys beyond the 32nd. */
    for (size_t i = 0; i < COUNT(keys); i++) {
        int *value = malloc(sizeof *value);
        CHECK(value != NULL);
        *value = i == 0 ? 2 : 0;
        CHECK(pthread_setspecific(keys[i], value) == 0);
    }
    /* As C++ and Rust register the destructors of their thread-local variables. */
    CHECK(__cxa_thread_atexit_impl(free, malloc(3000), &__dso_handle) == 0);
    return argument;
}

static void threads_end(void) {
    for (size_t i = 0; i < COUNT(keys); i++) CHECK(pthread_key_create(&keys[i], destroy) == 0);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, thread, malloc(i + 1)) == 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *block;
        CHECK(pthread_join(threads[i], &block) == 0);
        free(block);
    }
    CHECK(destroyed == THREADS * (int)COUNT(keys));
}

static void libraries_come_and_go(char **libraries) {
    CHECK(dlsym(RTLD_DEFAULT, "no_such_symbol") == NULL);
    CHECK(strstr(dlerror(), "no_such_symbol") != NULL);
    CHECK(dlerror() == NULL);
    CHECK(dlopen("/no/such/library.so", RTLD_NOW) == NULL);
    CHECK(strstr(dlerror(), "/no/such/library.so") != NULL);
    for (; *libraries != NULL; libraries++) {
        for (int round = 0; round < 20; round++) {
            void *library = dlopen(*libraries, RTLD_NOW | RTLD_LOCAL);
            CHECK(library != NULL);
            const char *(*text)(void);
            *(void **)&text = dlsym(library, "early_text");
            CHECK(text != NULL && strlen(text()) == 99999);
            CHECK(dlclose(library) == 0);
        }
    }
}

int main(int count, char **arguments) {
    watchdog();
    CHECK(count == 3);
    CHECK(atexit(at_exit) == 0);
    CHECK(is_filled(first, 1000, 1));
    free(first);
    CHECK(strlen(early_text()) == 99999);
    char *swapped = early_swap(malloc(77));
    CHECK(strcmp(swapped, "from the library") == 0);
    free(swapped);
    threads_end();
    libraries_come_and_go(arguments + 1);
    return 0;
}
