// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/version.h"

#include <utility>
#include <vector>

#include "base/text.h"
#include "cluster/store/keys.h"
#include "cluster/store/scripts.h"

namespace confab::cluster::store {
namespace {

constexpr std::size_t kMaxLength = 256;

struct Version {
    std::array<std::uint64_t, 3> numbers{};
    std::vector<std::string_view> before;  // parts of what follows '-': such a one is older
};

std::optional<Version> parse(std::string_view text) {
    if (text.size() > kMaxLength) return std::nullopt;
    if (text.starts_with('v')) text.remove_prefix(1);
    text = text.substr(0, text.find('+'));
    Version version;
    const std::size_t dash = text.find('-');
    if (dash != text.npos) version.before = split(text.substr(dash + 1), '.');
    const std::vector<std::string_view> numbers = split(text.substr(0, dash), '.');
    if (numbers.size() != version.numbers.size()) return std::nullopt;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto number = parse_decimal<std::uint64_t>(numbers[i]);
        if (!number) return std::nullopt;
        version.numbers[i] = *number;
    }
    for (const std::string_view part : version.before)
        if (part.empty()) return std::nullopt;
    return version;
}

template <typename T>
int three_way(const T& a, const T& b) {
    return a < b ? -1 : b < a ? 1 : 0;
}

int compare_parts(std::string_view a, std::string_view b) {
    const auto x = parse_decimal<std::uint64_t>(a);
    const auto y = parse_decimal<std::uint64_t>(b);
    if (x && y) return three_way(*x, *y);
    if (x || y) return x ? -1 : 1;  // numbers come before words
    return three_way(a, b);
}

}  // namespace

std::optional<int> compare_versions(std::string_view a, std::string_view b) {
    const auto x = parse(a);
    const auto y = parse(b);
    if (!x || !y) return std::nullopt;
    if (const int order = three_way(x->numbers, y->numbers); order != 0) return order;
    if (x->before.empty() || y->before.empty())
        return three_way(y->before.size(), x->before.size());
    for (std::size_t i = 0; i < x->before.size() && i < y->before.size(); ++i)
        if (const int order = compare_parts(x->before[i], y->before[i]); order != 0) return order;
    return three_way(x->before.size(), y->before.size());
}

void VersionStore::raise(Timestamp now, const std::string& own, Got<std::string> done) {
    if (!parse(own))
        return done(now, fail(Failure{Failure::Code::kInvalid, own + " is no version"}));
    read(now, own, 0, std::move(done));
}

void VersionStore::read(Timestamp now, const std::string& own, int tries, Got<std::string> done) {
    if (tries >= kTries)
        return done(now, fail(Failure{Failure::Code::kBusy,
                                      "other nodes changed the version again and again"}));
    commands_.send(now, {"GET", keys::kVersion},
                   [this, own, tries, done = std::move(done)](Timestamp at, Answer answer) mutable {
                       if (!answer) return done(at, fail(answer.error()));
                       write(at, own, take_text(std::move(*answer)), tries, std::move(done));
                   });
}

void VersionStore::write(Timestamp now, const std::string& own, const std::string& there, int tries,
                         Got<std::string> done) {
    const std::string_view stored = parse(there) ? std::string_view(there) : "0.0.0";
    if (compare_versions(own, stored).value_or(0) <= 0) return done(now, std::string(stored));
    commands_.eval(
        now, scripts::kReplaceText, {std::string(keys::kVersion)}, {there, own},
        [this, own, tries, done = std::move(done)](Timestamp at, const Answer& answer) mutable {
            if (!answer) return done(at, fail(answer.error()));
            if (answer->integer != 1) return read(at, own, tries + 1, std::move(done));
            done(at, own);
        });
}

}  // namespace confab::cluster::store
