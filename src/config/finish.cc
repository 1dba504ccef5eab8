// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What depends on several keys at once: development mode, choice of ports, start-up errors
// (01 CFG-02 … CFG-04, CFG-07).
#include <algorithm>
#include <map>
#include <utility>

#include "base/cidr.h"
#include "base/net_address.h"
#include "base/text.h"
#include "config/load.h"

namespace confab::config {
namespace {

constexpr std::string_view kPlaceholderKey = "devkey";
constexpr std::string_view kPlaceholderSecret = "secret";
constexpr std::uint32_t kDefaultTurnTtl = 14400;  // s, 01 section 7.1
constexpr std::uint32_t kMaxTurnTtl = 86400;
constexpr Duration kFastestHeartbeat = Duration::millis(500);
constexpr Duration kSlowestHeartbeat = Duration::seconds(4);
constexpr std::size_t kMaxDomain = 253;  // RFC 1035 §2.3.4
constexpr std::size_t kMaxTlsDomains = 100;
constexpr Duration kShortestRetention = Duration::seconds(60);

// A name, an IPv4 address or an IPv6 address in brackets (RFC 7064 §3.1).
bool is_host(std::string_view text) {
    if (text.empty() || text.find_first_of(" \t/?#@") != text.npos) return false;
    if (!text.starts_with('[')) return text.find(':') == text.npos;
    const auto ip = IpAddress::parse(text.substr(1, text.size() - 2));
    return text.ends_with(']') && ip && ip->is_v6();
}

bool is_host_and_perhaps_port(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos || text.ends_with(']')) return is_host(text);
    const auto port = parse_decimal<std::uint16_t>(text.substr(colon + 1));
    return port && *port != 0 && is_host(text.substr(0, colon));
}

// A name of DNS as a certificate has it (RFC 1123 §2.1): no address, port or wildcard.
bool is_domain(std::string_view name) {
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    };
    return !name.empty() && name.size() <= kMaxDomain && name.front() != '.' &&
           name.back() != '.' && name.find("..") == name.npos &&
           std::all_of(name.begin(), name.end(), is_plain) && !IpAddress::parse(name);
}

// It stands in logs, headers and the keys of rooms.
bool is_tenant_name(std::string_view name) {
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    };
    return !name.empty() && name.size() <= kMaxTenantName &&
           std::all_of(name.begin(), name.end(), is_plain);
}

class Finisher {
  public:
    Finisher(Loaded& loaded, FinishOptions options)
        : loaded_(loaded), config_(loaded.config), options_(options) {}

    Diagnostics run() {
        keys();
        binds();
        tls();
        ports();
        addresses();
        turn();
        stun_servers();
        turn_servers();
        services();
        tenants();
        webhook_key();
        return std::move(errors_);
    }

  private:
    void error(std::string path, std::string message) {
        errors_.push_back({Severity::kError, 0, std::move(path), std::move(message)});
    }
    void warn(std::string path, std::string message) {
        loaded_.warnings.push_back({Severity::kWarning, 0, std::move(path), std::move(message)});
    }

    // CFG-02, CFG-03.
    void keys() {
        if (config_.keys.empty() && config_.development) {
            config_.keys.emplace(kPlaceholderKey, SecretText(kPlaceholderSecret));
            placeholder_ = true;
            config_.placeholder_keys = true;
        } else if (config_.keys.empty() && options_.require_keys) {
            error("keys",
                  "one of key-file or keys must be provided; make a pair with `confab "
                  "generate-keys`, or try --dev");
        }
        if (placeholder_) return;
        for (const auto& [key, secret] : config_.keys)
            if (secret.size() < kShortSecret)
                warn("keys", "the secret of API key " + key +
                                 " is shorter than 32 characters; make a safe one with `confab "
                                 "generate-keys`");
    }

    // Placeholder keys are known to everybody: they stay on this machine unless asked otherwise.
    void binds() {
        std::vector<std::string> binds;
        for (const std::string& bind : config_.bind_addresses) {
            if (bind == "localhost")
                binds.insert(binds.end(), {"127.0.0.1", "::1"});
            else if (bind.empty())
                continue;  // all addresses
            else if (IpAddress::parse(bind))
                binds.push_back(bind);
            else
                error("bind_addresses", "invalid ip " + bind +
                                            " in bind_addresses; write an IP address of this "
                                            "machine, or none for all");
        }
        if (placeholder_ && config_.bind_addresses.empty()) binds = {"127.0.0.1", "::1"};
        config_.bind_addresses = std::move(binds);
        if (!placeholder_) return;
        for (const std::string& bind : config_.bind_addresses) {
            const auto ip = IpAddress::parse(bind);
            // differs from upstream: an unspecified address adds no block, as none could match it.
            if (ip && !ip->is_loopback() && !ip->is_unspecified())
                config_.rtc.ips.includes.push_back(bind + "/24");
        }
    }

