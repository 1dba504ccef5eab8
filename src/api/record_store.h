// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The port behind which is kept what an operator creates by API and expects to survive a restart:
// SIP trunks and dispatch rules, ingresses, agent dispatches. SQLite in runtime/store now, Redis
// for clusters later, hence asynchronous: an answer comes once, at once or later, on the thread of
// the call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/result.h"

namespace confab::api {

// The numbers are stored: a new kind gets a new one.
enum class RecordKind : std::uint8_t {
    kSipInboundTrunk = 1,
    kSipOutboundTrunk = 2,
    kSipDispatchRule = 3,
    kIngress = 4,
    kAgentDispatch = 5,
};

struct StoreError {
    enum class Kind : std::uint8_t { kTooLarge, kFull, kUnreadable, kFailed };
    Kind kind = Kind::kFailed;
    std::string text;  // for the operator
};
template <typename T>
using StoreReply = Callback<Result<T, StoreError>>;

class RecordStore {
  public:
    static constexpr std::size_t kMaxIdBytes = 256;
    static constexpr std::size_t kMaxRecordBytes = 256 * 1024;
    static constexpr std::size_t kMaxRecordsPerKind = 10'000;  // beyond: kFull

    struct Record {
        std::string id;
        std::string body;
        bool operator==(const Record&) const = default;
    };

    virtual ~RecordStore() = default;
    // Makes or replaces; durable when it is answered.
    virtual void put(RecordKind kind, Record record, StoreReply<void> reply) = 0;
    virtual void get(RecordKind kind, std::string_view id,
                     StoreReply<std::optional<std::string>> reply) = 0;
    // Whether it was there.
    virtual void remove(RecordKind kind, std::string_view id, StoreReply<bool> reply) = 0;
    // In the order of their ids.
    virtual void list(RecordKind kind, StoreReply<std::vector<Record>> reply) = 0;
};

// The records of one kind as messages.
template <typename Message>
class RecordTable {
  public:
    RecordTable(RecordStore& store, RecordKind kind) : store_(store), kind_(kind) {}

    void put(std::string id, const Message& message, StoreReply<void> reply) {
        store_.put(kind_, {std::move(id), message.SerializeAsString()}, std::move(reply));
    }
    void get(std::string_view id, StoreReply<std::optional<Message>> reply) {
        store_.get(kind_, id,
                   [reply = std::move(reply)](
                       Result<std::optional<std::string>, StoreError> found) mutable {
                       if (!found) return reply(tl::make_unexpected(std::move(found.error())));
                       if (!*found) return reply(std::optional<Message>());
                       Message message;
                       if (!message.ParseFromString(**found)) return reply(unreadable());
                       reply(std::optional<Message>(std::move(message)));
                   });
    }
    void remove(std::string_view id, StoreReply<bool> reply) {
        store_.remove(kind_, id, std::move(reply));
    }
    void list(StoreReply<std::vector<Message>> reply) {
        store_.list(kind_, [reply = std::move(reply)](
                               Result<std::vector<RecordStore::Record>, StoreError> found) mutable {
            if (!found) return reply(tl::make_unexpected(std::move(found.error())));
            std::vector<Message> messages(found->size());
            for (std::size_t i = 0; i < messages.size(); ++i)
                if (!messages[i].ParseFromString((*found)[i].body)) return reply(unreadable());
            reply(std::move(messages));
        });
    }

  private:
    static tl::unexpected<StoreError> unreadable() {
        return tl::make_unexpected(
            StoreError{StoreError::Kind::kUnreadable, "a stored record cannot be read"});
    }
    RecordStore& store_;
    RecordKind kind_;
};

}  // namespace confab::api
