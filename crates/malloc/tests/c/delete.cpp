// `delete` with the size and alignment of `new`, and, for the argument, with others.
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <new>

int main(int, char **arguments) {
    const auto aligned = std::align_val_t(128);
    for (std::size_t size : {0UL, 1UL, 24UL, 100UL, 1016UL, 5000UL, 300000UL}) {
        ::operator delete(::operator new(size), size);
        ::operator delete[](::operator new[](size), size);
        ::operator delete(::operator new(size, aligned), size, aligned);
        ::operator delete[](::operator new[](size, aligned), size, aligned);
        ::operator delete(::operator new(size, aligned), aligned);
        ::operator delete(::operator new(size, std::nothrow), std::nothrow);
    }
    ::operator delete(nullptr, 24UL);
    ::operator delete(nullptr, aligned);
    if (arguments[1] == nullptr) return 0;
    void *volatile block = ::operator new(100);
    std::printf("%p\n", block);
    std::fflush(stdout);
    if (!std::strcmp(arguments[1], "sized")) ::operator delete(block, 500UL);
    if (!std::strcmp(arguments[1], "array")) ::operator delete[](block, 10UL);
    if (!std::strcmp(arguments[1], "aligned")) ::operator delete(static_cast<char *>(block) + 16, std::align_val_t(1UL << 40));
    if (!std::strcmp(arguments[1], "interior")) ::operator delete(static_cast<char *>(block) + 16, 100UL);
    return 0;
}