    void tls() {
        Tls& tls = config_.tls;
        tls_domains();
        if (tls.cert_file.empty() != tls.key_file.empty())
            error("tls", "tls.cert_file and tls.key_file go together; set both");
        if (!tls.is_on()) {
            if (tls.redirect_port != 0)
                error("tls.redirect_port",
                      "tls.redirect_port leads to HTTPS, which is off; set tls.domain, or "
                      "tls.cert_file and tls.key_file");
            return;
        }
        if (tls.redirect_port != 0 && tls.redirect_port == config_.port)
            error("tls.redirect_port",
                  "tls.redirect_port and port are both " + std::to_string(config_.port) +
                      "; what comes to port without TLS is sent on to HTTPS anyway, leave it out");
        if (tls.one_port && config_.port != 0) one_port();
    }
    void tls_domains() {
        Tls& tls = config_.tls;
        std::vector<std::string> given = std::exchange(tls.domains, {});
        if (!tls.domain.empty()) given.insert(given.begin(), tls.domain);
        for (const std::string& one : given) {
            std::string name = to_lower(one);
            if (!is_domain(name))
                error("tls.domain", "\"" + one +
                                        "\" in tls.domain or tls.domains is no name of a host; "
                                        "write for example meet.example.org");
            else if (std::find(tls.domains.begin(), tls.domains.end(), name) == tls.domains.end())
                tls.domains.push_back(std::move(name));
        }
        if (tls.domains.size() > kMaxTlsDomains)
            error("tls.domains", "tls.domains has more than " + std::to_string(kMaxTlsDomains) +
                                     " names; one certificate names no more");
        tls.domain = tls.domains.empty() ? std::string() : tls.domains.front();
    }
    // What was left open goes to the HTTP port, too.
    void one_port() {
        Rtc& rtc = config_.rtc;
        Turn& turn = config_.turn;
        if (!rtc.udp_port.is_set() && rtc.port_range_start == 0 && rtc.port_range_end == 0)
            rtc.udp_port = {config_.port, config_.port};
        if (rtc.tcp_port == kIceTcpPort) rtc.tcp_port = config_.port;
        if (turn.tls_port != 0 || turn.udp_port != 0 || config_.tls.domain.empty()) return;
        turn.enabled = true;
        turn.tls_port = config_.port;
        if (rtc.udp_port.start == config_.port) turn.udp_port = config_.port;
        if (turn.domain.empty()) turn.domain = config_.tls.domain;
    }

    // CFG-04.
    void ports() {
        Rtc& rtc = config_.rtc;
        if (rtc.port_range_start == 0 && rtc.port_range_end != 0)
            error("rtc.port_range_start", "rtc.port_range_end needs rtc.port_range_start");
        else if (rtc.port_range_start == 0 && !rtc.udp_port.is_set())
            choose_ports();
        if (rtc.port_range_start > rtc.port_range_end)
            error("rtc.port_range_end",
                  "rtc.port_range_end must not be below rtc.port_range_start");
        // A port range switches the mux off (02 section 1.1).
        if (rtc.port_range_start != 0) rtc.udp_port = {};
        if (rtc.force_tcp && rtc.tcp_port == 0)
            error("rtc.force_tcp", "rtc.force_tcp needs rtc.tcp_port");
        if (config_.port != 0 && rtc.tcp_port == config_.port && !config_.tls.is_on())
            error("rtc.tcp_port", "port and rtc.tcp_port are both " + std::to_string(config_.port) +
                                      "; give them different numbers, or set tls.domain");
    }
    void choose_ports() {
        if (config_.development) {
            config_.rtc.udp_port = {7882, 7882};
            return;
        }
        config_.rtc.port_range_start = 50000;
        config_.rtc.port_range_end = 60000;
    }

