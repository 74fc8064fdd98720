/* A signal handler that allocates, which no `malloc` allows: it may interrupt an allocation. Argument `step`: after each
 * instruction of an allocation, of small blocks. Argument `step-recent`: the same, of larger ones that a thread keeps for a while.
 * Argument `step-locked`: of those that go to the heap. Argument `storm`: at any time, from two threads. */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

static atomic_bool done;
static size_t size = 100;

static void *allocate(size_t size) {
    void *volatile block = malloc(size);
    CHECK(block != NULL);
    return block;
}

static void handle(int signal, siginfo_t *info, void *context) {
    (void)info;
    free(allocate(size));
#ifdef __x86_64__
    if (signal == SIGTRAP) {
        /* The trap flag: the next instruction behind the handler raises the signal again. */
        ucontext_t *interrupted = context;
        interrupted->uc_mcontext.gregs[REG_EFL] |= 0x100;
    }
#endif
    (void)signal, (void)context;
}

static void *keep_allocating(void *argument) {
    while (!done) free(allocate(200));
    return argument;
}

static void storm(void) {
    pthread_t threads[2];
    for (size_t i = 0; i < COUNT(threads); i++)
        CHECK(pthread_create(&threads[i], NULL, keep_allocating, NULL) == 0);
    for (int i = 0; i < 100000; i++) CHECK(pthread_kill(threads[i % 2], SIGUSR1) == 0);
    done = true;
    for (size_t i = 0; i < COUNT(threads); i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

int main(int count, char **arguments) {
    watchdog();
    CHECK(count == 2);
    CHECK(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) == 0);
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART, .sa_sigaction = handle};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGTRAP, &action, NULL) == 0);
    if (strcmp(arguments[1], "storm") == 0) {
        storm();
        return 0;
    }
    if (strcmp(arguments[1], "step-recent") == 0) size = 5000;
    if (strcmp(arguments[1], "step-locked") == 0) size = 50000;
    free(allocate(size));
    raise(SIGTRAP);
    free(allocate(size));
    _exit(0);
}
