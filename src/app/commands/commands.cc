// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// serve, ports, version, help-verbose and the config commands.
#include "app/commands/commands.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "app/cli/cli_reference.h"
#include "app/commands/config_source.h"
#include "app/commands/references.h"
#include "app/version.h"
#include "config/print.h"
#include "runtime/telemetry/metrics.h"

namespace confab::app {
namespace {

// Shared by the command's flags, which live in the parser, and its action.
std::shared_ptr<ConfigSource> add_source(CLI::App& command) {
    auto source = std::make_shared<ConfigSource>();
    source->add_flags(command);
    return source;
}

Outcome serve(const ConfigSource& source, const Host& host) {
    auto loaded = source.load(host, {});
    if (!loaded) return failure(loaded.error());
    ServeContext context;
    context.dev = loaded->config.development;
    context.web_dir = loaded->config.own.web_dir;
    for (const config::Diagnostic& warning : loaded->warnings)
        context.warnings.push_back(config::to_text(warning, source.file_in_use(host)));
    // Both outlive the server, which runs inside host.serve().
    context.reader.load = [&] { return source.load(host, {}); };
    context.reader.files = [&](const config::Config& config) { return source.files(host, config); };
    return {.code = host.serve(loaded->config, context), .out = {}, .err = {}};
}

std::string port_line(std::uint16_t port, std::string_view what) {
    return port == 0 ? "" : std::to_string(port) + " - " + std::string(what) + "\n";
}

std::string range_text(std::uint16_t start, std::uint16_t end) {
    std::string text = std::to_string(start);
    if (end != start) text += "-" + std::to_string(end);
    return text;
}

}  // namespace

std::string ports_text(const config::Config& config) {
    const config::Rtc& rtc = config.rtc;
    const config::Turn& turn = config.turn;
    std::string text =
        "TCP Ports\n" + port_line(config.port, "HTTP service") + port_line(rtc.tcp_port, "ICE/TCP");
    if (turn.enabled) text += port_line(turn.tls_port, "TURN/TLS");
    text += port_line(config.tls.redirect_port, "HTTP to HTTPS");
    text += port_line(config.prometheus.port, "Prometheus");
    text += port_line(config.debug_handler.port, "Debug pages");
    text += "UDP Ports\n";
    if (rtc.udp_port.is_set())
        text += range_text(rtc.udp_port.start, rtc.udp_port.end) + " - ICE/UDP\n";
    else
        text += range_text(rtc.port_range_start, rtc.port_range_end) + " - ICE/UDP range\n";
    if (turn.enabled) text += port_line(turn.udp_port, "TURN/UDP");
    return text;
}

std::string version_text() {
    return "confab " + std::string(kConfabVersion) + "\nLiveKit-compatible " +
           std::string(kLiveKitVersion);
}

Action add_serve(CLI::App& command) {
    return [source = add_source(command)](const Host& host) { return serve(*source, host); };
}

Action add_ports(CLI::App& command) {
    return [source = add_source(command)](const Host& host) -> Outcome {
        const auto loaded = source->load(host, {.require_keys = false});
        if (!loaded) return failure(loaded.error());
        return {.code = 0,
                .out = ports_text(loaded->config),
                .err = warning_lines(loaded->warnings, source->file_in_use(host))};
    };
}

Action add_version(CLI::App&) {
    return
        [](const Host&) -> Outcome { return {.code = 0, .out = version_text() + "\n", .err = {}}; };
}

Action add_help_verbose(CLI::App&) {
    return [](const Host& host) -> Outcome {
        Outcome help = run_command({"serve", "--help"}, host);
        help.out += "\nFlags made from the keys of the configuration:\n" + config::flag_help();
        return help;
    };
}

Action add_config_check(CLI::App& command) {
    auto source = add_source(command);
    auto* file = command.add_option("file", "The configuration, as with --config");
    return [source, file](const Host& host) -> Outcome {
        if (file->count() > 0) source->set_file(file->results().back());
        const auto loaded = source->load(host, {});
        if (!loaded) return failure(loaded.error());
        return {.code = 0,
                .out = "the configuration is valid\n",
                .err = warning_lines(loaded->warnings, source->file_in_use(host))};
    };
}

Action add_config_show(CLI::App& command) {
    auto source = add_source(command);
    auto* file = command.add_option("file", "The configuration, as with --config");
    return [source, file](const Host& host) -> Outcome {
        if (file->count() > 0) source->set_file(file->results().back());
        const auto loaded = source->load(host, {.require_keys = false});
        if (!loaded) return failure(loaded.error());
        return {.code = 0,
                .out = config::effective(loaded->config),
                .err = warning_lines(loaded->warnings, source->file_in_use(host))};
    };
}

Action add_config_sample(CLI::App&) {
    return [](const Host&) -> Outcome {
        return {.code = 0, .out = config::annotated_sample(), .err = {}};
    };
}

Action add_config_reference(CLI::App&) {
    return [](const Host&) -> Outcome {
        return {.code = 0, .out = config::reference_markdown(), .err = {}};
    };
}

Action add_metrics_reference(CLI::App&) {
    return [](const Host&) -> Outcome {
        return {.code = 0, .out = telemetry::metrics_reference(), .err = {}};
    };
}

Action add_errors_reference(CLI::App&) {
    return [](const Host&) -> Outcome { return {.code = 0, .out = errors_reference(), .err = {}}; };
}

Action add_ids_reference(CLI::App&) {
    return [](const Host&) -> Outcome { return {.code = 0, .out = ids_reference(), .err = {}}; };
}

Action add_cli_reference(CLI::App&) {
    return
        [](const Host&) -> Outcome { return {.code = 0, .out = cli::cli_reference(), .err = {}}; };
}

}  // namespace confab::app
