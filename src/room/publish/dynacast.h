// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Dynacast of one track: the largest quality anybody wants, per codec (01 SIG-115; 02 DYN-01).
// Increases are told at once, decreases after a delay, which only an increase beyond what was told
// cancels; nothing is told while the track is muted, the state follows on unmute.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/time.h"

namespace confab::room {

// 0 LOW … 2 HIGH.
using WantedQuality = std::optional<std::uint8_t>;

class Dynacast {
  public:
    // With no subscriber the publisher is told so this long after a codec was published.
    static constexpr Duration kFirstReport = Duration::seconds(10);

    Dynacast() = default;
    explicit Dynacast(Duration pause_delay) : pause_delay_(pause_delay) {}

    // This codec is sent, whether anybody wants it or not.
    void published(Timestamp now, std::size_t codec);
    // Everybody moves away from it (02 DYN-05): that nobody wants it is told at once from now on.
    void left(Timestamp now, std::size_t codec);
    // What one subscriber wants of one codec; nothing = off. remove() when it leaves.
    void want(Timestamp now, std::size_t codec, std::uint64_t subscriber, WantedQuality quality);
    void remove(Timestamp now, std::uint64_t subscriber);
    void set_muted(bool muted);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

    struct Report {
        std::size_t codec = 0;
        WantedQuality quality;
    };
    // What was told may not have been heard: it is told once more.
    void repeat();
    // All codecs of which the publisher knows something, when something is to be told.
    std::optional<std::vector<Report>> poll_report();

  private:
    struct CodecState {
        std::map<std::uint64_t, WantedQuality> wanted;
        bool told = false;
        WantedQuality sent;
        Timestamp tell_at = Timestamp::never();  // that nobody wants it, later a decrease
        bool left = false;
    };
    static WantedQuality largest(const CodecState& state);
    void update(Timestamp now, CodecState& state);
    void tell(CodecState& state);

    std::map<std::size_t, CodecState> codecs_;
    Duration pause_delay_ = Duration::seconds(5);
    bool muted_ = false;
    bool dirty_ = false;
};

}  // namespace confab::room
