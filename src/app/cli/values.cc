// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/values.h"

#include "base/text.h"

namespace confab::app::cli {

std::string Values::text(std::string_view key) const {
    const auto found = values_.find(key);
    return found == values_.end() || found->second.empty() ? "" : found->second.back();
}

const std::vector<std::string>& Values::list(std::string_view key) const {
    static const std::vector<std::string> kNone;
    const auto found = values_.find(key);
    return found == values_.end() ? kNone : found->second;
}

std::uint64_t Values::number(std::string_view key, std::uint64_t otherwise) const {
    return parse_decimal<std::uint64_t>(text(key)).value_or(otherwise);
}

std::string filled(std::string_view sentence, const Values& values) {
    std::string out;
    while (!sentence.empty()) {
        const std::size_t open = sentence.find('{');
        out += sentence.substr(0, open);
        if (open == sentence.npos) break;
        const std::size_t close = sentence.find('}', open);
        const auto& texts = values.list(sentence.substr(open + 1, close - open - 1));
        for (std::size_t i = 0; i < texts.size(); ++i)
            out += (i > 0 ? ", " : "") + texts[i];
        sentence.remove_prefix(close + 1);
    }
    return out;
}

}  // namespace confab::app::cli
