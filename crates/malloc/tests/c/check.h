/* What the programs of the tests share. They use no `assert`: that is compiled away at somebody's wish. */
#pragma once

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                                                             \
    do {                                                                                             \
        if (!(condition)) {                                                                          \
            dprintf(2, "%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);     \
            _exit(1);                                                                                \
        }                                                                                            \
    } while (0)

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A function that the library exports and the C library may not have. */
static inline void *function(const char *name) {
    void *found = dlsym(RTLD_DEFAULT, name);
    CHECK(found != NULL);
    return found;
}

static inline bool is_aligned(const void *block, size_t alignment) {
    return (uintptr_t)block % alignment == 0;
}

/* A pattern that differs from byte to byte and from seed to seed. */
static inline unsigned char pattern(size_t at, unsigned seed) {
    return (unsigned char)(at * 31 + at / 253 + seed * 89);
}

static inline void fill(unsigned char *block, size_t size, unsigned seed) {
    for (size_t at = 0; at < size; at++) block[at] = pattern(at, seed);
}

static inline bool is_filled(const unsigned char *block, size_t size, unsigned seed) {
    for (size_t at = 0; at < size; at++)
        if (block[at] != pattern(at, seed)) return false;
    return true;
}

static inline bool is_zero(const unsigned char *block, size_t size) {
    for (size_t at = 0; at < size; at++)
        if (block[at] != 0) return false;
    return true;
}

/* A program that hangs is killed. */
static inline void watchdog(void) { alarm(300); }

/* Waits for a child, which must end well. */
static inline void reap(pid_t child) {
    int status;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
