// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Environment and flags over what the file said (01 CLI-01, CLI-02).
#include "config/load.h"
#include "config/options.h"
#include "config/yaml/value.h"

namespace confab::config {
namespace {

constexpr std::string_view kKeysPath = "keys";

class Overrides {
  public:
    explicit Overrides(Loaded& loaded) : loaded_(loaded) {}

    // `source` is how the user calls it: "LIVEKIT_PORT" or "--port".
    void set(const Option& option, const std::string& source, std::string_view text) {
        if (option.path == kKeysPath) return set_keys(source, text);
        Scratch scratch;
        const Slot value = scratch_slot(kind_of(option), scratch);
        if (const auto read = take(option, value, text); !read)
            return error(option, source + " needs " + read.error());
        if (const std::string why = ignored_because(option); !why.empty() && is_news(option, value))
            warn(option, source + " " + why + "; ignored");
        else if (option.status == Status::kDeprecated)
            warn(option, source + " is deprecated" +
                             (option.instead.empty() ? "; it has no effect"
                                                     : "; use " + std::string(option.instead)));
    }
    void set_keys(const std::string& source, std::string_view text) {
        auto keys = parse_keys(text);
        if (!keys) return error(*find_option(kKeysPath), keys.error() + " (" + source + ")");
        loaded_.config.keys = *std::move(keys);
    }
    void error(const Option& option, std::string message) {
        errors_.push_back({Severity::kError, 0, std::string(option.path), std::move(message)});
    }
    Result<void, Diagnostics> result() {
        if (errors_.empty()) return {};
        return tl::make_unexpected(std::move(errors_));
    }

  private:
    // Under an old name the bounds are those of the new one, and 0 and "" say nothing.
    Result<void, std::string> take(const Option& option, const Slot& tried, std::string_view text) {
        CONFAB_TRY_VOID(read_scalar(tried, text));
        const Option* target = find_option(option.instead);
        if (target != nullptr && says_nothing(tried)) return {};
        CONFAB_TRY_VOID(check_bounds(target != nullptr ? *target : option, tried));
        if (option.slot == nullptr) return {};
        return read_scalar(option.slot(loaded_.config), text);
    }
    static bool is_news(const Option& option, const Slot& value) {
        return format_value(value, Secrets::kShown) != default_value(option);
    }
    void warn(const Option& option, std::string message) {
        loaded_.warnings.push_back(
            {Severity::kWarning, 0, std::string(option.path), std::move(message)});
    }

    Loaded& loaded_;
    Diagnostics errors_;
};

void set_from(Overrides& overrides, const Option& option, const EnvLookup& env,
              const std::string& name) {
    if (name.empty()) return;
    const auto value = env(name);
    if (value && !value->empty()) overrides.set(option, name, *value);
}

// prometheus_port and prometheus.port share a variable; it belongs to the newer key.
bool shares_variable(const Option& option) {
    const Option* target = find_option(option.instead);
    return target != nullptr && env_name(*target) == env_name(option);
}

void apply_variables(Overrides& overrides, const EnvLookup& env, bool deprecated) {
    for (const Option& option : options()) {
        if ((option.status == Status::kDeprecated) != deprecated || shares_variable(option))
            continue;
        const bool own = is_scalar(kind_of(option));
        const std::string name = own ? env_name(option) : std::string();
        set_from(overrides, option, env, name);
        if (option.env != name) set_from(overrides, option, env, std::string(option.env));
    }
}

void apply_given(Overrides& overrides, Loaded& loaded, const std::vector<FlagValue>& flags,
                 bool deprecated) {
    for (const FlagValue& flag : flags) {
        const Option* option = find_option(flag.path);
        if (option == nullptr || flag.values.empty()) continue;
        if ((option->status == Status::kDeprecated) != deprecated) continue;
        if (option->path == "bind_addresses")
            loaded.config.bind_addresses = flag.values;
        else
            overrides.set(*option, "--" + flag.path, flag.values.back());
    }
}

}  // namespace

Result<void, Diagnostics> apply_environment(Loaded& loaded, const EnvLookup& env) {
    Overrides overrides(loaded);
    apply_variables(overrides, env, true);  // old names first: the new ones win
    apply_variables(overrides, env, false);
    return overrides.result();
}

Result<void, Diagnostics> apply_flags(Loaded& loaded, const std::vector<FlagValue>& flags) {
    Overrides overrides(loaded);
    apply_given(overrides, loaded, flags, true);  // as above
    apply_given(overrides, loaded, flags, false);
    return overrides.result();
}

}  // namespace confab::config
