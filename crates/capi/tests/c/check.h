/* What the programs check with. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <snugfit.h>

#define CHECK(holds) \
    do { \
        if (!(holds)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #holds); \
            exit(1); \
        } \
    } while (0)
