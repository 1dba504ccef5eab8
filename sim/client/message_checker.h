// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Reliable messages among the people of a run. Each carries its speaker (a session of a person), to
// whom it is (0: everybody) and a number that counts up per speaker and destination. A receiver may
// begin anywhere; from then on nothing is lost, repeated or overtaken, and nothing is for others.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "sim/report.h"

namespace confab::sim {

class MessageChecker {
  public:
    // Speaker and destination.
    using Stream = std::pair<std::uint32_t, std::uint32_t>;

    MessageChecker(std::string name, std::uint32_t person)
        : name_(std::move(name)), person_(person) {}

    // Messages from now on are another speaker's.
    void set_speaker(std::uint32_t speaker) {
        speaker_ = speaker;
        sent_.clear();
    }
    std::uint32_t speaker() const { return speaker_; }
    Bytes next_message(std::uint32_t to_person) const;
    void sent(std::uint32_t to_person) { ++sent_[to_person]; }
    void take(Timestamp now, BytesView payload, Report& report);
    // What was dropped on purpose: streams begin again anywhere.
    void forget() { expected_.clear(); }

    // How many were sent to, and the next one expected of, a stream.
    std::uint32_t count_sent(std::uint32_t to_person) const {
        const auto found = sent_.find(to_person);
        return found == sent_.end() ? 0 : found->second;
    }
    std::uint32_t expected(const Stream& stream) const {
        const auto found = expected_.find(stream);
        return found == expected_.end() ? 0 : found->second;
    }
    std::uint64_t received() const { return received_; }

  private:
    std::string name_;
    std::uint32_t person_;
    std::uint32_t speaker_ = 0;
    std::map<std::uint32_t, std::uint32_t> sent_;
    std::map<Stream, std::uint32_t> expected_;
    std::uint64_t received_ = 0;
};

}  // namespace confab::sim
