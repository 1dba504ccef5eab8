// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One subscription in tests, which are run with hand-overs, too. Only for tests: it needs doctest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/rng.h"
#include "base/state/hand_over_testing.h"
#include "sfu/forward/down_track.h"
#include "sfu/forward/forward_testing.h"
#include "sfu/forward/source_state.h"

namespace confab::sfu::test {

// A subscriber to one stream of one source.
struct Leg {
    explicit Leg(Codec codec, std::uint8_t spatial = 0)
        : Leg(subscription(codec), codec, spatial) {}
    Leg(const AddDownTrack& subscribed, Codec codec, std::uint8_t spatial = 0)
        : Leg(subscribed, source_of(codec), spatial) {}
    Leg(const AddDownTrack& subscribed, const SourceState& of, std::uint8_t spatial = 0)
        : config(subscribed),
          source(of),
          rng(1),
          track(config, source, rng),
          stream(of.codec, spatial, 0x1'0000 + 5000, 0x1'0000'0000) {}
    std::optional<ForwardedPacket> send(std::int64_t ms, std::int64_t ticks = 3000,
                                        bool key = false) {
        hand_over_at_random(ms);
        return pass(track, stream.next(ticks, key), at_ms(ms));
    }
    template <typename Change>
    void change(std::int64_t ms, Change change) {
        hand_over_at_random(ms);
        DownTrackSettings settings = track.settings();
        change(settings);
        track.update_settings(settings, at_ms(ms));
    }
    void enable(std::int64_t ms, bool enabled) {
        change(ms, [&](DownTrackSettings& s) { s.enabled = enabled; });
    }
    void mute(std::int64_t ms, bool muted) {
        hand_over_at_random(ms);
        source.muted = muted;
        track.source_changed(at_ms(ms));
    }
    // What is sent again for a NACK of one number.
    std::vector<ResendPacket> nack(std::int64_t sequence, std::int64_t ms) {
        std::array<ResendPacket, 8> out;
        const std::array<std::uint16_t, 1> asked{static_cast<std::uint16_t>(sequence)};
        const std::size_t count = track.handle_nack(asked, at_ms(ms), out);
        return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count)};
    }
    // In a TEST_CASE_HANDED_OVER.
    void hand_over_at_random(std::int64_t ms) {
        if (HandOvers::due(3)) hand_over(track, DownTrack(config, source, rng), at_ms(ms));
    }
    AddDownTrack config;
    SourceState source;
    Rng rng;
    DownTrack track;
    Stream stream;
};

}  // namespace confab::sfu::test
