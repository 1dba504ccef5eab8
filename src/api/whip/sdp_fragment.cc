// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/whip/sdp_fragment.h"

#include "base/text.h"

namespace confab::api {
namespace {

// RFC 8839 §5.4 allows 256 for credentials; a candidate with a name and extensions is shorter, too.
constexpr std::size_t kMaxValueBytes = 512;

class Reader {
  public:
    // False: no fragment.
    bool read(std::string_view line) {
        if (line.empty()) return true;
        if (line.size() < 2 || line[1] != '=') return false;
        if (line[0] == 'm') mid_.clear();
        if (line[0] != 'a') return true;
        line.remove_prefix(2);
        const std::size_t colon = line.find(':');
        const std::string_view name = line.substr(0, colon);
        const std::string_view value = colon == line.npos ? "" : line.substr(colon + 1);
        return value.size() <= kMaxValueBytes && take(name, value);
    }
    SdpFragment result;

  private:
    bool take(std::string_view name, std::string_view value) {
        if (name == "mid") {
            mid_ = value;
        } else if (name == "ice-ufrag") {
            result.ufrag = value;
        } else if (name == "ice-pwd") {
            result.pwd = value;
        } else if (name == "end-of-candidates") {
            result.end_of_candidates = true;
        } else if (name == "candidate") {
            if (result.candidates.size() >= kMaxFragmentCandidates) return false;
            result.candidates.push_back({mid_, std::string(value)});
        }
        return true;
    }
    std::string mid_;
};

}  // namespace

std::optional<SdpFragment> parse_fragment(std::string_view text) {
    if (text.size() > kMaxFragmentBytes) return std::nullopt;
    Reader reader;
    for (std::string_view line : split(text, '\n')) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!reader.read(line)) return std::nullopt;
    }
    if (reader.result == SdpFragment{}) return std::nullopt;
    return std::move(reader.result);
}

std::string write_fragment(const SdpFragment& fragment) {
    std::string text;
    const auto add = [&text](std::string_view name, std::string_view value) {
        text.append("a=").append(name).append(value).append("\r\n");
    };
    if (!fragment.ufrag.empty()) add("ice-ufrag:", fragment.ufrag);
    if (!fragment.pwd.empty()) add("ice-pwd:", fragment.pwd);
    if (!fragment.candidates.empty()) {
        const std::string& mid = fragment.candidates.front().mid;
        text.append("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n");
        add("mid:", mid.empty() ? "0" : mid);
        for (const SdpFragment::Candidate& one : fragment.candidates)
            add("candidate:", one.line);
    }
    if (fragment.end_of_candidates) add("end-of-candidates", "");
    return text;
}

}  // namespace confab::api
