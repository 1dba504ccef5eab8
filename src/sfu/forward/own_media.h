// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Media of our own in a forwarded stream, what it is made of and when it is due: silence or blank
// frames where a stream stops, so that nothing is left on a screen or in a decoder (02 FWD-15,
// FWD-17), and something before the first packet, so that the subscriber's side is set up early
// (02 FWD-16).
#pragma once

#include <cstdint>
#include <optional>

#include "base/rng.h"
#include "base/state/state.h"
#include "base/time.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

// RTX streams and early media start in the third quarter of the number space (02 FWD-01).
inline std::int64_t third_quarter_start(Rng& rng) {
    return 0x8000 + static_cast<std::int64_t>(rng.below(0x4000));
}

class BlankFrames {
  public:
    static constexpr Duration kAudioInterval = Duration::millis(20);
    static constexpr Duration kVideoInterval = Duration::micros(33'333);
    static constexpr std::int64_t kAudioPerSecond = 50;
    static constexpr std::int64_t kVideoPerSecond = 30;

    static Duration interval(MediaKind kind) {
        return kind == MediaKind::kVideo ? kVideoInterval : kAudioInterval;
    }
    static std::int64_t ticks(MediaKind kind, std::uint32_t clock_rate) {
        return static_cast<std::int64_t>(clock_rate) /
               (kind == MediaKind::kVideo ? kVideoPerSecond : kAudioPerSecond);
    }

    // Makes a frame of this codec; false where none can be made. `opus`: the type of the blocks
    // inside RED. `trailer` is put behind it (frames that are not encrypted among encrypted ones).
    bool prepare(Codec codec, std::optional<PayloadType> opus, BytesView trailer);
    BytesView payload() const { return payload_; }  // stays in place until another codec's

    void start(int frames, Timestamp now) {
        left_ = frames;
        due_ = now;
    }
    void stop() { left_ = 0; }
    bool done() const { return left_ == 0; }
    // Whether one is to be sent now. One per call: after a late call the rest keeps its distance.
    bool take_due(Timestamp now, Duration interval);
    Timestamp next_deadline() const { return done() ? Timestamp::never() : due_; }

    // How many are to come and when; of what is for prepare() to say.
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    int left_ = 0;
    Timestamp due_ = Timestamp::never();
    Bytes payload_;
    Codec codec_ = Codec::kNone;
};

class EarlyMedia {
  public:
    static constexpr Duration kInterval = Duration::millis(100);
    static constexpr Duration kLimit = Duration::seconds(5);

    EarlyMedia() = default;  // none
    // Third quarter of both number spaces: room to go back and before they wrap (02 FWD-01).
    explicit EarlyMedia(Rng& rng)
        : wanted_(true),
          sequence_(third_quarter_start(rng)),
          timestamp_(0x8000'0000 + static_cast<std::int64_t>(rng.below(0x4000'0000))) {}

    // Packets can be sent from now on; starts once.
    void start(Timestamp now);
    void stop() { due_ = Timestamp::never(); }
    // Whether one is to be sent now; none after the `last` one.
    bool take_due(Timestamp now, bool last);
    Timestamp next_deadline() const { return due_; }
    // Where a stream starts that begins with it.
    std::int64_t sequence() const { return sequence_; }
    std::int64_t timestamp() const { return timestamp_; }

    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    bool wanted_ = false;
    Timestamp due_ = Timestamp::never();
    Timestamp end_;
    std::int64_t sequence_ = 0;
    std::int64_t timestamp_ = 0;
};

}  // namespace confab::sfu
