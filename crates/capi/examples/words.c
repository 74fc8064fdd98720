/* Counts the words of standard input: a table that grows, strings, a list to sort, all in memory of Snugfit. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <snugfit.h>

struct word {
    struct word *next;
    size_t count;
    char text[];
};

struct table {
    struct word **slots;
    size_t slot_count;
    size_t word_count;
};

static void *checked(void *block) {
    if (block == NULL) {
        fputs("words: out of memory\n", stderr);
        exit(1);
    }
    return block;
}

static size_t slot_of(const struct table *table, const char *text) {
    size_t hash = 5381;
    for (; *text != '\0'; text++) hash = hash * 33 + (unsigned char)*text;
    return hash % table->slot_count;
}

/* Doubles the slots; each list is taken apart and put together anew. */
static void grow(struct table *table) {
    struct table larger = {NULL, table->slot_count * 2, table->word_count};
    larger.slots = checked(mem_alloc_clear(larger.slot_count, sizeof *larger.slots));
    for (size_t slot = 0; slot < table->slot_count; slot++) {
        for (struct word *word = table->slots[slot], *next; word != NULL; word = next) {
            next = word->next;
            size_t to = slot_of(&larger, word->text);
            word->next = larger.slots[to];
            larger.slots[to] = word;
        }
    }
    mem_free(table->slots);
    *table = larger;
}

static void count(struct table *table, const char *text) {
    size_t slot = slot_of(table, text);
    for (struct word *word = table->slots[slot]; word != NULL; word = word->next) {
        if (strcmp(word->text, text) == 0) {
            word->count++;
            return;
        }
    }
    size_t size = strlen(text) + 1;
    struct word *word = checked(mem_alloc(sizeof *word + size));
    memcpy(word->text, text, size);
    word->count = 1;
    word->next = table->slots[slot];
    table->slots[slot] = word;
    if (++table->word_count > table->slot_count) grow(table);
}

/* The next word, in a buffer that grows as it must; false at the end. */
static int read_word(char **buffer, size_t *room) {
    size_t length = 0;
    int character;
    while ((character = getchar()) != EOF) {
        if (!isalnum(character)) {
            if (length > 0) break;
            continue;
        }
        if (length + 1 >= *room) *buffer = checked(mem_resize(*buffer, *room *= 2));
        (*buffer)[length++] = (char)tolower(character);
    }
    (*buffer)[length] = '\0';
    return length > 0;
}

static int by_count(const void *left, const void *right) {
    const struct word *a = *(struct word *const *)left, *b = *(struct word *const *)right;
    return a->count != b->count ? (a->count < b->count) - (a->count > b->count) : strcmp(a->text, b->text);
}

int main(void) {
    struct table table = {checked(mem_alloc_clear(4, sizeof(struct word *))), 4, 0};
    size_t room = 2, listed = 0;
    char *buffer = checked(mem_alloc(room));
    mem_count_calls();
    while (read_word(&buffer, &room)) count(&table, buffer);

    struct word **list = checked(mem_alloc_clear(table.word_count, sizeof *list));
    for (size_t slot = 0; slot < table.slot_count; slot++)
        for (struct word *word = table.slots[slot]; word != NULL; word = word->next) list[listed++] = word;
    qsort(list, listed, sizeof *list, by_count);
    for (size_t at = 0; at < listed && at < 10; at++) printf("%zu %s\n", list[at]->count, list[at]->text);

    for (size_t at = 0; at < listed; at++) mem_free(list[at]);
    mem_free(list);
    mem_free(table.slots);
    mem_free(buffer);
    struct mem_stats stats;
    mem_stats(&stats, sizeof stats);
    fprintf(stderr, "%zu words, %zu blocks allocated, %zu left\n", listed, stats.allocations, stats.heap_blocks);
    return mem_validate() ? 0 : 1;
}
