// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Reading and editing format parameters.
#include "rtc/sdp/description/fmtp.h"

#include <algorithm>

#include "base/text.h"

namespace confab::sdp {
namespace {

std::string_view key_of(std::string_view parameter) {
    return trim(next_token(parameter, '='));
}

}  // namespace

std::optional<std::string_view> fmtp_value(std::string_view fmtp, std::string_view key) {
    while (!fmtp.empty()) {
        std::string_view parameter = next_token(fmtp, ';');
        if (equals_ignore_case(trim(next_token(parameter, '=')), key)) return trim(parameter);
    }
    return std::nullopt;
}

std::string fmtp_without(std::string_view fmtp, const std::vector<std::string_view>& keys) {
    std::string out;
    while (!fmtp.empty()) {
        const std::string_view parameter = trim(next_token(fmtp, ';'));
        const bool drop = parameter.empty() || std::ranges::any_of(keys, [&](auto key) {
                              return equals_ignore_case(key_of(parameter), key);
                          });
        if (!drop) fmtp_append(out, parameter);
    }
    return out;
}

void fmtp_append(std::string& fmtp, std::string_view parameter) {
    if (!fmtp.empty()) fmtp.push_back(';');
    fmtp.append(parameter);
}

std::string h264_key(std::string_view fmtp) {
    // Absent, the profile is Baseline and the mode is 0 (RFC 6184 §8.1).
    const std::string_view profile = fmtp_value(fmtp, "profile-level-id").value_or("42000a");
    const std::string_view mode = fmtp_value(fmtp, "packetization-mode").value_or("0");
    return to_lower(profile.substr(0, 4)) + "/" + std::string(mode);
}

std::string opus_publish_fmtp(std::string_view offered, bool dtx, bool stereo) {
    if (offered.empty()) return {};
    std::string out =
        fmtp_without(offered, {"usedtx", "stereo", "sprop-stereo", "maxaveragebitrate"});
    if (dtx) fmtp_append(out, "usedtx=1");
    if (stereo) fmtp_append(out, "stereo=1;maxaveragebitrate=510000");
    return out;
}

std::optional<unsigned> red_target(std::string_view fmtp) {
    const auto first = parse_decimal<unsigned>(trim(next_token(fmtp, '/')));
    while (first && !fmtp.empty())
        if (parse_decimal<unsigned>(trim(next_token(fmtp, '/'))) != first) return std::nullopt;
    return first;
}

}  // namespace confab::sdp