    void addresses() {
        if (config_.logging.level.empty())
            config_.logging.level = config_.development ? "debug" : "info";
        if (!config_.rtc.node_ip.empty()) node_ip();
        check_cidrs("rtc.ips.includes", config_.rtc.ips.includes);
        check_cidrs("rtc.ips.excludes", config_.rtc.ips.excludes);
        // As in releases after 1.13.5: a block that is misspelt must not be left out silently.
        check_cidrs("turn.allow_restricted_peer_cidrs", config_.turn.allow_restricted_peer_cidrs);
        check_cidrs("turn.deny_peer_cidrs", config_.turn.deny_peer_cidrs);
        check_cidrs("confab.trusted_proxies", config_.own.trusted_proxies);
        check_cidrs("confab.limits.trusted", config_.own.limits.trusted);
    }
    void node_ip() {
        std::size_t v4 = 0;
        std::size_t v6 = 0;
        for (const std::string_view part : split(config_.rtc.node_ip, ',')) {
            const auto ip = IpAddress::parse(trim(part));
            if (!ip)
                error("rtc.node_ip", "invalid ip " + std::string(trim(part)) +
                                         " in rtc.node_ip; write one address or \"v4,v6\"");
            else
                ++(ip->is_v4() ? v4 : v6);
        }
        // Candidates have room for one of each: the others would be lost.
        if (v4 > 1 || v6 > 1)
            error("rtc.node_ip",
                  "rtc.node_ip has two addresses of one family; write one address or \"v4,v6\"");
    }
    void check_cidrs(const std::string& path, const std::vector<std::string>& blocks) {
        for (const std::string& block : blocks)
            if (!Cidr::parse(block))
                error(path, std::string("invalid CIDR ")
                                .append(block)
                                .append(" in ")
                                .append(path)
                                .append("; write for example 10.0.0.0/8"));
    }

    // CFG-07.
    void turn() {
        Turn& turn = config_.turn;
        if (turn.relay_range_start == 0) turn.relay_range_start = 30000;
        if (turn.relay_range_end == 0) turn.relay_range_end = config_.development ? 30002 : 40000;
        if (!turn.enabled) return;
        if (turn.tls_port == 0 && turn.udp_port == 0)
            error("turn", "invalid TURN ports; set turn.udp_port or turn.tls_port");
        if (turn.tls_port != 0 && turn.domain.empty())
            error("turn.domain", "TURN domain required; set turn.domain");
        if (turn.relay_range_start > turn.relay_range_end)
            error("turn.relay_range_end",
                  "turn.relay_range_end must not be below turn.relay_range_start");
    }

    // RTCPeerConnection throws at an address that is none: no call would work.
    void stun_servers() {
        for (const std::string& server : config_.rtc.stun_servers)
            if (!is_host_and_perhaps_port(server))
                error("rtc.stun_servers",
                      "an entry of rtc.stun_servers is no host; write HOST:PORT without stun:");
    }
    void turn_servers() {
        for (TurnServer& server : config_.rtc.turn_servers) {
            if (server.ttl == 0) server.ttl = kDefaultTurnTtl;
            if (server.host.empty() || server.port == 0)
                error("rtc.turn_servers", "an entry of rtc.turn_servers needs host and port");
            else if (!is_host(server.host))
                error("rtc.turn_servers",
                      "host in rtc.turn_servers is none; write its name or address without turn:");
            if (server.protocol != "tls" && server.protocol != "tcp" && server.protocol != "udp")
                error("rtc.turn_servers",
                      "an entry of rtc.turn_servers needs protocol tls, tcp or udp");
            if (server.secret.empty() && server.secret_file.empty() &&
                (server.username.empty() || server.credential.empty()))
                error("rtc.turn_servers",
                      "an entry of rtc.turn_servers needs secret, or username and credential");
            if (server.ttl > kMaxTurnTtl)
                error("rtc.turn_servers", "ttl in rtc.turn_servers must not be above 86400");
        }
    }

