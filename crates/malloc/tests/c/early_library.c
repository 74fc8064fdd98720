/* A shared library that allocates when it is loaded, and frees when it is unloaded. */
#include <stdlib.h>
#include <string.h>

static char *text;

__attribute__((constructor)) static void load(void) {
    char *block = malloc(100);
    text = realloc(block, 100000);
    if (text == NULL) abort();
    memset(text, 'x', 99999);
    text[99999] = 0;
}

__attribute__((destructor)) static void unload(void) { free(text); }

const char *early_text(void) { return text; }

/* Frees what the caller allocated, and the other way round. */
char *early_swap(char *block) {
    free(block);
    return strdup("from the library");
}
