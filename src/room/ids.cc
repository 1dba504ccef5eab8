// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/ids.h"

namespace confab::room {
namespace {

constexpr std::string_view kSidAlphabet =
    "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kAlphanumeric =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::string pick(Rng& rng, std::string_view alphabet, std::size_t size) {
    std::string result(size, ' ');
    for (char& c : result)
        c = alphabet[rng.below(alphabet.size())];
    return result;
}

std::string_view source_letter(livekit::TrackSource source) {
    switch (source) {
        case livekit::CAMERA:
            return "C";
        case livekit::MICROPHONE:
            return "M";
        case livekit::SCREEN_SHARE:
            return "S";
        case livekit::SCREEN_SHARE_AUDIO:
            return "s";
        default:
            return "";
    }
}

}  // namespace

std::string make_sid(Rng& rng, std::string_view prefix) {
    return std::string(prefix) + pick(rng, kSidAlphabet, 12);
}

std::string make_track_sid(Rng& rng, livekit::TrackType type, livekit::TrackSource source) {
    std::string prefix = type == livekit::VIDEO ? "TR_V" : "TR_A";
    prefix += source_letter(source);
    return make_sid(rng, prefix);
}

std::string random_letters(Rng& rng, std::size_t size) {
    return pick(rng, kLetters, size);
}

std::string random_alphanumeric(Rng& rng, std::size_t size) {
    return pick(rng, kAlphanumeric, size);
}

sfu::IceCredentials make_ice_credentials(Rng& rng, sfu::WorkerIndex worker) {
    sfu::IceCredentials result{random_letters(rng, 16), random_letters(rng, 32)};
    result.ufrag[0] = kLetters[worker % kLetters.size()];
    return result;
}

}  // namespace confab::room
