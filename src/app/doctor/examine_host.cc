// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/doctor/examine_host.h"

#include <future>

#include "app/serve/cluster/redis_options.h"
#include "app/serve/network/external_ip.h"
#include "crypto/random.h"
#include "runtime/doctor/certificate_text.h"
#include "runtime/doctor/host_probe.h"
#include "runtime/doctor/port_probe.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/redis/redis_driver.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::doctor {
namespace {

constexpr Duration kName = Duration::seconds(3);
constexpr Duration kStun = Duration::seconds(3);
constexpr Duration kRedis = Duration::seconds(4);
constexpr Duration kWebhook = Duration::seconds(5);
constexpr std::size_t kMaxWebhooks = 8;

// ---------------------------------------------------------------- addresses

bool has_foreign_node_ip(const config::Config& config, const AddressFacts& facts) {
    for (const app::MediaAddress& one : facts.media)
        if (!is_private(one.advertised) && !is_of_host(one.advertised, facts)) return true;
    return !config.rtc.node_ip.empty() && facts.media.empty();
}

std::optional<IpAddress> ask_stun(const config::Config& config, std::string& error,
                                  const Deadline& deadline) {
    const auto servers = config.rtc.stun_servers;
    const auto answer = ask_apart([servers] { return app::find_external_ip(servers, kStun); },
                                  deadline.within(kStun + Duration::millis(500)));
    if (answer && *answer) return **answer;
    error = answer ? answer->error() : "no name server answers for the STUN servers";
    return std::nullopt;
}

AddressFacts examine_addresses(config::Config config, const Deadline& deadline) {
    AddressFacts facts;
    facts.interfaces = probe_interfaces();
    facts.node_ip = config.rtc.node_ip;
    facts.use_external_ip = config.rtc.use_external_ip;
    if (config.rtc.use_external_ip) {
        facts.external = ask_stun(config, facts.external_error, deadline);
        config.rtc.node_ip = facts.external ? facts.external->to_string() : std::string();
    }
    auto media = app::media_addresses(config, worker::local_addresses());
    if (media)
        facts.media = *std::move(media);
    else
        facts.media_error = media.error();
    std::string unused;
    if (!facts.use_external_ip && has_foreign_node_ip(config, facts))
        facts.external = ask_stun(config, unused, deadline);
    return facts;
}

// ---------------------------------------------------------------- Redis

// Runs a client until it is up, or has said twice why it is not.
RedisFacts ask_redis(const config::Redis& config, const Deadline& deadline) {
    RedisFacts facts{.tried = true, .uses_tls = config.tls.enabled};
    facts.place = app::redis_place(config);
    auto options = app::redis_driver_options(config);
    if (!options) {
        facts.tcp = Reach::kAnswered;  // a file of TLS is at fault, nobody was asked
        facts.error = options.error();
        return facts;
    }
    net::EventLoop loop;
    int failures = 0;
    redis::Events events;
    events.on_message = [](Timestamp, std::string_view, const std::string&) {};
    events.on_subscribed = [](Timestamp, const std::string&) {};
    events.on_refused = [](Timestamp, const std::string&, const std::string&) {};
    events.on_up = [&](Timestamp, redis::Line line) {
        facts.is_up = facts.is_up || line == redis::Line::kCommands;
        if (facts.is_up) loop.stop();
    };
    events.on_down = [&](Timestamp, redis::Line, const redis::Fault& fault) {
        facts.error = fault.text;
        facts.refused_login = fault.code == redis::Fault::Code::kRefused;
        if (facts.refused_login || ++failures >= 2) loop.stop();
    };
    auto machine = app::redis_machine(config, std::move(events), net::EventLoop::now(),
                                      crypto::seeded_rng().u64());
    auto driver = net::RedisDriver::make(loop, std::move(machine), *std::move(options));
    if (!driver) {
        facts.tcp = Reach::kAnswered;
        facts.error = driver.error();
        return facts;
    }
    net::EventLoop::Timer end(loop);
    end.set(deadline.at(), [&] { loop.stop(); });
    loop.run();
    return facts;
}

RedisFacts examine_redis(const config::Redis& config, const Deadline& deadline) {
    if (!config.is_configured()) return {};
    const Deadline end = deadline.within(kRedis);
    Reach tcp = Reach::kNotTried;
    std::string host;
    std::uint16_t port = 0;
    if (config.tls.enabled && split_host_port(config.address, host, port)) {
        const NameFacts name = resolve(host, end);
        if (!name.addresses.empty()) tcp = connect_tcp({name.addresses.front(), port}, end).reach;
    }
    // By value: a name server that is silent keeps the driver busy for longer than we wait.
    auto facts = ask_apart([config, end] { return ask_redis(config, end); },
                           end.within(kRedis + Duration::millis(200)));
    if (!facts)
        return {.tried = true, .place = app::redis_place(config), .error = "no answer in time"};
    if (tcp != Reach::kNotTried) facts->tcp = tcp;
    return *std::move(facts);
}

// ---------------------------------------------------------------- ports and files

void examine_ports(const config::Config& config, const AddressFacts& addresses, HostFacts& facts) {
    std::vector<IpAddress> web;
    for (const std::string& text : config.bind_addresses)
        if (const auto ip = IpAddress::parse(text)) web.push_back(*ip);
    std::vector<IpAddress> media;
    media.reserve(addresses.media.size());
    for (const app::MediaAddress& one : addresses.media)
        media.push_back(one.local);
    facts.ports = ports_of(config);
    for (PortFacts& ports : facts.ports) {
        const bool is_media = ports.option.starts_with("rtc.");
        probe_ports(ports, ports.option == "port" ? web
                           : is_media             ? media
                                                  : std::vector<IpAddress>{});
    }
}

void examine_certificates(const config::Config& config, HostFacts& facts) {
    if (!config.tls.cert_file.empty())
        facts.certificates.push_back(probe_pem("tls.cert_file", config.tls.cert_file,
                                               config.tls.key_file, config.tls.domain));
    const config::Turn& turn = config.turn;
    if (turn.enabled && turn.tls_port != 0 && !turn.external_tls && !turn.cert_file.empty())
        facts.certificates.push_back(
            probe_pem("turn.cert_file", turn.cert_file, turn.key_file, turn.domain));
}

}  // namespace

