// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/call/credentials.h"

#include <optional>
#include <vector>

#include "app/cli/call/projects.h"
#include "base/text.h"

namespace confab::app::cli {
namespace {

constexpr const char* kDevKey = "devkey";
constexpr const char* kDevSecret = "secret";

// A flag, else the variable of our own prefix, else upstream's.
struct Piece {
    std::string value;
    bool from_environment = false;
};

Piece piece(const Values& values, const Host& host, std::string_view flag, std::string_view name) {
    if (const std::string given = values.text(flag); !given.empty()) return {given, false};
    for (const std::string_view prefix : {"CONFAB_", "LIVEKIT_"}) {
        const auto value = host.env(std::string(prefix) + std::string(name));
        if (value && !value->empty()) return {*value, true};
    }
    return {};
}

Credentials of(const Project& project, std::string_view how) {
    return {.url = project.url,
            .api_key = project.api_key,
            .api_secret = project.api_secret,
            .project = project.name,
            .notice = "Using " + std::string(how) + "project [" + project.name + "]\n",
            .warning = {}};
}

// `[project]`, `subdomain = "…"` of a livekit.toml; empty: there is none.
std::string subdomain_in(std::string_view toml) {
    bool in_project = false;
    while (!toml.empty()) {
        const std::string_view line = trim(next_token(toml, '\n'));
        if (line.starts_with('[')) in_project = line == "[project]";
        const std::size_t equals = line.find('=');
        if (!in_project || equals == line.npos || trim(line.substr(0, equals)) != "subdomain")
            continue;
        std::string_view value = trim(line.substr(equals + 1));
        if (value.size() >= 2 && (value.front() == '"' || value.front() == '\''))
            value = value.substr(1, value.find(value.front(), 1) - 1);
        return std::string(value);
    }
    return {};
}

std::string environment_notice(const Piece& url, const Piece& key, const Piece& secret) {
    std::string names;
    const auto add = [&names](const Piece& one, const char* name) {
        if (one.from_environment) names += (names.empty() ? "" : ", ") + std::string(name);
    };
    add(url, "url");
    add(key, "api-key");
    add(secret, "api-secret");
    return names.empty() ? "" : "Using " + names + " from environment\n";
}

// Nothing: there is no project to take.
Result<std::optional<Credentials>, std::string> of_projects(const Values& values,
                                                            const Host& host) {
    CONFAB_TRY(const Projects projects, load_projects(host));
    const auto with_warning = [&](const Project& project, std::string_view how) {
        Credentials found = of(project, how);
        // Its key at another of its addresses.
        if (const std::string url = values.text("url"); !url.empty()) found.url = url;
        if (!projects.warning.empty()) found.warning = "warning: " + projects.warning + "\n";
        return found;
    };
    if (const std::string name = values.text("project"); !name.empty()) {
        const Project* const project = projects.find(name);
        if (project == nullptr) return fail(projects.not_found(name));
        return with_warning(*project, "");
    }
    std::string subdomain = values.text("subdomain");
    if (subdomain.empty()) {
        const std::string given = values.text("config");
        const auto toml = host.read_file(given.empty() ? "livekit.toml" : given);
        if (toml) subdomain = subdomain_in(toml->text);
        if (!toml && !given.empty()) return fail("--config " + given + ": " + toml.error());
    }
    if (!subdomain.empty()) {
        const Project* const project = projects.find_subdomain(subdomain);
        if (project == nullptr) return fail(projects.not_found("with subdomain " + subdomain));
        return with_warning(*project, "");
    }
    const Project* const project = projects.find(projects.default_name);
    if (project != nullptr) return with_warning(*project, "default ");
    return std::nullopt;
}

bool names_project(const Values& values) {
    return !values.text("project").empty() || !values.text("subdomain").empty();
}

Result<Credentials, std::string> some_project(const Values& values, const Host& host) {
    CONFAB_TRY(auto found, of_projects(values, host));
    if (found) return *std::move(found);
    return fail(std::string(
        "no server and key; give --url with --api-key and --api-secret (or LIVEKIT_URL, "
        "LIVEKIT_API_KEY, LIVEKIT_API_SECRET), --dev for a server with --dev, or --project"));
}

}  // namespace

std::string http_url(std::string url) {
    if (url.starts_with("ws://") || url.starts_with("wss://")) url.replace(0, 2, "http");
    if (url.find("://") == url.npos) url.insert(0, "http://");
    while (url.ends_with('/'))
        url.pop_back();
    return url;
}

Result<Credentials, std::string> find_credentials(const Values& values, const Host& host) {
    const bool named = names_project(values);
    const bool dev = values.flag("dev");
    if (named && dev) return fail(std::string("--dev and a project are two servers; take one"));
    if (named) return some_project(values, host);
    const Piece url = piece(values, host, "url", "URL");
    const Piece key = piece(values, host, "api-key", "API_KEY");
    const Piece secret = piece(values, host, "api-secret", "API_SECRET");
    const std::string address = url.value.empty() ? kDefaultUrl : url.value;
    if (dev) {
        // Ours goes by the flag when the environment has another key; upstream refuses that.
        if (!values.text("api-key").empty() || !values.text("api-secret").empty())
            return fail(std::string("--dev has a key of its own; leave out --api-key"));
        return Credentials{address, kDevKey, kDevSecret, {}, "Using dev credentials\n", {}};
    }
    if (!key.value.empty() && !secret.value.empty())
        return Credentials{
            address, key.value, secret.value, {}, environment_notice(url, key, secret), {}};
    if (!key.value.empty())
        return fail(std::string("api-secret is required; give --api-secret or LIVEKIT_API_SECRET"));
    if (!secret.value.empty())
        return fail(std::string("api-key is required; give --api-key or LIVEKIT_API_KEY"));
    return some_project(values, host);
}

Result<Credentials, std::string> find_address(const Values& values, const Host& host) {
    if (!names_project(values)) {
        const Piece url = piece(values, host, "url", "URL");
        if (!url.value.empty())
            return Credentials{url.value, {}, {}, {}, environment_notice(url, {}, {}), {}};
        if (values.flag("dev")) return Credentials{kDefaultUrl, {}, {}, {}, {}, {}};
    }
    CONFAB_TRY(auto found, of_projects(values, host));
    return found ? *std::move(found) : Credentials{kDefaultUrl, {}, {}, {}, {}, {}};
}

}  // namespace confab::app::cli
