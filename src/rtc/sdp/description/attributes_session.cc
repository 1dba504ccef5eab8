// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Session-level attributes, and those that may stand at both levels: ICE (RFC 8839 §5), DTLS
// (RFC 8122 §5, RFC 4145 §4).
#include "base/text.h"
#include "rtc/sdp/description/attributes.h"
#include "rtc/sdp/description/attributes_common.h"

namespace confab::sdp::detail {

std::optional<Setup> read_setup(std::string_view value) {
    if (value == "actpass") return Setup::kActPass;
    if (value == "active") return Setup::kActive;
    if (value == "passive") return Setup::kPassive;
    return std::nullopt;  // holdconn is never used by WebRTC (RFC 8842 §5.1)
}

Outcome read_fingerprint(std::string_view value, std::vector<Fingerprint>& out) {
    const std::string_view algorithm = next_token(value, ' ');
    const std::string_view digest = trim(value);
    if (algorithm.empty() || digest.empty()) return fail(SdpError::kMalformed);
    if (out.size() == kMaxFingerprints) return fail(SdpError::kTooMany);
    out.push_back({to_lower(algorithm), std::string(digest)});
    return {};
}

namespace {

// BUNDLE 0 1 2 (RFC 8843 §7.1); other groups are of no use here.
Outcome read_group(std::string_view value, Description& out) {
    if (next_token(value, ' ') != "BUNDLE" || out.bundle) return {};
    out.bundle.emplace();
    while (!value.empty()) {
        const std::string_view mid = next_token(value, ' ');
        if (mid.empty()) continue;
        if (out.bundle->size() == kMaxSections || mid.size() > kMaxMidBytes)
            return fail(SdpError::kTooManySections);
        out.bundle->emplace_back(mid);
    }
    return {};
}

}  // namespace

Outcome read_session_attribute(std::string_view name, std::string_view value, Description& out) {
    if (name == "group") return read_group(value, out);
    if (name == "fingerprint") return read_fingerprint(value, out.fingerprints);
    if (name == "extmap-allow-mixed") {
        out.extmap_allow_mixed = true;
    } else if (name == "ice-lite") {
        out.ice_lite = true;
    } else if (name == "ice-ufrag") {
        out.ufrag = value;
    } else if (name == "ice-pwd") {
        out.pwd = value;
    } else if (name == "setup") {
        out.setup = read_setup(value);
    } else if (name == "msid-semantic") {
        out.msid_semantic = trim(value);
    }
    return {};
}

}  // namespace confab::sdp::detail