std::vector<PortFacts> ports_of(const config::Config& config) {
    std::vector<PortFacts> all;
    const auto add = [&](const char* option, std::uint16_t first, std::uint16_t last, bool is_udp) {
        // A port may carry several things; it is one port all the same.
        for (const PortFacts& other : all)
            if (other.is_udp == is_udp && other.first <= first && last <= other.last) return;
        if (first != 0) all.push_back({option, first, last, is_udp, {}, 0, false, {}});
    };
    const config::Rtc& rtc = config.rtc;
    add("port", config.port, config.port, false);
    add("rtc.tcp_port", rtc.tcp_port, rtc.tcp_port, false);
    if (rtc.udp_port.is_set())
        add("rtc.udp_port", rtc.udp_port.start, rtc.udp_port.end, true);
    else
        add("rtc.port_range_start", rtc.port_range_start, rtc.port_range_end, true);
    if (config.turn.enabled) {
        add("turn.udp_port", config.turn.udp_port, config.turn.udp_port, true);
        add("turn.tls_port", config.turn.tls_port, config.turn.tls_port, false);
    }
    add("prometheus.port", config.prometheus.port, config.prometheus.port, false);
    add("debug_handler.port", config.debug_handler.port, config.debug_handler.port, false);
    return all;
}

HostFacts examine_host(const config::Config& config, const std::string& data_dir, bool is_running,
                       const Deadline& deadline) {
    HostFacts facts;
    facts.now = wall();
    // Who waits for others goes first, each on a thread of its own.
    auto addresses =
        std::async(std::launch::async, [&] { return examine_addresses(config, deadline); });
    auto redis =
        std::async(std::launch::async, [&] { return examine_redis(config.redis, deadline); });
    std::vector<std::future<WebhookFacts>> hooks;
    for (const std::string& url : config.webhook.urls)
        if (hooks.size() < kMaxWebhooks)
            hooks.push_back(std::async(std::launch::async, [url, end = deadline.within(kWebhook)] {
                return probe_webhook(url, end);
            }));
    if (config.turn.enabled && config.turn.tls_port != 0) {
        facts.turn_domain = config.turn.domain;
        facts.turn_name = resolve(facts.turn_domain, deadline.within(kName));
    }
    facts.receive_buffer = socket_buffer_limit(true);
    facts.send_buffer = socket_buffer_limit(false);
    facts.open_files = open_files_limit();
    if (!data_dir.empty()) facts.disk = probe_disk(data_dir);
    examine_certificates(config, facts);
    facts.addresses = addresses.get();
    if (!is_running) examine_ports(config, facts.addresses, facts);
    facts.redis = redis.get();
    for (auto& hook : hooks)
        facts.webhooks.push_back(hook.get());
    return facts;
}

}  // namespace confab::doctor
