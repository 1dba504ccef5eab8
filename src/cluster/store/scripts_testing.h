// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The scripts of scripts.h in C++, for redis::MemoryServer. Statement by statement as there, so
// that what is done before an error is the same too.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

#include "base/text.h"
#include "cluster/store/scripts.h"
#include "redis/memory_store.h"

namespace confab::cluster::store::testing {

using redis::MemoryStore;
using redis::Value;
using redis::Words;

// redis.call() of one script; the first error ends it, as in Lua.
class Calls {
  public:
    Calls(MemoryStore& store, Timestamp now) : store_(store), now_(now) {}

    Value call(std::initializer_list<std::string_view> words) {
        if (error_.is_error()) return {};
        Value value = store_.run(now_, Words(words.begin(), words.size()));
        if (!value.is_error()) return value;
        error_ = std::move(value);
        return {};
    }
    // Whether and what a text is; "" if there is none.
    std::string text(std::initializer_list<std::string_view> words) { return call(words).text; }
    bool failed() const { return error_.is_error(); }
    Value end(const Value& value) const { return failed() ? error_ : value; }

  private:
    MemoryStore& store_;
    Timestamp now_;
    Value error_;
};

inline void put(Calls& redis, std::string_view key, std::string_view field,
                std::string_view value) {
    const Value there = redis.call({"HGET", key, field});
    if (there.kind == Value::Kind::kNull || there.text != value)
        redis.call({"HSET", key, field, value});
}

// One room of kSyncRooms; `words` begin with its name.
inline Value sync_room(Calls& redis, Words keys, std::string_view key, std::string_view node,
                       Words words, std::size_t participants) {
    Value owner = redis.call({"HGET", keys[0], words[0]});
    const bool routed = owner.kind != Value::Kind::kNull;
    if (routed && owner.text != node) return owner;
    const bool there = routed && redis.call({"HEXISTS", keys[1], words[0]}).integer == 1;
    if (!routed) redis.call({"HSET", keys[0], words[0], node});
    put(redis, keys[1], words[0], words[1]);
    if (words[2] == "1")
        put(redis, keys[2], words[0], words[3]);
    else
        redis.call({"HDEL", keys[2], words[0]});
    std::set<std::string_view> wanted;
    for (std::size_t i = 0; i < participants; ++i) {
        wanted.insert(words[5 + 2 * i]);
        put(redis, key, words[5 + 2 * i], words[6 + 2 * i]);
    }
    for (const Value& identity : redis.call({"HKEYS", key}).items)
        if (!wanted.contains(identity.text)) redis.call({"HDEL", key, identity.text});
    return Value::of_integer(there ? 0 : 1);
}

inline Value sync_rooms(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    Calls redis(store, now);
    std::vector<Value> reply;
    std::size_t at = 1;
    for (std::size_t i = 3; i < keys.size() && !redis.failed(); ++i) {
        const auto participants = parse_decimal<std::size_t>(arguments[at + 4]).value_or(0);
        reply.push_back(
            sync_room(redis, keys, keys[i], arguments[0], arguments.subspan(at), participants));
        at += 5 + 2 * participants;
    }
    return redis.end(Value::of_list(std::move(reply)));
}

inline Value delete_room(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    Calls redis(store, now);
    const Value owner = redis.call({"HGET", keys[0], arguments[0]});
    if (owner.kind != Value::Kind::kNull && owner.text != arguments[1])
        return redis.end(Value::of_list({Value::of_integer(0), owner}));
    const Value room = redis.call({"HGET", keys[1], arguments[0]});
    for (const std::string_view key : keys.first(3))
        redis.call({"HDEL", key, arguments[0]});
    redis.call({"DEL", keys[3], keys[4], keys[5]});
    if (room.kind == Value::Kind::kText)
        return redis.end(Value::of_list({Value::of_integer(1), room}));
    return redis.end(Value::of_list({Value::of_integer(1)}));
}

inline Value store_ingress(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    Calls redis(store, now);
    const std::string_view id = arguments[0];
    if (redis.text({"HGET", keys[0], id}) != arguments[1]) return redis.end(Value::of_integer(0));
    redis.call({"HSET", keys[0], id, arguments[2]});
    if (arguments[3] != arguments[4] && !arguments[3].empty())
        redis.call({"HDEL", keys[1], arguments[3]});
    if (!arguments[4].empty()) redis.call({"HSET", keys[1], arguments[4], id});
    if (arguments[5] != arguments[6] && !arguments[5].empty()) redis.call({"SREM", keys[3], id});
    if (!arguments[6].empty()) redis.call({"SADD", keys[4], id});
    if (arguments[1].empty()) redis.call({"SET", keys[2], arguments[7]});
    return redis.end(Value::of_integer(1));
}

inline Value set_ingress_state(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    Calls redis(store, now);
    if (redis.call({"HEXISTS", keys[0], arguments[0]}).integer == 0)
        return redis.end(Value::of_integer(-1));
    if (redis.text({"GET", keys[1]}) != arguments[1]) return redis.end(Value::of_integer(0));
    redis.call({"SET", keys[1], arguments[2]});
    return redis.end(Value::of_integer(1));
}

inline Value delete_ingress(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    Calls redis(store, now);
    const Value there = redis.call({"HGET", keys[0], arguments[0]});
    if (there.kind == Value::Kind::kNull || there.text != arguments[1])
        return redis.end(Value::of_integer(0));
    redis.call({"SREM", keys[3], arguments[0]});
    redis.call({"HDEL", keys[1], arguments[2]});
    redis.call({"HDEL", keys[0], arguments[0]});
    redis.call({"DEL", keys[2]});
    return redis.end(Value::of_integer(1));
}

inline Value replace_text(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    Calls redis(store, now);
    if (redis.text({"GET", keys[0]}) != arguments[0]) return redis.end(Value::of_integer(0));
    redis.call({"SET", keys[0], arguments[1]});
    return redis.end(Value::of_integer(1));
}

inline Value claim_rooms(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    Calls redis(store, now);
    std::vector<Value> reply;
    for (const std::string_view name : arguments.subspan(1)) {
        const Value owner = redis.call({"HGET", keys[0], name});
        const bool routed = owner.kind != Value::Kind::kNull;
        if (!routed) redis.call({"HSET", keys[0], name, arguments[0]});
        const bool elsewhere = routed && owner.text != arguments[0];
        reply.push_back(elsewhere ? owner : Value::of_integer(routed ? 0 : 1));
    }
    return redis.end(Value::of_list(std::move(reply)));
}

inline Value put_fields(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    Calls redis(store, now);
    std::vector<Value> reply;
    for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
        const bool there = redis.call({"HEXISTS", keys[0], arguments[i]}).integer == 1;
        put(redis, keys[0], arguments[i], arguments[i + 1]);
        reply.push_back(Value::of_integer(there ? 1 : 0));
    }
    return redis.end(Value::of_list(std::move(reply)));
}

