// A program with an `operator new` and an `operator delete` of its own, from an array, and none that is told the size: what
// the compiler calls for that must come to the program's.
#include <cstddef>
#include <cstdio>
#include <new>

static unsigned char memory[1 << 16] __attribute__((aligned(16)));
static std::size_t used, deleted;

void *operator new(std::size_t size) {
    void *block = memory + used;
    used += (size + 31) / 16 * 16;
    return block;
}

void operator delete(void *block) noexcept { deleted += block != nullptr; }

struct Point { long x, y; };

int main() {
    for (int i = 0; i < 10; i++) {
        Point *volatile point = new Point{i, i};
        ::operator delete(point, sizeof(Point));
    }
    std::printf("%zu deleted\n", deleted);
    return deleted == 10 ? 0 : 1;
}
