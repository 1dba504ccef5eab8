// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "config/print.h"

#include <algorithm>
#include <variant>

#include "base/text.h"
#include "config/options.h"
#include "config/yaml/value.h"

namespace confab::config {
namespace {

// Nested YAML from dotted paths: prints the headers of sections as they are entered.
class Nesting {
  public:
    // Headers for the section of `path`, then the indentation of the key itself.
    std::string enter(std::string_view path) {
        auto parts = split(path, '.');
        parts.pop_back();
        std::size_t same = 0;
        while (same < open_.size() && same < parts.size() && open_[same] == parts[same])
            ++same;
        std::string text;
        for (std::size_t depth = same; depth < parts.size(); ++depth) {
            if (depth == 0) text += "\n";
            text += indent(depth) + std::string(parts[depth]) + ":\n";
        }
        open_ = std::move(parts);
        return text;
    }
    std::string indent() const { return indent(open_.size()); }

  private:
    static std::string indent(std::size_t depth) { return std::string(2 * depth, ' '); }

    std::vector<std::string_view> open_;
};

std::string_view last_part(std::string_view path) {
    return path.substr(path.rfind('.') + 1);
}

constexpr std::string_view kSet = "(set)";

// Kinds that may hold secrets anywhere: passwords, keys, storage of recordings within trees.
bool may_be_secret(Kind kind) {
    return kind == Kind::kSecret || kind == Kind::kKeys || kind == Kind::kTurnServers ||
           kind == Kind::kStringMap || kind == Kind::kJsonByName || kind == Kind::kJsonList;
}

std::string shown_value(const Slot& slot, bool is_default) {
    if (may_be_secret(kind_of(slot))) return is_default ? std::string() : std::string(kSet);
    if (const auto* const text = std::get_if<std::string*>(&slot))
        return without_credentials(**text);
    return without_credentials(format_value(slot, Secrets::kRedacted));
}

std::string_view top_part(std::string_view path) {
    const std::size_t point = path.find('.');
    return point == path.npos ? std::string_view{} : path.substr(0, point);
}

std::string escape_cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') out += '\\';
        out += c;
    }
    return out;
}

std::string variables(const Option& option) {
    std::string text;
    const bool scalar = is_scalar(kind_of(option));
    if (scalar) text = "`" + env_name(option) + "`";
    if (!option.env.empty() && !(scalar && option.env == env_name(option)))
        text += (text.empty() ? "`" : ", `") + std::string(option.env) + "`";
    return text;
}

std::string meaning(const Option& option) {
    std::string text(option.help);
    if (!option.flag.empty() && option.flag != option.path)
        text += "; flag `--" + std::string(option.flag) + "`";
    if (option.min != option.max)
        text += "; from " + format_number(option.min) + " to " + format_number(option.max);
    if (!option.choices.empty()) text += "; one of " + std::string(option.choices);
    if (option.live) text += "; holds after a reload";
    return text;
}

std::string_view kind_text(Kind kind) {
    switch (kind) {
        case Kind::kNone:
            return "";
        case Kind::kBool:
            return "true or false";
        case Kind::kUint16:
            return "port";
        case Kind::kUint32:
        case Kind::kInt32:
            return "whole number";
        case Kind::kFloat:
            return "number";
        case Kind::kDuration:
            return "duration";
        case Kind::kString:
            return "text";
        case Kind::kSecret:
            return "secret";
        case Kind::kPortRange:
            return "port or range";
        case Kind::kStrings:
            return "list of texts";
        case Kind::kDurations:
            return "list of durations";
        case Kind::kStringMap:
            return "map of texts";
        case Kind::kKeys:
            return "map of secrets";
        case Kind::kTurnServers:
        case Kind::kCodecs:
            return "list, see below";
        case Kind::kStringLists:
        case Kind::kJsonByName:
            return "map";
        case Kind::kJsonList:
            return "list";
    }
    return "";
}

std::string row(const Option& option) {
    return "| `" + std::string(option.path) + "` | " + std::string(kind_text(kind_of(option))) +
           " | `" + escape_cell(default_text(option)) + "` | " + variables(option) + " | " +
           escape_cell(meaning(option)) + " |\n";
}

std::string used_rows() {
    std::string text;
    std::string_view section = "-";
    for (const Option& option : options()) {
        if (option.status != Status::kUsed) continue;
        if (top_part(option.path) != section) {
            section = top_part(option.path);
            text +=
                section.empty() ? "\n## Top level\n\n" : "\n## " + std::string(section) + "\n\n";
            text += "| Key | Type | Default | Environment | Meaning |\n|---|---|---|---|---|\n";
        }
        text += row(option);
    }
    return text;
}

template <typename T>
std::string field_rows(std::string_view path, std::span<const Field<T>> fields) {
    std::string text =
        "\n## Entries of " + std::string(path) + "\n\n| Key | Meaning |\n|---|---|\n";
    for (const Field<T>& field : fields)
        text += "| `" + std::string(field.name) + "` | " + std::string(field.help) + " |\n";
    return text;
}

