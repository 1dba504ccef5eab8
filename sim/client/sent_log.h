// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What really left the server on one SSRC, seen before the network can lose or reorder it: numbers
// are used once, and time follows the numbers (07 §8, invariant 1).
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/sequence.h"
#include "sim/report.h"

namespace confab::sim {

class SentLog {
  public:
    // Numbers older than this are not remembered, nor may they still be sent.
    static constexpr std::int64_t kWindow = 2000;

    // `name` is for the report. `repair`: an RTX stream, whose times follow those of its originals.
    SentLog(std::string name, bool repair) : name_(std::move(name)), repair_(repair) {}

    void sent(Timestamp now, std::uint16_t sequence, std::uint32_t timestamp, Report& report);
    // Unwrapped; nullopt before the first packet.
    std::optional<std::int64_t> first() const { return first_; }
    std::int64_t highest() const { return sequence_.highest(); }
    // When this number left; nullopt if it did not, or long ago.
    std::optional<Timestamp> sent_at(std::int64_t sequence) const {
        const auto found = entries_.find(sequence);
        if (found == entries_.end()) return std::nullopt;
        return found->second.sent_at;
    }
    std::uint64_t packets() const { return packets_; }
    std::uint64_t late() const { return late_; }
    // Numbers between the first and the highest that were not sent (yet).
    std::uint64_t holes() const;

  private:
    struct Entry {
        std::int64_t time = 0;  // RTP, unwrapped
        Timestamp sent_at;
    };
    void check_time(Timestamp now, std::int64_t sequence, std::int64_t time, Report& report);

    std::string name_;
    bool repair_;
    SeqUnwrapper sequence_;
    RtpTimeUnwrapper time_;
    std::optional<std::int64_t> first_;
    std::map<std::int64_t, Entry> entries_;  // by number
    std::uint64_t packets_ = 0;
    std::uint64_t late_ = 0;
};

}  // namespace confab::sim
