// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "config/yaml/suggest.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/rng.h"

namespace confab::config {
namespace {

// The definition, without a table: insert, drop, change, or exchange two neighbours.
std::size_t slow_distance(std::string_view a, std::string_view b) {
    if (a.empty() || b.empty()) return a.size() + b.size();
    const std::size_t last = a.back() == b.back() ? 0 : 1;
    const std::string_view a1 = a.substr(0, a.size() - 1);
    const std::string_view b1 = b.substr(0, b.size() - 1);
    std::size_t least = std::min(
        {slow_distance(a1, b) + 1, slow_distance(a, b1) + 1, slow_distance(a1, b1) + last});
    if (a1.empty() || b1.empty()) return least;
    if (a.back() == b1.back() && a1.back() == b.back())
        least = std::min(
            least, slow_distance(a1.substr(0, a1.size() - 1), b1.substr(0, b1.size() - 1)) + 1);
    return least;
}

}  // namespace

TEST_CASE("nearest: finds slips of the pen only [CFG-01]") {
    const std::array<std::string_view, 4> names = {"tcp_port", "udp_port", "node_ip", "keys"};
    const std::pair<std::string_view, std::string_view> rows[] = {{"tcp_port", "tcp_port"},
                                                                  {"tcp_prot", "tcp_port"},
                                                                  {"tcpport", "tcp_port"},
                                                                  {"tcp__port", "tcp_port"},
                                                                  {"tcp-port", "tcp_port"},
                                                                  {"udpport", "udp_port"},
                                                                  {"nodeip", "node_ip"},
                                                                  {"key", "keys"},
                                                                  {"kesy", "keys"},
                                                                  {"something_else", ""},
                                                                  {"ports", ""},
                                                                  {"k", ""},
                                                                  {"", ""}};
    for (const auto& [input, expected] : rows) {
        CAPTURE(input);
        CHECK(nearest(input, names).value_or("") == expected);
    }
}

TEST_CASE("nearest: a third of the longer name may differ, of a short one a letter [CFG-01]") {
    const std::array<std::string_view, 1> nine = {"abcdefghi"};
    CHECK(nearest("abcdefxyz", nine));   // 3 of 9
    CHECK(!nearest("abcdewxyz", nine));  // 4 of 9
    CHECK(nearest("abcdef", nine));
    CHECK(!nearest("abcde", nine));
    const std::array<std::string_view, 1> two = {"db"};
    CHECK(nearest("dd", two));
    CHECK(nearest("d", two));
    CHECK(nearest("bd", two));  // exchanged neighbours are one step
    CHECK(!nearest("xy", two));
}

TEST_CASE("nearest: the closest, and of equals the first") {
    const std::array<std::string_view, 3> names = {"abcdxx", "abcdex", "abcdef"};
    CHECK(nearest("abcdef", names) == "abcdef");
    CHECK(nearest("abcdxy", names) == "abcdxx");
    const std::array<std::string_view, 3> equals = {"abcde1", "abcde2", "abcde3"};
    CHECK(nearest("abcde4", equals) == "abcde1");
    CHECK(nearest("abcde3", equals) == "abcde3");
}

TEST_CASE("nearest: a name that is too long is neither suggested nor measured [IMM-13]") {
    const std::string longest(kMaxSuggestLength, 'x');
    const std::string longer(kMaxSuggestLength + 1, 'x');
    const std::vector<std::string_view> names = {longer, longest};
    CHECK(nearest(longest, names) == longest);
    CHECK(nearest(longest.substr(1), names) == longest);
    CHECK(!nearest(longer, names));
    CHECK(!nearest(std::string(10'000, 'x'), names));
    CHECK(!nearest("", std::vector<std::string_view>{"a", ""}));
}

TEST_CASE("nearest: decides as the plain definition of the distance does") {
    Rng rng(5);
    const auto word = [&rng] {
        std::string text;
        for (auto length = rng.below(6) + 1; length > 0; --length)
            text += static_cast<char>('a' + rng.below(3));
        return text;
    };
    for (int i = 0; i < 400; ++i) {
        const std::string input = word();
        const std::string name = word();
        CAPTURE(input);
        CAPTURE(name);
        const std::size_t allowed =
            std::max<std::size_t>(1, std::max(input.size(), name.size()) / 3);
        const std::array<std::string_view, 1> names = {name};
        CHECK(nearest(input, names).has_value() == (slow_distance(input, name) <= allowed));
    }
}

}  // namespace confab::config
