// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The keys of a MemoryServer and the commands on them: those that confab and its peers use, with
// Redis' replies and errors.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "redis/port.h"
#include "redis/value.h"

namespace confab::redis {

class MemoryStore {
  public:
    using Hash = std::map<std::string, std::string, std::less<>>;
    using Set = std::set<std::string, std::less<>>;
    // What an EVAL does, in place of Lua: known by its text.
    using Script =
        std::function<Value(MemoryStore&, Timestamp, std::span<const std::string_view> keys,
                            std::span<const std::string_view> arguments)>;

    // Never PUBLISH and SUBSCRIBE, which are the server's.
    Value run(Timestamp now, Words words);
    void add_script(std::string text, Script script) {
        scripts_[std::move(text)] = std::move(script);
    }
    void clear() { entries_.clear(); }

    // For checks: null if there is none, or one of another type.
    const Hash* hash(std::string_view key) const { return find<Hash>(key); }
    const Set* set(std::string_view key) const { return find<Set>(key); }
    const std::string* string(std::string_view key) const { return find<std::string>(key); }
    std::vector<std::string> keys() const;

  private:
    struct Entry {
        std::variant<std::string, Hash, Set> value;
        Timestamp expires = Timestamp::never();
    };
    struct Command;
    struct Run;  // the commands' bodies
    static std::span<const Command> commands();

    template <typename T>
    const T* find(std::string_view key) const {
        const auto it = entries_.find(key);
        return it == entries_.end() ? nullptr : std::get_if<T>(&it->second.value);
    }
    // False: the key holds another type. Creates it if `create`; null `out` if it is not there.
    template <typename T>
    bool get(std::string_view key, T*& out, bool create);
    void drop_if_empty(std::string_view key);
    void expire(Timestamp now);

    Value set_text(Timestamp now, Words words);
    Value eval(Timestamp now, Words words);

    std::map<std::string, Entry, std::less<>> entries_;
    std::map<std::string, Script, std::less<>> scripts_;
};

}  // namespace confab::redis
