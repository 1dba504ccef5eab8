// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/verbs/token_key.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <optional>

#include "app/commands/config_source.h"

namespace confab::app::cli {
namespace {

constexpr std::string_view kProjectFile = ".toml";

// A flag, else its variable.
std::string given(const Call& call, const char* flag, const std::string& variable) {
    std::string text = call.values().text(flag);
    for (const std::string_view prefix : {"CONFAB_", "LIVEKIT_"})
        if (text.empty()) text = call.host().env(std::string(prefix) + variable).value_or("");
    return text;
}

constexpr std::array kConfigurationFlags{"config", "config-body", "keys", "key-file"};

bool names_configuration(const Values& values) {
    return std::ranges::any_of(kConfigurationFlags,
                               [&](const char* flag) { return values.has(flag); });
}

// The configuration as `serve` would read it with these flags.
Result<config::Loaded, std::string> configuration(const Call& call) {
    std::vector<std::string> arguments;
    if (call.values().flag("dev")) arguments.emplace_back("--dev");
    for (const char* flag : kConfigurationFlags) {
        if (!call.values().has(flag)) continue;
        arguments.push_back("--" + std::string(flag));
        arguments.push_back(call.values().text(flag));
    }
    CLI::App app;
    ConfigSource source;
    source.add_flags(app);
    std::ranges::reverse(arguments);  // the library takes them from the back
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
        return fail(std::string(error.what()));
    }
    return source.load(call.host(), {.require_keys = false});
}

}  // namespace

Result<Credentials, std::string> signing_key(const Call& call) {
    const Values& values = call.values();
    const std::string key = given(call, "api-key", "API_KEY");
    const std::string secret = given(call, "api-secret", "API_SECRET");
    const bool named = values.has("project") || values.has("subdomain") ||
                       values.text("config").ends_with(kProjectFile);
    const bool known = !key.empty() && !secret.empty() && !values.flag("dev");
    if (named || known) return find_credentials(values, call.host());
    if (!names_configuration(values))
        if (auto found = find_credentials(values, call.host())) return found;
    CONFAB_TRY(const config::Loaded loaded, configuration(call));
    const std::string url = given(call, "url", "URL");
    for (const auto& [name, hidden] : loaded.config.keys)
        if (key.empty() || key == name)
            return Credentials{
                url.empty() ? kDefaultUrl : url, name, std::string(hidden.reveal()), {}, {}, {}};
    if (!key.empty())
        return fail("no secret for API key " + key +
                    "; give --api-secret, or --config with that key");
    return fail(std::string(
        "no API key; give --api-key and --api-secret, a --config with keys, --project or --dev"));
}

}  // namespace confab::app::cli