inline Value replace_fields(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    Calls redis(store, now);
    std::set<std::string_view> wanted;
    for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
        wanted.insert(arguments[i]);
        put(redis, keys[0], arguments[i], arguments[i + 1]);
    }
    for (const Value& field : redis.call({"HKEYS", keys[0]}).items)
        if (!wanted.contains(field.text)) redis.call({"HDEL", keys[0], field.text});
    return redis.end(Value::of_integer(1));
}

inline Value take_field(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    Calls redis(store, now);
    const Value value = redis.call({"HGET", keys[0], arguments[0]});
    redis.call({"HDEL", keys[0], arguments[0]});
    return redis.end(value);
}

inline Value drop_routing(MemoryStore& store, Timestamp now, Words keys, Words arguments) {
    Calls redis(store, now);
    const Value owner = redis.call({"HGET", keys[0], arguments[0]});
    if (owner.kind != Value::Kind::kNull && owner.text != arguments[1]) return redis.end(owner);
    redis.call({"HDEL", keys[0], arguments[0]});
    return redis.end(Value::of_integer(0));
}

struct Twin {
    std::string_view script;
    Value (*run)(MemoryStore&, Timestamp, Words keys, Words arguments);
};
inline constexpr Twin kTwins[] = {
    {scripts::kSyncRooms, sync_rooms},         {scripts::kDeleteRoom, delete_room},
    {scripts::kStoreIngress, store_ingress},   {scripts::kSetIngressState, set_ingress_state},
    {scripts::kDeleteIngress, delete_ingress}, {scripts::kReplaceText, replace_text},
    {scripts::kClaimRooms, claim_rooms},       {scripts::kPutFields, put_fields},
    {scripts::kReplaceFields, replace_fields}, {scripts::kTakeField, take_field},
    {scripts::kDropRouting, drop_routing},
};

inline void add_scripts(MemoryStore& store) {
    for (const Twin& twin : kTwins)
        store.add_script(std::string(twin.script), twin.run);
}

}  // namespace confab::cluster::store::testing
