// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// netsim: the flags of the impairment relay, and its report.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/commands/commands.h"
#include "app/netsim/netsim_report.h"
#include "netem/changes.h"
#include "netem/profiles.h"
#include "runtime/netem/relay_node.h"

namespace confab::app {
namespace {

constexpr std::size_t kMaxRoutes = 64;

struct NetsimFlags {
    std::vector<std::string> listen;
    std::vector<std::string> to;
    std::string up;
    std::string down;
    std::string profile;
    std::vector<std::string> at;
    std::string schedule;
    std::string duration;
    std::uint64_t seed = 1;
    bool commands = false;
    bool json = false;
};

std::string profile_help() {
    std::string text = "A network by its name; --up and --down lay over it:";
    for (const netem::ProfileRow& row : netem::profile_rows())
        text += "\n" + std::string(row.name) + ": " + std::string(row.what);
    return text;
}

void add_flags(CLI::App& command, NetsimFlags& f) {
    command.add_option("--listen", f.listen, "Where clients send, address:port; repeatable")
        ->allow_extra_args(false);
    command
        .add_option(
            "--to", f.to,
            "The server behind the --listen before it, address:port/udp or /tcp; repeatable")
        ->allow_extra_args(false);
    command.add_option("--up", f.up,
                       "The way to the server: rate=600kbit,queue=200ms,delay=20ms,"
                       "jitter=5ms,correlation=25%,loss=2%,burst=10%/4,reorder=5%,"
                       "gap=3,late=20ms,duplicate=1%,mtu=1280");
    command.add_option("--down", f.down, "The way to the clients, written as --up");
    command.add_option("--profile", f.profile, profile_help());
    command.add_option("--seed", f.seed, "Of all that is random")->capture_default_str();
    command
        .add_option("--at", f.at,
                    "A change at its time: 10s:down:rate=600kbit, 10s:outage=5s, 10s:rebind, "
                    "10s:udp=drop (pass), 10s:tcp=stall (refuse, cut, pass); repeatable")
        ->allow_extra_args(false);
    command.add_option("--schedule", f.schedule, "A file with such changes, one each line");
    command.add_option("--duration", f.duration, "How long, for example 60s; else until Ctrl-C");
    command.add_flag("--commands", f.commands,
                     "Take changes from the standard input, too, without a time; its end ends it");
    command.add_flag("--json", f.json, "Print the figures as one JSON object");
}

Result<netsim::Route, std::string> read_route(const std::string& listen, std::string_view to) {
    netsim::Route route;
    const std::size_t slash = to.find('/');
    const std::string_view protocol = slash == to.npos ? "udp" : to.substr(slash + 1);
    const auto server = SocketAddress::parse(to.substr(0, slash));
    if (!server || server->port == 0 || (protocol != "udp" && protocol != "tcp"))
        return fail("--to " + std::string(to) +
                    " is no address of a server; write for example 127.0.0.1:7882/udp");
    const auto local = SocketAddress::parse(listen);
    if (!local)
        return fail("--listen " + listen + " is no address; write for example 127.0.0.2:7882");
    if (local->ip.is_v6() != server->ip.is_v6())
        return fail("--listen " + listen + " and --to " + std::string(to) +
                    " are of two families; write both IPv4 or both IPv6");
    if (*local == *server)
        return fail("--listen " + listen + " is the server itself; choose another address or port");
    route.is_tcp = protocol == "tcp";
    route.listen = *local;
    route.server = *server;
    return route;
}

Result<std::vector<netsim::Route>, std::string> read_routes(const NetsimFlags& f) {
    if (f.listen.empty() || f.listen.size() != f.to.size() || f.listen.size() > kMaxRoutes)
        return fail(
            std::string("every --listen needs its --to, at least one and at most 64; for "
                        "example --listen 127.0.0.2:7882 --to 127.0.0.1:7882/udp"));
    std::vector<netsim::Route> routes;
    for (std::size_t i = 0; i < f.listen.size(); ++i) {
        CONFAB_TRY(const netsim::Route route, read_route(f.listen[i], f.to[i]));
        routes.push_back(route);
    }
    return routes;
}

Result<void, std::string> lay_over(netem::LinkSpec& spec, const char* flag,
                                   const std::string& text) {
    if (text.empty()) return {};
    auto read = netem::parse_link_spec(text, spec);
    if (!read) return fail(std::string(flag) + ": " + read.error());
    spec = *read;
    return {};
}

Result<void, std::string> read_schedule(const NetsimFlags& f, const Host& host,
                                        std::vector<netem::TimedChange>& out) {
    for (const std::string& text : f.at) {
        auto change = netem::parse_timed_change(text);
        if (!change) return fail("--at: " + change.error());
        out.push_back(*std::move(change));
    }
    if (!f.schedule.empty()) {
        const auto file = host.read_file(f.schedule);
        if (!file) return fail("open " + f.schedule + ": " + file.error());
        auto changes = netem::parse_schedule(file->text);
        if (!changes) return fail(f.schedule + ": " + changes.error());
        out.insert(out.end(), changes->begin(), changes->end());
    }
    netem::sort_by_time(out);
    return {};
}

Result<netsim::RelayOptions, std::string> read_options(const NetsimFlags& f, const Host& host) {
    netsim::RelayOptions options;
    CONFAB_TRY(options.routes, read_routes(f));
    if (!f.profile.empty()) {
        auto profile = netem::find_profile(f.profile);
        if (!profile) return fail("--profile: " + profile.error());
        options.conditions = profile->conditions;
        options.schedule = std::move(profile->schedule);
    }
    CONFAB_TRY_VOID(lay_over(options.conditions.up, "--up", f.up));
    CONFAB_TRY_VOID(lay_over(options.conditions.down, "--down", f.down));
    CONFAB_TRY_VOID(read_schedule(f, host, options.schedule));
    if (!f.duration.empty()) {
        const auto duration = netem::parse_time(f.duration);
        if (!duration || *duration == Duration::zero())
            return fail("--duration " + f.duration + " is no time; write for example 60s or 500ms");
        options.duration = *duration;
    }
    options.seed = f.seed;
    if (f.commands) options.commands_fd = 0;
    return options;
}

}  // namespace

Action add_netsim(CLI::App& command) {
    auto flags = std::make_shared<NetsimFlags>();
    add_flags(command, *flags);
    return [flags](const Host& host) -> Outcome {
        auto options = read_options(*flags, host);
        if (!options) return failure(options.error());
        const auto totals = host.netsim(*std::move(options));
        if (!totals) return failure(totals.error());
        return {
            .code = 0, .out = flags->json ? totals_json(*totals) : totals_text(*totals), .err = {}};
    };
}

}  // namespace confab::app
