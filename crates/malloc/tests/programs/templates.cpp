// Templates, lambdas and much of the standard library, instantiated for DEPTH types.
#include <algorithm>
#include <array>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N>
struct Number {
    int value = N;
    bool operator<(const Number &other) const { return value < other.value; }
    bool operator==(const Number &other) const { return value == other.value; }
};

template <int N>
struct std::hash<Number<N>> {
    size_t operator()(const Number<N> &number) const { return number.value * 31u + N; }
};

template <int N>
std::string work(int count) {
    std::map<Number<N>, std::vector<std::string>> tree;
    std::unordered_map<Number<N>, std::shared_ptr<Number<N>>> table;
    std::set<std::tuple<int, std::string, Number<N>>> tuples;
    std::vector<std::variant<int, std::string, Number<N>>> variants;
    std::array<std::function<int(int)>, 4> functions{};
    for (int i = 0; i < count; i++) {
        Number<N> number{i * N % 97};
        tree[number].push_back(std::to_string(i));
        table[number] = std::make_shared<Number<N>>(number);
        tuples.emplace(i % 7, std::to_string(N), number);
        if (i % 2) variants.emplace_back(number);
        else variants.emplace_back(std::to_string(i));
        functions[i % 4] = [number, i](int x) { return number.value + i * x; };
    }
    std::sort(variants.begin(), variants.end());
    std::ostringstream out;
    for (auto &[number, list] : tree) out << number.value << ':' << std::accumulate(list.begin(), list.end(), std::string());
    for (auto &variant : variants) std::visit([&out](auto &value) { out << sizeof value; }, variant);
    for (auto &function : functions) if (function) out << function(N);
    return std::regex_replace(out.str(), std::regex("[0-9]{3,}:"), "*") + std::to_string(table.size() + tuples.size());
}

template <int... N>
void all(std::integer_sequence<int, N...>) {
    (std::cout << ... << work<N + 1>(100)) << '\n';
}

int main() {
    all(std::make_integer_sequence<int, DEPTH>());
}
