// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// JSON grammar of RFC 8259, values other than "alg" are checked for form and skipped.
#include "crypto/jws_header.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.h"

namespace confab::crypto {
namespace {

class HeaderReader {
  public:
    explicit HeaderReader(std::string_view text) : rest_(text) {}

    Result<std::string, JwsHeaderError> read() {
        if (!is_valid_utf8(rest_)) return fail(JwsHeaderError::kJson);
        if (!object(0) || (blanks(), !rest_.empty())) return fail(JwsHeaderError::kJson);
        if (!algorithm_) return fail(JwsHeaderError::kNoAlgorithm);
        return *std::move(algorithm_);
    }

  private:
    void blanks() {
        while (!rest_.empty() && std::string_view(" \t\r\n").find(rest_[0]) != rest_.npos)
            rest_.remove_prefix(1);
    }
    bool take(char c) {
        blanks();
        if (rest_.empty() || rest_[0] != c) return false;
        rest_.remove_prefix(1);
        return true;
    }

    bool object(int depth) {
        if (depth > kMaxJwsHeaderDepth || !take('{')) return false;
        std::vector<std::string> names;
        if (take('}')) return true;
        do {
            auto name = string();
            if (!name || !take(':') || names.size() >= kMaxJwsHeaderNames) return false;
            if (std::find(names.begin(), names.end(), *name) != names.end()) return false;
            if (!(depth == 0 ? member(*name) : value(depth + 1))) return false;
            names.push_back(*std::move(name));
        } while (take(','));
        return take('}');
    }

    bool member(std::string_view name) {
        if (name == "crit") return false;
        blanks();
        if (name != "alg" || rest_.empty() || rest_[0] != '"') return value(1);
        algorithm_ = string();
        return algorithm_.has_value();
    }

    bool array(int depth) {
        if (depth > kMaxJwsHeaderDepth || !take('[')) return false;
        if (take(']')) return true;
        do {
            if (!value(depth + 1)) return false;
        } while (take(','));
        return take(']');
    }

    bool value(int depth) {
        blanks();
        if (rest_.empty()) return false;
        switch (rest_[0]) {
            case '{':
                return object(depth);
            case '[':
                return array(depth);
            case '"':
                return string().has_value();
            case 't':
                return word("true");
            case 'f':
                return word("false");
            case 'n':
                return word("null");
            default:
                return number();
        }
    }

    bool word(std::string_view expected) {
        if (!rest_.starts_with(expected)) return false;
        rest_.remove_prefix(expected.size());
        return true;
    }

    std::size_t digits() {
        std::size_t count = 0;
        while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
            rest_.remove_prefix(1);
            ++count;
        }
        return count;
    }
    bool number() {
        (void)word("-");
        const bool leading_zero = rest_.starts_with('0');
        const std::size_t whole = digits();
        if (whole == 0 || (leading_zero && whole > 1)) return false;
        if (word(".") && digits() == 0) return false;
        if (word("e") || word("E")) {
            if (!word("+")) (void)word("-");
            return digits() > 0;
        }
        return true;
    }

    std::optional<std::string> string() {
        if (!take('"')) return std::nullopt;
        std::string out;
        while (!rest_.empty()) {
            const char c = rest_[0];
            rest_.remove_prefix(1);
            if (c == '"') return out;
            if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
            if (c != '\\') {
                out += c;
            } else if (!escape(out)) {
                return std::nullopt;
            }
        }
        return std::nullopt;
    }

    bool escape(std::string& out) {
        constexpr std::string_view kNames = "\"\\/bfnrt";
        constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
        if (rest_.empty()) return false;
        const char c = rest_[0];
        rest_.remove_prefix(1);
        if (c == 'u') return unicode_escape(out);
        const std::size_t at = kNames.find(c);
        if (at == kNames.npos) return false;
        out += kValues[at];
        return true;
    }

    // ASCII is decoded, so that "\u0061lg" is seen as a second "alg"; other code points never
    // matter to a comparison here and become one marker octet that no valid text contains.
    bool unicode_escape(std::string& out) {
        unsigned code = 0;
        if (rest_.size() < 4) return false;
        for (const char c : rest_.substr(0, 4)) {
            const std::size_t digit = std::string_view("0123456789abcdef0123456789ABCDEF").find(c);
            if (digit == std::string_view::npos) return false;
            code = code * 16 + static_cast<unsigned>(digit % 16);
        }
        rest_.remove_prefix(4);
        out += code < 0x80 ? static_cast<char>(code) : '\xff';
        return true;
    }

    std::string_view rest_;
    std::optional<std::string> algorithm_;
};

}  // namespace

Result<std::string, JwsHeaderError> jws_header_algorithm(std::string_view json) {
    return HeaderReader(json).read();
}

}  // namespace confab::crypto
