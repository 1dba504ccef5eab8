// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Uniform choice from the alphabet through Rng::below().
#include "token/ids.h"

#include <algorithm>

#include "crypto/digest.h"

namespace confab::token {
namespace {

constexpr std::string_view kAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view kAlphanumeric =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static_assert(kAlphabet.size() == 57);
constexpr std::size_t kMaxPrefixPart = 16;
constexpr std::size_t kMaxTrackLetters = 2;

std::string pick(Rng& rng, std::string_view alphabet, std::size_t size) {
    std::string result(size, ' ');
    for (char& c : result)
        c = alphabet[rng.below(alphabet.size())];
    return result;
}

bool is_alnum(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
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

std::string make_id(std::string_view prefix, Rng& rng) {
    return std::string(prefix) + pick(rng, kAlphabet, kIdLength);
}

std::string make_track_sid(livekit::TrackType type, livekit::TrackSource source, Rng& rng) {
    std::string prefix(kTrackPrefix);
    if (type == livekit::AUDIO) prefix += 'A';
    if (type == livekit::VIDEO) prefix += 'V';
    prefix += source_letter(source);
    return make_id(prefix, rng);
}

std::string random_letters(Rng& rng, std::size_t size) {
    return pick(rng, kLetters, size);
}

std::string random_alphanumeric(Rng& rng, std::size_t size) {
    return pick(rng, kAlphanumeric, size);
}

std::string make_deterministic_id(std::string_view prefix, std::string_view input) {
    const auto hash = crypto::sha256(as_bytes(input));
    Rng rng(load_be64(hash.data()));
    return make_id(prefix, rng);
}

bool is_valid_id(std::string_view id) {
    std::size_t parts = 0;
    for (std::size_t cut = id.find('_'); cut != id.npos; cut = id.find('_')) {
        if (++parts > 2 || cut == 0 || cut > kMaxPrefixPart) return false;
        if (!std::all_of(id.begin(), id.begin() + static_cast<std::ptrdiff_t>(cut), is_alnum))
            return false;
        id.remove_prefix(cut + 1);
    }
    return parts > 0 && !id.empty() && id.size() <= kIdLength + kMaxTrackLetters &&
           std::all_of(id.begin(), id.end(), is_alnum);
}

}  // namespace confab::token
