// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/memory_store.h"

#include <charconv>
#include <utility>

#include "base/text.h"

namespace confab::redis {
namespace {

Value map() {
    Value value = Value::of_list();
    value.kind = Value::Kind::kMap;
    return value;
}
Value wrong_type() {
    return Value::of_error("WRONGTYPE Operation against a key holding the wrong kind of value");
}
std::int64_t number_of(std::string_view digits) {
    std::int64_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
}

}  // namespace

struct MemoryStore::Command {
    std::string_view name;
    std::size_t min_words;
    Value (*run)(MemoryStore&, Timestamp, Words);
};

template <typename T>
bool MemoryStore::get(std::string_view key, T*& out, bool create) {
    auto it = entries_.find(key);
    out = nullptr;
    if (it == entries_.end()) {
        if (!create) return true;
        it = entries_.emplace(key, Entry{T{}, Timestamp::never()}).first;
    }
    out = std::get_if<T>(&it->second.value);
    return out != nullptr;
}

void MemoryStore::drop_if_empty(std::string_view key) {
    const auto it = entries_.find(key);
    if (it == entries_.end()) return;
    const Hash* hash = std::get_if<Hash>(&it->second.value);
    const Set* set = std::get_if<Set>(&it->second.value);
    if ((hash && hash->empty()) || (set && set->empty())) entries_.erase(it);
}

void MemoryStore::expire(Timestamp now) {
    std::erase_if(entries_, [now](const auto& entry) { return entry.second.expires <= now; });
}

std::vector<std::string> MemoryStore::keys() const {
    std::vector<std::string> all;
    all.reserve(entries_.size());
    for (const auto& [key, entry] : entries_)
        all.push_back(key);
    return all;
}

// SET key value [NX] [EX seconds | PX milliseconds]
Value MemoryStore::set_text(Timestamp now, Words words) {
    Timestamp expires = Timestamp::never();
    bool only_new = false;
    for (std::size_t i = 3; i < words.size(); ++i) {
        const bool more = i + 1 < words.size();
        if (equals_ignore_case(words[i], "NX")) {
            only_new = true;
        } else if (more && equals_ignore_case(words[i], "EX")) {
            expires = now + Duration::seconds(number_of(words[++i]));
        } else if (more && equals_ignore_case(words[i], "PX")) {
            expires = now + Duration::millis(number_of(words[++i]));
        } else {
            return Value::of_error("ERR syntax error");
        }
    }
    if (only_new && entries_.contains(words[1])) return {};
    entries_.insert_or_assign(std::string(words[1]), Entry{std::string(words[2]), expires});
    return Value::of_text("OK");
}

// EVAL script numkeys key… argument…
Value MemoryStore::eval(Timestamp now, Words words) {
    const auto script = scripts_.find(words[1]);
    if (script == scripts_.end()) return Value::of_error("ERR this script is not known here");
    const auto keys = static_cast<std::size_t>(number_of(words[2]));
    if (keys > words.size() - 3)
        return Value::of_error("ERR Number of keys can't be greater than number of args");
    return script->second(*this, now, words.subspan(3, keys), words.subspan(3 + keys));
}

struct MemoryStore::Run {
    using S = MemoryStore;
    static Value ping(S&, Timestamp, Words) { return Value::of_text("PONG"); }
    static Value set(S& s, Timestamp now, Words w) { return s.set_text(now, w); }
    static Value eval(S& s, Timestamp now, Words w) { return s.eval(now, w); }
    static Value get(S& s, Timestamp, Words w) {
        std::string* value = nullptr;
        if (!s.get(w[1], value, false)) return wrong_type();
        return value ? Value::of_text(*value) : Value{};
    }
    static Value incr(S& s, Timestamp, Words w) {
        std::string* value = nullptr;
        if (!s.get(w[1], value, true)) return wrong_type();
        const std::int64_t next = number_of(*value) + 1;
        *value = std::to_string(next);
        return Value::of_integer(next);
    }
    static Value del(S& s, Timestamp, Words w) {
        std::int64_t gone = 0;
        for (const std::string_view key : w.subspan(1))
            if (const auto it = s.entries_.find(key); it != s.entries_.end()) {
                s.entries_.erase(it);
                ++gone;
            }
        return Value::of_integer(gone);
    }
    static Value exists(S& s, Timestamp, Words w) {
        std::int64_t there = 0;
        for (const std::string_view key : w.subspan(1))
            there += s.entries_.contains(key) ? 1 : 0;
        return Value::of_integer(there);
    }
    static Value pexpire(S& s, Timestamp now, Words w) {
        const auto it = s.entries_.find(w[1]);
        if (it == s.entries_.end()) return Value::of_integer(0);
        it->second.expires = now + Duration::millis(number_of(w[2]));
        return Value::of_integer(1);
    }
    static Value hset(S& s, Timestamp, Words w) {
        if (w.size() % 2 != 0)
            return Value::of_error("ERR wrong number of arguments for 'hset' command");
        Hash* hash = nullptr;
        if (!s.get(w[1], hash, true)) return wrong_type();
        std::int64_t fresh = 0;
        for (std::size_t i = 2; i < w.size(); i += 2)
            fresh +=
                hash->insert_or_assign(std::string(w[i]), std::string(w[i + 1])).second ? 1 : 0;
        return Value::of_integer(fresh);
    }
    static Value hsetnx(S& s, Timestamp, Words w) {
        Hash* hash = nullptr;
        if (!s.get(w[1], hash, true)) return wrong_type();
        return Value::of_integer(hash->emplace(std::string(w[2]), std::string(w[3])).second ? 1
                                                                                            : 0);
    }
    static Value hget(S& s, Timestamp, Words w) {
        Hash* hash = nullptr;
        if (!s.get(w[1], hash, false)) return wrong_type();
        if (!hash) return Value{};
        const auto it = hash->find(w[2]);
        return it == hash->end() ? Value{} : Value::of_text(it->second);
    }
    static Value hmget(S& s, Timestamp, Words w) {
        Hash* hash = nullptr;
        if (!s.get(w[1], hash, false)) return wrong_type();
        Value all = Value::of_list();
        for (const std::string_view field : w.subspan(2)) {
            const bool there = hash && hash->find(field) != hash->end();
            all.items.push_back(there ? Value::of_text(hash->find(field)->second) : Value{});
        }
        return all;
    }
    static Value hgetall(S& s, Timestamp, Words w) {
        Hash* hash = nullptr;
        if (!s.get(w[1], hash, false)) return wrong_type();
        Value all = map();
        if (!hash) return all;
        for (const auto& [field, value] : *hash) {
            all.items.push_back(Value::of_text(field));
            all.items.push_back(Value::of_text(value));
        }
        return all;
    }
    static Value hkeys(S& s, Timestamp, Words w) {
        Hash* hash = nullptr;
        if (!s.get(w[1], hash, false)) return wrong_type();
        Value all = Value::of_list();
        if (!hash) return all;
        for (const auto& [field, value] : *hash)
            all.items.push_back(Value::of_text(field));
        return all;
    }
    static Value hvals(S& s, Timestamp, Words w) {
        Hash* hash = nullptr;
        if (!s.get(w[1], hash, false)) return wrong_type();
        Value all = Value::of_list();
        if (!hash) return all;
        for (const auto& [field, value] : *hash)
            all.items.push_back(Value::of_text(value));
        return all;
    }
    static Value hexists(S& s, Timestamp, Words w) {
        Hash* hash = nullptr;
        if (!s.get(w[1], hash, false)) return wrong_type();
        return Value::of_integer(hash && hash->find(w[2]) != hash->end() ? 1 : 0);
    }
    static Value hlen(S& s, Timestamp, Words w) {
        Hash* hash = nullptr;
        if (!s.get(w[1], hash, false)) return wrong_type();
        return Value::of_integer(hash ? static_cast<std::int64_t>(hash->size()) : 0);
    }
    static Value hdel(S& s, Timestamp, Words w) {
        Hash* hash = nullptr;
        if (!s.get(w[1], hash, false)) return wrong_type();
        std::int64_t gone = 0;
        for (const std::string_view field : w.subspan(2)) {
            if (!hash) break;
            const auto it = hash->find(field);
            if (it == hash->end()) continue;
            hash->erase(it);
            ++gone;
        }
        s.drop_if_empty(w[1]);
        return Value::of_integer(gone);
    }
    static Value sadd(S& s, Timestamp, Words w) {
        Set* set = nullptr;
        if (!s.get(w[1], set, true)) return wrong_type();
        std::int64_t fresh = 0;
        for (const std::string_view member : w.subspan(2))
            fresh += set->emplace(member).second ? 1 : 0;
        return Value::of_integer(fresh);
    }
    static Value srem(S& s, Timestamp, Words w) {
        Set* set = nullptr;
        if (!s.get(w[1], set, false)) return wrong_type();
        std::int64_t gone = 0;
        for (const std::string_view member : w.subspan(2)) {
            if (!set) break;
            const auto it = set->find(member);
            if (it == set->end()) continue;
            set->erase(it);
            ++gone;
        }
        s.drop_if_empty(w[1]);
        return Value::of_integer(gone);
    }
    static Value smembers(S& s, Timestamp, Words w) {
        Set* set = nullptr;
        if (!s.get(w[1], set, false)) return wrong_type();
        Value all = Value::of_list();
        if (!set) return all;
        for (const std::string& member : *set)
            all.items.push_back(Value::of_text(member));
        return all;
    }
};

std::span<const MemoryStore::Command> MemoryStore::commands() {
    static const Command kCommands[] = {
        {"PING", 1, Run::ping},       {"SET", 3, Run::set},         {"EVAL", 3, Run::eval},
        {"GET", 2, Run::get},         {"INCR", 2, Run::incr},       {"DEL", 2, Run::del},
        {"EXISTS", 2, Run::exists},   {"PEXPIRE", 3, Run::pexpire}, {"HSET", 4, Run::hset},
        {"HSETNX", 4, Run::hsetnx},   {"HGET", 3, Run::hget},       {"HMGET", 3, Run::hmget},
        {"HGETALL", 2, Run::hgetall}, {"HKEYS", 2, Run::hkeys},     {"HVALS", 2, Run::hvals},
        {"HEXISTS", 3, Run::hexists}, {"HLEN", 2, Run::hlen},       {"HDEL", 3, Run::hdel},
        {"SADD", 3, Run::sadd},       {"SREM", 3, Run::srem},       {"SMEMBERS", 2, Run::smembers},
    };
    return kCommands;
}

Value MemoryStore::run(Timestamp now, Words words) {
    expire(now);
    if (words.empty()) return Value::of_error("ERR no command");
    for (const Command& command : commands()) {
        if (!equals_ignore_case(command.name, words[0])) continue;
        if (words.size() < command.min_words)
            return Value::of_error("ERR wrong number of arguments for '" + std::string(words[0]) +
                                   "' command");
        return command.run(*this, now, words);
    }
    return Value::of_error("ERR unknown command '" + std::string(words[0]) + "'");
}

}  // namespace confab::redis
