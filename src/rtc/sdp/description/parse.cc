// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The line level of SDP (RFC 8866 §5, §9): <type>=<value>, sections begin at m=.
#include "base/text.h"
#include "rtc/sdp/description/attributes.h"
#include "rtc/sdp/description/description.h"

namespace confab::sdp {
namespace {

class Parser {
  public:
    Result<Description, SdpError> run(std::string_view text) {
        if (text.size() > kMaxDescriptionBytes) return fail(SdpError::kTooLarge);
        bool first = true;
        while (!text.empty()) {
            CONFAB_TRY(const std::string_view line, next_line(text));
            if (line.empty()) continue;
            if (first && line != "v=0") return fail(SdpError::kNotSdp);
            first = false;
            CONFAB_TRY_VOID(read_line(line));
        }
        CONFAB_TRY_VOID(end_section());
        if (out_.origin.empty()) return fail(SdpError::kNotSdp);
        return std::move(out_);
    }

  private:
    static Result<std::string_view, SdpError> next_line(std::string_view& text) {
        std::string_view line = next_token(text, '\n');
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (line.size() > kMaxLineBytes) return fail(SdpError::kTooLarge);
        // A lone CR or a NUL is a line end for some readers: never let it through to another one.
        constexpr std::string_view kForbidden("\r\0", 2);
        if (line.find_first_of(kForbidden) != std::string_view::npos)
            return fail(SdpError::kMalformed);
        return line;
    }

    detail::Outcome read_line(std::string_view line) {
        if (line.size() < 2 || line[1] != '=') return fail(SdpError::kMalformed);
        const std::string_view value = line.substr(2);
        switch (line[0]) {
            case 'o':
                if (!in_section_) out_.origin = value;
                return {};
            case 'm':
                return begin_section(value);
            case 'c':
                if (in_section_) section_.connection = value;
                return {};
            case 'a':
                return read_attribute(value);
            default:
                return {};
        }
    }

    detail::Outcome begin_section(std::string_view value) {
        CONFAB_TRY_VOID(end_section());
        if (out_.sections.size() == kMaxSections) return fail(SdpError::kTooManySections);
        CONFAB_TRY(section_, detail::read_media_line(value));
        extras_ = {};
        in_section_ = true;
        return {};
    }

    detail::Outcome end_section() {
        if (!in_section_) return {};
        CONFAB_TRY_VOID(detail::finish_section(section_, extras_));
        out_.sections.push_back(std::move(section_));
        in_section_ = false;
        return {};
    }

    detail::Outcome read_attribute(std::string_view attribute) {
        std::string_view value = attribute;
        const std::string_view name = next_token(value, ':');
        if (in_section_) return detail::read_section_attribute(name, value, section_, extras_);
        return detail::read_session_attribute(name, value, out_);
    }

    Description out_;
    MediaSection section_;
    detail::SectionExtras extras_;
    bool in_section_ = false;
};

}  // namespace

Result<Description, SdpError> parse(std::string_view text) {
    return Parser().run(text);
}

}  // namespace confab::sdp
