// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/verbs/token_key.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>

#include "app/commands/config_source.h"

namespace confab::app::cli {
namespace {

std::string given(const Call& call, const char* flag, const char* variable) {
    const std::string text = call.values().text(flag);
    return text.empty() ? call.host().env(variable).value_or("") : text;
}

// The configuration as `serve` would read it with these flags.
Result<config::Loaded, std::string> configuration(const Call& call) {
    std::vector<std::string> arguments;
    if (call.values().flag("dev")) arguments.emplace_back("--dev");
    for (const char* flag : {"config", "config-body", "keys", "key-file"}) {
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
    const std::string key = given(call, "api-key", "LIVEKIT_API_KEY");
    const std::string secret = given(call, "api-secret", "LIVEKIT_API_SECRET");
    const std::string url = given(call, "url", "LIVEKIT_URL");
    const Values& values = call.values();
    if ((!key.empty() && !secret.empty() && !values.flag("dev")) || values.has("project") ||
        values.has("subdomain"))
        return find_credentials(values, call.host());
    CONFAB_TRY(const config::Loaded loaded, configuration(call));
    for (const auto& [name, hidden] : loaded.config.keys)
        if (key.empty() || key == name)
            return Credentials{
                url.empty() ? kDefaultUrl : url, name, std::string(hidden.reveal()), {}, {}, {}};
    if (!key.empty())
        return fail("no secret for API key " + key +
                    "; give --api-secret, or --config with that key");
    if (auto found = find_credentials(values, call.host())) return found;
    return fail(std::string(
        "no API key; give --api-key and --api-secret, a --config with keys, --project or --dev"));
}

}  // namespace confab::app::cli
