// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// doctor: what is wrong with this machine's server, or with one that clients reach by its URL.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "app/commands/commands.h"
#include "app/commands/config_source.h"
#include "app/doctor/report.h"
#include "app/serve/server_options.h"

namespace confab::app {
namespace {

// Of the package and of deploy/systemd.
constexpr const char* kInstalledFile = "/etc/confab/confab.yaml";

struct DoctorFlags {
    std::string url, key, secret;
    bool json = false;
    bool strict = false;
    ConfigSource source;
};

Outcome could_not_run(const std::string& why) {
    return {.code = static_cast<int>(doctor::Exit::kCouldNotRun),
            .out = {},
            .err = "error: " + why + "\n"};
}

std::string value_of(const std::string& flag, const char* variable, const Host& host) {
    return flag.empty() ? host.env(variable).value_or("") : flag;
}

// The configuration as far as it can be read, and what is wrong with it.
void read_config(const DoctorFlags& f, const Host& host, doctor::Request& request) {
    request.has_config_facts = true;
    doctor::ConfigFacts& facts = request.config_facts;
    facts.file = f.source.file_in_use(host);
    if (!facts.file.empty())
        if (const auto file = host.read_file(facts.file)) facts.file_mode = file->mode;
    auto loaded = f.source.examine(host, {.require_keys = false});
    if (!loaded) {
        facts.errors = loaded.error();
        return;
    }
    facts.warnings = std::move(loaded->warnings);
    facts.has_keys = !loaded->config.keys.empty();
    facts.lacks_turn_certificate = doctor::lacks_turn_certificate(loaded->config);
    request.config = std::make_shared<config::Config>(std::move(loaded->config));
    request.data_dir =
        data_dir(request.config->own.data_dir, host.env("STATE_DIRECTORY").value_or(""));
}

// From flags and variables; what is left out, from the configuration.
Result<void, std::string> find_key(const DoctorFlags& f, const Host& host,
                                   doctor::Request& request) {
    request.api_key = value_of(f.key, "LIVEKIT_API_KEY", host);
    request.api_secret = value_of(f.secret, "LIVEKIT_API_SECRET", host);
    if (request.config && request.api_secret.empty())
        for (const auto& [key, secret] : request.config->keys)
            if (request.api_key.empty() || request.api_key == key) {
                request.api_key = key;
                request.api_secret = std::string(secret.reveal());
            }
    if (request.api_key.empty() != request.api_secret.empty())
        return fail(std::string("--api-key and --api-secret go together; give both"));
    return {};
}

Outcome examine(DoctorFlags& f, const Host& host) {
    doctor::Request request;
    request.url = f.url;
    if (f.url.empty() && !f.source.is_given(host) && host.read_file(kInstalledFile))
        f.source.set_file(kInstalledFile);
    if (f.source.is_given(host)) read_config(f, host, request);
    if (request.url.empty() && !request.has_config_facts)
        return could_not_run(
            "nothing to look at; give the URL of a server, or --config with the file of one on "
            "this machine");
    if (const auto key = find_key(f, host, request); !key) return could_not_run(key.error());
    request.progress = [&host](const std::string& what) {
        host.progress("\r\033[K" + what + " …");
    };
    const doctor::Diagnosis diagnosis = host.examine(request);
    host.progress("\r\033[K");
    Outcome outcome;
    outcome.code = static_cast<int>(doctor::exit_of(diagnosis, f.strict));
    outcome.out = f.json ? doctor::report_json(diagnosis) + "\n" : doctor::report_text(diagnosis);
    return outcome;
}

}  // namespace

Action add_doctor(CLI::App& command) {
    auto flags = std::make_shared<DoctorFlags>();
    command.add_option("url", flags->url,
                       "Address of a server as clients use it: https://live.example.org; without "
                       "it, and without --config: " +
                           std::string(kInstalledFile));
    command.add_option("--api-key", flags->key,
                       "API key, to try a token, media and TURN as well [LIVEKIT_API_KEY]");
    command.add_option("--api-secret", flags->secret, "Its secret [LIVEKIT_API_SECRET]");
    command.add_flag("--json", flags->json, "Print what was found as one JSON object");
    command.add_flag("--strict", flags->strict, "Warnings count, too: exit code 1");
    flags->source.add_flags(command);
    return [flags](const Host& host) { return examine(*flags, host); };
}

}  // namespace confab::app