    void services() {
        redis();
        const Webhook& hook = config_.webhook;
        if (!hook.urls.empty() && !config_.keys.empty() && !config_.keys.contains(hook.api_key))
            error("webhook.api_key",
                  "api_key is required to use webhooks; set webhook.api_key to one of the keys");
        webhook_urls();
        webhook_retention();
        if (config_.prometheus.username.empty() != config_.prometheus.password.empty())
            error("prometheus",
                  "prometheus.username and prometheus.password go together; set both");
        warn_level("logging.level", config_.logging.level);
        warn_level("logging.pion_level", config_.logging.pion_level);
        const PlayoutDelay& delay = config_.room.playout_delay;
        if (delay.enabled && delay.max != 0 && delay.min > delay.max)
            error("room.playout_delay", "room.playout_delay.min must not be above max");
        constexpr Duration kLongestSoundHold = Duration::millis(20);  // one packet of a speaker
        if (config_.own.sound_hold > kLongestSoundHold)
            error("confab.sound_hold", "confab.sound_hold must not be above 20ms");
    }
    void redis() {
        const Redis& redis = config_.redis;
        const auto check = [&](const std::string& option, const std::string& address) {
            if (!is_host_and_perhaps_port(address))
                error(option, "\"" + address + "\" in " + option +
                                  " is no address; write HOST:PORT without redis://");
        };
        if (!redis.address.empty()) check("redis.address", redis.address);
        for (const std::string& one : redis.sentinel_addresses)
            check("redis.sentinel_addresses", one);
        for (const std::string& one : redis.cluster_addresses)
            check("redis.cluster_addresses", one);
        if (!redis.sentinel_addresses.empty() && redis.sentinel_master_name.empty())
            error("redis.sentinel_master_name",
                  "redis.sentinel_addresses need redis.sentinel_master_name; set it to the name "
                  "that the Sentinels watch");
        const Duration heartbeat = config_.node_stats.update_interval;
        if (heartbeat < kFastestHeartbeat || heartbeat > kSlowestHeartbeat)
            error("node_stats.stats_update_interval",
                  "node_stats.stats_update_interval must be from 500ms to 4s: nodes that have told "
                  "nothing for 5 seconds count as dead");
        if (redis.tls.client_cert_file.empty() != redis.tls.client_key_file.empty())
            error("redis.tls",
                  "redis.tls.client_cert_file and redis.tls.client_key_file go together; set both");
    }
    // Commands that serve nobody may have no keys.
    void tenants() {
        std::map<std::string_view, std::string_view> owners;  // by key
        if (config_.own.tenants.size() > kMaxTenants)
            error("confab.tenants",
                  "confab.tenants has more than " + std::to_string(kMaxTenants) + " tenants");
        for (const auto& [tenant, keys] : config_.own.tenants) {
            if (!is_tenant_name(tenant))
                error("confab.tenants",
                      "a tenant in confab.tenants has no good name; use 1 to 64 letters, digits, "
                      "'-', '_' or '.'");
            for (const std::string& key : keys) {
                const auto [owner, is_first] = owners.emplace(key, tenant);
                if (!is_first)
                    error("confab.tenants", std::string("API key ")
                                                .append(key)
                                                .append(" is given twice in confab.tenants: ")
                                                .append(owner->second)
                                                .append(" and ")
                                                .append(tenant)
                                                .append("; it belongs to one tenant"));
                else if (!config_.keys.empty() && !config_.keys.contains(key))
                    error("confab.tenants",
                          std::string("API key ").append(key).append(" of tenant ").append(tenant) +
                              " is not one of the keys; add it to keys, or correct its name");
            }
        }
    }
    // Else all but one tenant would miss their webhooks without a word.
    void webhook_key() {
        if (config_.webhook.urls.empty()) return;
        for (const auto& [tenant, keys] : config_.own.tenants)
            if (std::find(keys.begin(), keys.end(), config_.webhook.api_key) != keys.end())
                warn("webhook.api_key",
                     "webhook.api_key belongs to tenant " + tenant +
                         ": only its events are sent; for those of all take a key "
                         "of no tenant");
    }
    void webhook_retention() {
        if (config_.own.webhook_retention >= kShortestRetention) return;
        error("confab.webhook_retention",
              "confab.webhook_retention is shorter than a minute: webhooks that wait would be lost "
              "at once; write 1m or more, such as 24h");
    }
    // Events to any other address would be lost one by one. It is not repeated: it may hold a
    // password.
    void webhook_urls() {
        for (const std::string& url : config_.webhook.urls) {
            const std::size_t scheme = url.find("://");
            const std::string name = to_lower(std::string_view(url).substr(0, scheme));
            const std::string_view rest =
                scheme == url.npos ? std::string_view() : std::string_view(url).substr(scheme + 3);
            const std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
            if ((name != "http" && name != "https") || host.empty())
                error("webhook.urls",
                      "an entry of webhook.urls is no address; write http://HOST/PATH or "
                      "https://HOST/PATH");
            else if (host.find('@') != host.npos)
                error("webhook.urls",
                      "an entry of webhook.urls has a user name in it; events are signed instead, "
                      "remove what is before the @");
        }
    }
    // CFG-07: not an error.
    void warn_level(const std::string& path, const std::string& level) {
        for (const std::string_view known : {"debug", "info", "warn", "error"})
            if (level == known) return;
        warn(path, "unknown level " + level + " in " + path +
                       "; use debug, info, warn or error. Taken as info");
    }

    Loaded& loaded_;
    Config& config_;
    FinishOptions options_;
    Diagnostics errors_;
    bool placeholder_ = false;
};

}  // namespace

Result<void, Diagnostics> finish(Loaded& loaded, FinishOptions options) {
    Diagnostics errors = Finisher(loaded, options).run();
    if (!errors.empty()) return tl::make_unexpected(std::move(errors));
    return {};
}

}  // namespace confab::config
