// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/cluster/redis_options.h"

#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "redis/client.h"
#include "redis/cluster/cluster_client.h"
#include "redis/sentinel/sentinel_client.h"

namespace confab::app {
namespace {

constexpr std::uint16_t kRedisPort = 6379;
constexpr std::uint16_t kSentinelPort = 26379;

// finish() has seen to it that all of them are addresses.
std::vector<redis::Address> addresses(const std::vector<std::string>& texts, std::uint16_t port) {
    std::vector<redis::Address> all;
    for (const std::string& text : texts)
        if (auto address = redis::parse_address(text, port)) all.push_back(*std::move(address));
    return all;
}

Result<std::string, std::string> read_file(const std::string& path, const std::string& option) {
    if (path.empty()) return std::string();
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    // Unlike iterators, throws nothing where the path is a folder; no bytes at all are a failure.
    text << file.rdbuf();
    if (!file || !text)
        return fail(option + ": " + path + " cannot be read; it has to be a PEM file");
    return std::move(text).str();
}

}  // namespace

std::unique_ptr<redis::Driven> redis_machine(const config::Redis& config, redis::Events events,
                                             Timestamp now, std::uint64_t seed) {
    const redis::Login login{config.username, std::string(config.password.reveal()), config.db,
                             "confab"};
    if (!config.sentinel_addresses.empty()) {
        const redis::Login sentinel{config.sentinel_username,
                                    std::string(config.sentinel_password.reveal()), 0, "confab"};
        return std::make_unique<redis::SentinelClient>(
            now, addresses(config.sentinel_addresses, kSentinelPort), config.sentinel_master_name,
            sentinel, login, std::move(events), seed);
    }
    if (!config.cluster_addresses.empty())
        return std::make_unique<redis::ClusterClient>(
            now, addresses(config.cluster_addresses, kRedisPort), config.max_redirects, login,
            std::move(events), seed);
    return std::make_unique<redis::Client>(now, redis::parse_address(config.address, kRedisPort),
                                           login, std::move(events), seed);
}

Result<net::RedisDriverOptions, std::string> redis_driver_options(const config::Redis& config) {
    net::RedisDriverOptions options;
    options.dial_timeout = Duration::millis(config.dial_timeout_ms);
    options.tls.enabled = config.tls.enabled;
    options.tls.insecure = config.tls.insecure;
    options.tls.server_name = config.tls.server_name;
    CONFAB_TRY(options.tls.ca_pem, read_file(config.tls.ca_cert_file, "redis.tls.ca_cert_file"));
    CONFAB_TRY(options.tls.client_cert_pem,
               read_file(config.tls.client_cert_file, "redis.tls.client_cert_file"));
    CONFAB_TRY(options.tls.client_key_pem,
               read_file(config.tls.client_key_file, "redis.tls.client_key_file"));
    return options;
}

std::string redis_place(const config::Redis& config) {
    const auto list = [](const std::vector<std::string>& all) {
        std::string text;
        for (const std::string& one : all)
            text += (text.empty() ? "" : ", ") + one;
        return text;
    };
    if (!config.sentinel_addresses.empty())
        return config.sentinel_master_name + " of the Sentinels " + list(config.sentinel_addresses);
    if (!config.cluster_addresses.empty())
        return "the Cluster of " + list(config.cluster_addresses);
    return config.address;
}

}  // namespace confab::app
