// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/doctor/examine.h"

#include <csignal>
#include <future>
#include <optional>

#include "app/doctor/examine_host.h"
#include "runtime/doctor/http_probe.h"
#include "runtime/doctor/server_probe.h"
#include "token/grants.h"
#include "token/token.h"

namespace confab::doctor {
namespace {

constexpr Duration kAll = Duration::seconds(14);
constexpr Duration kLocal = Duration::seconds(2);
constexpr int kOk = 200;

// Where a server with this configuration answers on its own machine.
std::string local_url(const config::Config& config) {
    // Its certificate is for that name alone.
    if (config.tls.is_on() && !config.tls.domain.empty())
        return "https://" + config.tls.domain + ":" + std::to_string(config.port);
    std::string host = "127.0.0.1";
    if (!config.bind_addresses.empty()) {
        const auto ip = IpAddress::parse(config.bind_addresses.front());
        if (ip && !ip->is_unspecified())
            host = ip->is_v6() ? "[" + ip->to_string() + "]" : ip->to_string();
    }
    return (config.tls.is_on() ? "https://" : "http://") + host + ":" + std::to_string(config.port);
}

// Of all that may listen at its port only our own server takes a token of this configuration.
bool runs_here(const config::Config& config, const std::string& url) {
    if (config.keys.empty()) return false;
    token::Grants grants;
    grants.identity = "confab-doctor";
    grants.video.emplace().room_join = true;
    grants.video->room = "confab-doctor";
    const auto& [key, secret] = *config.keys.begin();
    const std::string token = token::mint_token(grants, {key, std::string(secret.reveal())}, wall(),
                                                Duration::seconds(60));
    const HttpFacts facts = probe_http({url, token, {}}, Deadline(kLocal));
    return facts.token_status == kOk;
}

ServerFacts ask_server(const Request& request, const std::string& url, const Deadline& deadline) {
    ServerQuestion question{url, request.api_key, request.api_secret, request.progress};
    return probe_server(question, deadline);
}

}  // namespace

Diagnosis examine(const Request& request) {
    // A server that ends a TLS connection in the middle is a finding, not our end.
    (void)std::signal(SIGPIPE, SIG_IGN);
    Diagnosis out;
    if (request.has_config_facts) judge_config(request.config_facts, out);
    const Deadline deadline(kAll);
    std::string url = request.url;
    bool is_running = false;
    if (request.config) {
        const std::string here = local_url(*request.config);
        is_running = runs_here(*request.config, here);
        if (url.empty() && is_running) url = here;
    }
    std::future<ServerFacts> server;
    if (!url.empty())
        server = std::async(std::launch::async, [&] { return ask_server(request, url, deadline); });
    std::optional<HostFacts> host;
    if (request.config) {
        host = examine_host(*request.config, request.data_dir, is_running, deadline);
        judge_host(*host, out);
        if (url.empty()) out.skipped.push_back("the server itself: it does not run");
    }
    if (server.valid()) judge_server(server.get(), host ? &*host : nullptr, wall(), out);
    return out;
}

}  // namespace confab::doctor
