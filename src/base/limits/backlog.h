// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Messages that a stream (TCP, TLS) has no room for yet, bounded in octets and in time: sound and
// all that keeps a connection leave before pictures (02 DES-06, TRAP-24).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "base/bytes.h"
#include "base/time.h"

namespace confab {

// kKept: nobody says it again, so that it waits for as long as it takes (a TURN answer over TCP,
// RFC 8489 §6.2.2).
enum class Urgency : std::uint8_t { kFirst, kGivesWay, kKept };

class Backlog {
  public:
    // Of each urgency: 100 ms at 10 Mbit/s.
    static constexpr std::size_t kMaxOctets = 128 * 1024;
    // Packets that TCP itself had to repeat come late by less.
    static constexpr Duration kLongest = Duration::seconds(1);

    struct Message {
        Timestamp since;
        Bytes bytes;
    };

    // False: there is no room.
    bool push(Timestamp now, Bytes message, Urgency urgency) {
        Line& line = urgency == Urgency::kKept    ? kept_
                     : urgency == Urgency::kFirst ? first_
                                                  : gives_way_;
        if (line.octets + message.size() > kMaxOctets) return false;
        line.octets += message.size();
        line.messages.push_back({now, std::move(message)});
        return true;
    }
    // Gives up what has waited for too long: how many messages.
    std::size_t drop_old(Timestamp now) {
        std::size_t dropped = 0;
        for (Line* line : {&first_, &gives_way_})
            for (; line->is_older(now, kLongest); ++dropped)
                (void)line->take();
        return dropped;
    }
    // The next one to leave; only if there is any.
    Bytes pop() { return next()->take(); }
    // All, in the order in which they would leave, until `visit` says false.
    template <typename Visit>
    void each(Visit visit) {
        for (Line* line : {&kept_, &first_, &gives_way_})
            for (Message& message : line->messages)
                if (!visit(message.bytes)) return;
    }
    std::size_t next_size() { return next()->messages.front().bytes.size(); }
    bool empty() const {
        return kept_.messages.empty() && first_.messages.empty() && gives_way_.messages.empty();
    }
    std::size_t octets() const { return kept_.octets + first_.octets + gives_way_.octets; }

  private:
    struct Line {
        std::deque<Message> messages;
        std::size_t octets = 0;

        bool is_older(Timestamp now, Duration age) const {
            return !messages.empty() && now - messages.front().since > age;
        }
        Bytes take() {
            Bytes bytes = std::move(messages.front().bytes);
            messages.pop_front();
            octets -= bytes.size();
            return bytes;
        }
    };

    Line* next() {
        if (!kept_.messages.empty()) return &kept_;
        return first_.messages.empty() ? &gives_way_ : &first_;
    }

    Line kept_;
    Line first_;
    Line gives_way_;
};

}  // namespace confab
