// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Addresses of simulcast and SVC layers and of what a selector does with them (02 §0, §4.1).
#pragma once

#include <cstddef>
#include <cstdint>

namespace confab::sfu {

inline constexpr std::size_t kMaxSpatialLayers = 3;
inline constexpr std::size_t kMaxTemporalLayers = 4;

// spatial 0–2, temporal 0–3; -1 for none.
struct Layer {
    std::int8_t spatial = -1;
    std::int8_t temporal = -1;

    constexpr bool valid() const { return spatial >= 0 && temporal >= 0; }
    constexpr bool operator==(const Layer&) const = default;
};
inline constexpr Layer kNoLayer{};
inline constexpr Layer kTopLayer{2, 3};

constexpr std::int8_t lower_of(std::int8_t a, std::int8_t b) {
    return a < b ? a : b;
}
constexpr Layer lower_of(Layer a, Layer b) {
    return {lower_of(a.spatial, b.spatial), lower_of(a.temporal, b.temporal)};
}

// What a selector knows and changes. The rest of a down-track reads it.
struct LayerState {
    Layer current;             // being forwarded; none before the first key frame
    Layer previous;            // current before the last switch, for a refused one (02 FWD-02)
    Layer target;              // to be reached; none: paused
    Layer max = kTopLayer;     // what the subscriber asked for at most
    std::int8_t request = -1;  // spatial layer to be reached by a key frame; never for audio

    // Waits for a key frame of another layer.
    bool needs_key_frame() const {
        return request >= 0 && (current.spatial < request || current.spatial > target.spatial);
    }
    void move_to(Layer layer) {
        previous = current;
        current = layer;
    }
    void roll_back() { current = previous; }
    void stop() { current = previous = kNoLayer; }
};

// A selector's verdict on one packet.
struct Selection {
    bool forward = false;
    bool relevant = false;  // of the stream being forwarded: a dropped one leaves no hole
    bool switched = false;  // first packet after a start or a change of the simulcast stream
    bool marker = false;    // the last packet of the highest layer of a picture
};

}  // namespace confab::sfu
