// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/script/memory_scripts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "cluster/nodes/script/scripts.h"

namespace confab::cluster::nodes {
namespace {

using redis::MemoryStore;
using redis::Value;
using Words = std::span<const std::string_view>;

Value run(MemoryStore& store, Timestamp now, std::initializer_list<std::string_view> words) {
    const std::vector<std::string_view> all(words);
    return store.run(now, all);
}
double number_of(std::string_view digits) {
    double number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
}

Value drop_if(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    const Value held = run(store, now, {"HGET", keys[0], arguments[0]});
    if (held.kind != Value::Kind::kText || held.text != arguments[1]) return Value::of_integer(0);
    return run(store, now, {"HDEL", keys[0], arguments[0]});
}

double recent_rooms(MemoryStore& store, Timestamp now, std::string_view key, std::string_view node,
                    double fade_millis) {
    const Value kept = run(store, now, {"HGET", key, node});
    std::string_view at = kept.text;
    const std::string_view rooms = next_token(at, ' ');
    if (at.empty()) return 0;
    const double age = static_cast<double>(now.ms()) - number_of(at);
    return number_of(rooms) * std::exp(std::min(0.0, -age) / fade_millis);
}

Value claim(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    const Value held = run(store, now, {"HGET", keys[0], arguments[0]});
    Value out = Value::of_list();
    if (held.kind == Value::Kind::kText && held.text != arguments[1]) {
        out.items = {held, Value::of_integer(0)};
        return out;
    }
    const double fade = number_of(arguments[2]);
    std::string_view best;
    double least = 0;
    double before = 0;
    for (std::size_t i = 3; i + 1 < arguments.size(); i += 2) {
        const double recent = recent_rooms(store, now, keys[1], arguments[i], fade);
        const double load = number_of(arguments[i + 1]) + recent;
        if (!best.empty() && load >= least) continue;
        best = arguments[i];
        least = load;
        before = recent;
    }
    std::array<char, 64> kept{};
    std::snprintf(kept.data(), kept.size(), "%.3f %.0f", before + 1, static_cast<double>(now.ms()));
    run(store, now, {"HSET", keys[0], arguments[0], best});
    run(store, now, {"HSET", keys[1], best, kept.data()});
    run(store, now, {"PEXPIRE", keys[1], std::to_string(static_cast<std::int64_t>(fade) * 10)});
    out.items = {Value::of_text(best), Value::of_integer(1)};
    return out;
}

Value hold(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    Value out = Value::of_list();
    for (const std::string_view room : arguments.subspan(1)) {
        run(store, now, {"HSETNX", keys[0], room, arguments[0]});
        out.items.push_back(run(store, now, {"HGET", keys[0], room}));
    }
    return out;
}

Value renew(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    const Value held = run(store, now, {"GET", keys[0]});
    if (held.kind != Value::Kind::kText || held.text != arguments[0]) return Value::of_integer(0);
    return run(store, now, {"PEXPIRE", keys[0], arguments[1]});
}

// The cursor is the last field of the page before, so that what goes meanwhile skips nothing.
Value scan(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    const Value all = run(store, now, {"HGETALL", keys[0]});
    const std::set<std::string_view> known(arguments.begin() + 2, arguments.end());
    const bool begin = arguments[0] == "0";
    std::size_t left = static_cast<std::size_t>(number_of(arguments[1]));
    Value out = Value::of_list();
    out.items.push_back(Value::of_text("0"));
    for (std::size_t i = 0; i + 1 < all.items.size(); i += 2) {
        const std::string& field = all.items[i].text;
        if (!begin && field <= arguments[0].substr(1)) continue;
        if (left-- == 0) {
            out.items[0] = Value::of_text("+" + all.items[i - 2].text);
            break;
        }
        if (known.contains(all.items[i + 1].text)) continue;
        out.items.push_back(all.items[i]);
        out.items.push_back(all.items[i + 1]);
    }
    return out;
}

Value orphan(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    Value out = Value::of_list();
    for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
        const std::string_view pair[] = {arguments[i], arguments[i + 1]};
        if (drop_if(store, now, keys, pair).integer == 0) continue;
        run(store, now, {"HSET", keys[1], pair[0], pair[1]});
        out.items.push_back(Value::of_text(pair[0]));
    }
    return out;
}

}  // namespace

void add_scripts(MemoryStore& store) {
    store.add_script(std::string(kDropIfScript), drop_if);
    store.add_script(std::string(kClaimScript), claim);
    store.add_script(std::string(kHoldScript), hold);
    store.add_script(std::string(kRenewScript), renew);
    store.add_script(std::string(kScanScript), scan);
    store.add_script(std::string(kOrphanScript), orphan);
}

}  // namespace confab::cluster::nodes
