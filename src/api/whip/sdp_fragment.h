// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// application/trickle-ice-sdpfrag (RFC 8840 §9): ICE credentials and candidates without the rest of
// a description.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace confab::api {

struct SdpFragment {
    // All sections are one bundle; `mid` is where a candidate stood, empty: in the session part.
    struct Candidate {
        std::string mid;
        std::string line;  // behind "candidate:"
        bool operator==(const Candidate&) const = default;
    };
    std::string ufrag;
    std::string pwd;
    std::vector<Candidate> candidates;
    bool end_of_candidates = false;
    bool operator==(const SdpFragment&) const = default;
};

inline constexpr std::size_t kMaxFragmentBytes = 64 * 1024;
inline constexpr std::size_t kMaxFragmentCandidates = 128;

// Unknown lines and attributes are passed over. Nothing for what is no fragment: a line that is not
// `x=…`, nothing of interest in it, a value or a number beyond the limits.
std::optional<SdpFragment> parse_fragment(std::string_view text);
// Candidates stand below a section of the first one's mid ("0" if it has none).
std::string write_fragment(const SdpFragment& fragment);

}  // namespace confab::api
