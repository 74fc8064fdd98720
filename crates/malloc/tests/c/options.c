/* What the arguments name, one after the other; then the program ends as a program does. */
#include "check.h"

#include <sys/prctl.h>

static void *kept[100];

static void allocate(void) {
    for (size_t i = 0; i < COUNT(kept); i++) {
        kept[i] = malloc(1000);
        CHECK(kept[i] != NULL);
    }
    for (size_t i = 0; i < COUNT(kept) / 2; i++) {
        kept[i] = realloc(kept[i], 2000);
        CHECK(kept[i] != NULL);
        free(kept[COUNT(kept) - 1 - i]);
    }
    void *large = malloc(10 * MIB);
    CHECK(large != NULL);
}

static void damage(void) {
    /* It has a header: smaller ones lie in slabs. */
    volatile unsigned char *block = malloc(1100);
    CHECK(block != NULL);
    block[-1] ^= 0xFF;
}

static void double_free(void) {
    void *volatile block = malloc(100);
    free(block);
    free(block);
}

static void fork_child(void) {
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_NAME, "child");
        return;
    }
    reap(child);
}

int main(int count, char **arguments) {
    watchdog();
    CHECK(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) == 0);
    dprintf(1, "%d\n", getpid());
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "allocate") == 0) allocate();
        if (strcmp(arguments[i], "damage") == 0) damage();
        if (strcmp(arguments[i], "double_free") == 0) double_free();
        if (strcmp(arguments[i], "fork") == 0) fork_child();
        if (strcmp(arguments[i], "name") == 0) prctl(PR_SET_NAME, "a \"b\\c\"\n\xC3");
        if (strcmp(arguments[i], "chdir") == 0) CHECK(chdir("/") == 0);
        if (strcmp(arguments[i], "forget") == 0) memset(getenv("SNUGFIT_OPTIONS"), 'x', 20), clearenv();
        if (strcmp(arguments[i], "_exit") == 0) _exit(0);
    }
    return 0;
}
