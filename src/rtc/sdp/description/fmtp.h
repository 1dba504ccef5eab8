// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Format parameters: "key=value;key=value" (RFC 8866 §6.15), and those of opus (RFC 7587 §6.1) and
// H.264 (RFC 6184 §8.1) that matter here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace confab::sdp {

// Keys are compared without case; blanks around a parameter do not count.
std::optional<std::string_view> fmtp_value(std::string_view fmtp, std::string_view key);
// Without the parameters of these keys, the rest in order.
std::string fmtp_without(std::string_view fmtp, const std::vector<std::string_view>& keys);
void fmtp_append(std::string& fmtp, std::string_view parameter);

// What makes two H.264 payload types the same: packetization mode and profile, not the level, which
// may differ per direction (level-asymmetry-allowed). Lower case.
std::string h264_key(std::string_view fmtp);

// What a publisher is told about opus (02 SDP-25): DTX and stereo as announced, stale values of
// earlier descriptions removed.
std::string opus_publish_fmtp(std::string_view offered, bool dtx, bool stereo);

// The opus payload type inside RED ("111/111", RFC 2198 §4.1); nullopt if it names several.
std::optional<unsigned> red_target(std::string_view fmtp);

}  // namespace confab::sdp
