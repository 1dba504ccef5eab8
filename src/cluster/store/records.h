// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Records as they are given out: bytes as stored, and what of an answer is fit to be.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cluster/store/commands.h"

namespace confab::cluster::store {

struct Stored {
    std::string name;   // the field of the hash: a room's name, an identity, an id
    std::string bytes;  // serialised, with whatever fields this version does not know
};

// Whether bytes from `key` are a Message of at most kMaxRecord; if not it is told.
template <typename Message>
bool is_sound(Timestamp now, Notices& notices, std::string_view key, const Stored& record) {
    const bool large = record.bytes.size() > kMaxRecord;
    Message message;
    if (!large && message.ParseFromString(record.bytes)) return true;
    notices.tell(now, {large ? Notice::Kind::kTooLarge : Notice::Kind::kGarbage, std::string(key),
                       record.name,
                       std::string(large ? "a record larger than any" : "what does not decode") +
                           " is passed over"});
    return false;
}

using StoredList = std::vector<Stored>;
template <typename T>
using Got = Callback<Timestamp, Result<T, Failure>>;

// Of a reply to HGETALL. What is no record of Message is left out.
template <typename Message>
Result<StoredList, Failure> all_of(Timestamp now, Notices& notices, std::string_view key,
                                   Answer&& answer) {
    if (!answer) return fail(answer.error());
    if (answer->cut)
        return fail(Failure{Failure::Code::kTooLarge,
                            std::string(key) + " in Redis is larger than what is read at once"});
    StoredList records;
    for (std::size_t i = 0; i + 1 < answer->items.size(); i += 2) {
        Stored record{std::move(answer->items[i].text), std::move(answer->items[i + 1].text)};
        if (is_sound<Message>(now, notices, key, record)) records.push_back(std::move(record));
    }
    return records;
}

// Of a reply to HMGET of `names`; those that are not there are left out too.
template <typename Message>
Result<StoredList, Failure> some_of(Timestamp now, Notices& notices, std::string_view key,
                                    const std::vector<std::string>& names, Answer&& answer) {
    if (!answer) return fail(answer.error());
    if (answer->cut || answer->items.size() != names.size())
        return fail(
            Failure{Failure::Code::kTooLarge, "what was asked of " + std::string(key) +
                                                  " in Redis is larger than what is read at once"});
    StoredList records;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (answer->items[i].kind != redis::Value::Kind::kText) continue;
        Stored record{names[i], std::move(answer->items[i].text)};
        if (is_sound<Message>(now, notices, key, record)) records.push_back(std::move(record));
    }
    return records;
}

// Of a reply to HGET; kNotFound with `absent` for nothing, kInvalid for no record of Message.
template <typename Message>
Result<std::string, Failure> one_of(Timestamp now, Notices& notices, std::string_view key,
                                    const std::string& name, std::string_view absent,
                                    Answer&& answer) {
    if (!answer) return fail(answer.error());
    if (answer->kind != redis::Value::Kind::kText)
        return fail(Failure{Failure::Code::kNotFound, std::string(absent)});
    Stored record{name, std::move(answer->text)};
    if (!is_sound<Message>(now, notices, key, record))
        return fail(Failure{Failure::Code::kInvalid, "what Redis has of " + name + " in " +
                                                         std::string(key) + " does not decode"});
    return std::move(record.bytes);
}

// HMGET of at most kMaxNames.
inline constexpr std::size_t kMaxNames = 10'000;
inline std::vector<std::string_view> hmget(std::string_view key,
                                           const std::vector<std::string>& names) {
    std::vector<std::string_view> words = {"HMGET", key};
    words.insert(words.end(), names.begin(), names.end());
    return words;
}
inline Failure too_many_names() {
    return {Failure::Code::kInvalid,
            "more than " + std::to_string(kMaxNames) + " names in one request"};
}

// What a command replies as a number: whether it was 1.
inline Commands::Done integer_to(Got<bool> done) {
    return [done = std::move(done)](Timestamp at, const Answer& answer) mutable {
        if (!answer) return done(at, fail(answer.error()));
        done(at, answer->integer == 1);
    };
}

// The records in the hash `key` of the members of the set `set`; members without one are left out.
template <typename Message>
void list_members(Timestamp now, Commands& commands, std::string_view set, std::string_view key,
                  Got<StoredList> done) {
    auto members = [&commands, key, done = std::move(done)](Timestamp at, Answer answer) mutable {
        if (!answer) return done(at, fail(answer.error()));
        if (answer->cut || answer->items.size() > kMaxNames)
            return done(at, fail(too_many_names()));
        std::vector<std::string> ids;
        for (redis::Value& member : answer->items)
            ids.push_back(std::move(member.text));
        if (ids.empty()) return done(at, StoredList());
        const auto words = hmget(key, ids);
        commands.send(at, words,
                      [&commands, key, ids = std::move(ids), done = std::move(done)](
                          Timestamp then, Answer records) mutable {
                          done(then, some_of<Message>(then, commands.notices(), key, ids,
                                                      std::move(records)));
                      });
    };
    commands.send(now, {"SMEMBERS", set}, std::move(members));
}

}  // namespace confab::cluster::store