std::string other_rows(Status status) {
    std::string text;
    for (const Option& option : options()) {
        if (option.status != status) continue;
        if (status != Status::kDeprecated)
            text += "| `" + std::string(option.path) + "` | " +
                    std::string(kind_text(kind_of(option))) + " | `" +
                    escape_cell(default_text(option)) + "` | " + escape_cell(meaning(option)) +
                    " |\n";
        else
            text += "| `" + std::string(option.path) + "` | " +
                    (option.instead.empty() ? "nothing, it has no effect"
                                            : "`" + std::string(option.instead) + "`") +
                    " |\n";
    }
    return text;
}

constexpr std::string_view kReferenceHead = R"(<!-- SPDX-FileCopyrightText: confab contributors -->
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Made by `confab config reference > docs/reference/config.md`; do not edit. -->

# Configuration

Values come from, in this order, the later one winning:

1. the defaults below,
2. the YAML file of `--config`, or the text of `--config-body` or `LIVEKIT_CONFIG`,
3. the environment variables below,
4. flags: every key with a single value is one, for example `--rtc.tcp_port 7881`.

A key that does not exist stops the start with its line, as does a value of the wrong type;
`--disable-strict-config` turns unknown keys into warnings. Durations need a unit: `500ms`, `2s`,
`1m30s`, `0s`. Numbers may be written as `1_000`, `1e3`, `0x3E8`, `0b101` or `0o17`; one that begins with
`0` is octal, `017` is 15. `confab config check` tests a file, `confab config show` prints the values in
force, `confab config sample` prints a file to start from.
)";

constexpr std::string_view kSampleHead =
    R"(# Configuration of confab. "#key: value" is a setting with its default: remove the # to change it.
# Made by `confab config sample`; every key is described in docs/reference/config.md.
#
# At least one API key is needed; make a pair with `confab generate-keys`:
# keys:
#   APIxxxxxxxxxxxx: the secret

)";

}  // namespace

std::string without_credentials(std::string text) {
    for (std::size_t at = text.find("://"); at != text.npos; at = text.find("://", at + 1)) {
        const std::size_t host = at + 3;
        const std::size_t end = std::min(text.find_first_of("/ ,\"'?]", host), text.size());
        const std::size_t mark = text.rfind('@', end);
        if (mark != text.npos && mark > host && mark < end) text.replace(host, mark - host, kSet);
        const std::size_t query = text.find('?', host);
        const std::size_t stop = std::min(text.find_first_of(" ,\"']", host), text.size());
        if (query != text.npos && query < stop) text.replace(query + 1, stop - query - 1, kSet);
    }
    return text;
}

std::string annotated_sample() {
    std::string text(kSampleHead);
    Nesting nesting;
    for (const Option& option : options()) {
        if (option.status != Status::kUsed) continue;
        text += nesting.enter(option.path);
        text += nesting.indent() + "# " + meaning(option) + "\n";
        text += nesting.indent() + "#" + std::string(last_part(option.path)) + ": " +
                default_text(option) + "\n";
    }
    return text;
}

std::string reference_markdown() {
    std::string text(kReferenceHead);
    text += used_rows();
    text += field_rows("rtc.turn_servers", turn_server_fields());
    text += field_rows("room.enabled_codecs", codec_fields());
    text +=
        "\n## Valid, not implemented\n\nFiles written for LiveKit may hold these keys. Their type "
        "is "
        "checked; a value other than the default\nis reported at start and has no "
        "effect.\n\n| Key | Type | Default | Meaning |\n|---|---|---|---|\n";
    text += other_rows(Status::kLater);
    text +=
        "\n## Valid, for another design\n\nThe same holds for these, which tune what confab does "
        "in "
        "another way.\n\n| Key | Type | Default | Here |\n|---|---|---|---|\n";
    text += other_rows(Status::kOther);
    text += "\n## Deprecated\n\n| Key | Use instead |\n|---|---|\n";
    text += other_rows(Status::kDeprecated);
    return text;
}

std::string effective(const Config& config) {
    Config copy = config;  // slots are writable
    std::string text;
    Nesting nesting;
    for (const Option& option : options()) {
        if (option.slot == nullptr || option.status == Status::kDeprecated) continue;
        text += nesting.enter(option.path);
        text += nesting.indent() + std::string(last_part(option.path)) + ": " +
                format_value(option.slot(copy), Secrets::kRedacted) + "\n";
    }
    return text;
}

std::vector<EffectiveValue> effective_values(const Config& config) {
    Config copy = config;  // slots are writable
    std::vector<EffectiveValue> values;
    for (const Option& option : options()) {
        if (option.slot == nullptr || option.status == Status::kDeprecated) continue;
        const Slot slot = option.slot(copy);
        const bool is_default = format_value(slot, Secrets::kShown) == default_value(option);
        values.push_back({option.path, shown_value(slot, is_default), is_default});
    }
    return values;
}

std::string flag_help() {
    std::string text;
    for (const Option& option : options()) {
        if (!is_scalar(kind_of(option))) continue;
        text += "  --" + std::string(option.path) + "  [" + env_name(option) + "]  " +
                std::string(option.help) + " (default " + default_text(option) + ")" +
                (option.status == Status::kLater ? "; no effect yet\n" : "\n");
    }
    return text;
}

}  // namespace confab::config
