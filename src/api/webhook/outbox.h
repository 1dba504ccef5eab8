// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the delivery of webhooks needs of a store that outlives the process: numbers for events,
// what is to be written, and which event the store has answered about. Belongs to WebhookQueue; the
// driver carries poll_write() to the store and its answers back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"

namespace confab::api {

// Events that wait for their receivers; beyond: dropped, counted, a gap in the sequence.
inline constexpr std::size_t kMaxOutboxWaiting = 65'536;
// Events that are held for addresses that are not configured now; beyond, the first are given up.
inline constexpr std::size_t kMaxOutboxHeld = 65'536;
// Addresses that are numbered; events to further ones carry no sequence number.
inline constexpr std::size_t kMaxOutboxUrls = 1024;
// How often an event is refused (5xx, or no answer once it was sent) by a receiver that meanwhile
// takes others, and for how long, until it is given up: what is wrong with a receiver for a while
// costs none.
inline constexpr int kMaxOutboxRefusals = 10;
inline constexpr Duration kOutboxRefusalTime = Duration::seconds(600);
// Attempts that failed are written together, this long after the first: each write is a sync.
inline constexpr Duration kOutboxMarkDelay = Duration::seconds(10);
// A store that has not answered by then is not waited for: a hanging disk delays no event further.
inline constexpr Duration kOutboxPatience = Duration::seconds(2);
// Stretches of numbers that the store did not take; beyond, what lies between the last two counts
// as not taken.
inline constexpr std::size_t kMaxOutboxGaps = 64;

// One event on its way to one address.
struct OutboxEvent {
    std::uint64_t number = 0;    // of the outbox, the order of all, used once; 0: there is none
    std::uint64_t sequence = 0;  // of its address, from 1
    std::string url;
    std::string key;      // of its queue (HOOK-07), as token::room_key() with the tenant
    std::string api_key;  // that signs; empty: the one of webhook.api_key
    std::string id;
    std::string event;
    std::string body;
    UnixTime created;  // when it was written first; unless it is known, the store sets it
};

// The numbers are stored.
enum class OutboxState : std::uint8_t { kPending = 0, kDelivered = 1, kGivenUp = 2 };

// What became of an attempt, or of the event.
struct OutboxMark {
    std::uint64_t number = 0;
    OutboxState state = OutboxState::kPending;
    int attempts = 0;
    int status = 0;  // of the last answer; 0: none
    bool operator==(const OutboxMark&) const = default;
};
using OutboxWrite = std::variant<OutboxEvent, OutboxMark>;

// An event that is to be sent again, and what the store said of it.
struct OutboxReplay {
    OutboxEvent event;
    OutboxMark was;
};

// What a store had when it was opened.
struct OutboxContents {
    std::string id;                                    // of the store: sequences belong to it
    std::uint64_t last_number = 0;                     // ever used
    std::map<std::string, std::uint64_t> sequences{};  // last used, by address
    std::vector<OutboxEvent> waiting{};                // pending, by number
};

class Outbox {
  public:
    explicit Outbox(OutboxContents contents)
        : id_(std::move(contents.id)),
          last_number_(contents.last_number),
          stored_through_(contents.last_number),
          sequences_(std::move(contents.sequences)) {}

    const std::string& id() const { return id_; }
    // Of the next event to `url`, which is used up with it; 0 beyond kMaxOutboxUrls.
    std::uint64_t take_sequence(const std::string& url);
    // Numbers the event and has it written.
    void add(Timestamp now, OutboxEvent& event);
    // A settled one is written at once, a pending one with others of its kind.
    void mark(Timestamp now, const OutboxMark& mark);
    // An event of an earlier number, for a store that has begun anew.
    void write_again(OutboxEvent event) { writes_.emplace_back(std::move(event)); }
    // The pending marks, too, whatever their time.
    void flush_marks();
    std::optional<OutboxWrite> poll_write();

    // Events that stay with the store and are not sent, since when: those of addresses that nobody
    // configures now. False: too many, the first of them is given up.
    bool hold(Timestamp now, std::uint64_t number, Timestamp since);
    bool release(std::uint64_t number) { return held_.erase(number) > 0; }
    void release_all() { held_.clear(); }
    // Of those that are held for longer; how many they are.
    std::size_t give_up_held(Timestamp now, Duration retention);
    std::size_t held() const { return held_.size(); }

    // The store has answered about all up to this number: they are kept, or are not.
    void handle_stored(std::uint64_t through, bool kept);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    // An event may be sent once the store has answered.
    bool is_answered(std::uint64_t number) const { return number <= stored_through_; }
    // Only what is kept carries its sequence number: no number is ever seen at two events.
    bool is_kept(std::uint64_t number) const;

  private:
    std::string id_;
    std::uint64_t last_number_;
    std::uint64_t stored_through_;
    std::map<std::string, std::uint64_t> sequences_;
    std::deque<OutboxWrite> writes_;
    std::map<std::uint64_t, OutboxMark> attempts_;  // pending marks, the newest of each event
    std::map<std::uint64_t, Timestamp> held_;
    Timestamp attempts_since_;                                   // of the first of them
    std::deque<std::pair<std::uint64_t, Timestamp>> asked_;      // unanswered, by number
    std::vector<std::pair<std::uint64_t, std::uint64_t>> gaps_;  // first, last; not kept
};

}  // namespace confab::api
