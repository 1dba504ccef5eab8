// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a node does with Redis, and nothing else, for tests/cluster/redis_driver.mjs: it stays
// subscribed to its channels, writes and publishes a number every 20 ms, and prints a line for
// everything that it is told: "up commands", "heard 17", "set 17", "down channels: …".
// usage: redis_node WORD=VALUE…  (see read())
#include <array>
#include <csignal>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "redis/client.h"
#include "redis/cluster/cluster_client.h"
#include "redis/sentinel/sentinel_client.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/redis/redis_driver.h"

namespace confab {
namespace {

constexpr Duration kEvery = Duration::millis(20);
constexpr std::uint64_t kSeed = 7;
constexpr std::uint64_t kKeys = 16;

using Words = std::map<std::string, std::string>;

std::string file(const std::string& path) {
    std::ostringstream all;
    if (!path.empty()) all << std::ifstream(path).rdbuf();
    return all.str();
}

std::vector<redis::Address> addresses(const std::string& text) {
    std::vector<redis::Address> all;
    std::istringstream in(text);
    for (std::string one; std::getline(in, one, ',');)
        all.push_back(redis::parse_address(one).value());
    return all;
}

class Node {
  public:
    explicit Node(Words words) : words_(std::move(words)), timer_(loop_) {}

    int run() {
        net::RedisDriverOptions options;
        options.tls.enabled = words_.contains("ca") || words_.contains("insecure");
        options.tls.insecure = words_.contains("insecure");
        options.tls.server_name = words_["server_name"];
        options.tls.ca_pem = file(words_["ca"]);
        options.tls.client_cert_pem = file(words_["cert"]);
        options.tls.client_key_pem = file(words_["key"]);
        options.dial_timeout = Duration::millis(1000);
        auto driver = net::RedisDriver::make(loop_, machine(), options);
        if (!driver) {
            std::cout << "refused " << driver.error() << std::endl;
            return 1;
        }
        driver_ = *std::move(driver);
        std::istringstream channels(words_["channels"]);
        for (std::string one; std::getline(channels, one, ',');)
            driver_->subscribe(net::EventLoop::now(), one);
        beat();
        loop_.on_signal({SIGTERM, SIGINT}, [this](int) {
            driver_.reset();
            loop_.stop();
        });
        loop_.run();
        return 0;
    }

  private:
    std::unique_ptr<redis::Driven> machine() {
        const redis::Login login{words_["user"], words_["password"], 0, "confab"};
        const Timestamp now = net::EventLoop::now();
        const redis::Timing timing{Duration::seconds(2), Duration::seconds(1)};
        if (words_.contains("sentinels"))
            return std::make_unique<redis::SentinelClient>(now, addresses(words_["sentinels"]),
                                                           words_["master"], redis::Login{}, login,
                                                           told(), kSeed, timing);
        if (words_.contains("cluster"))
            return std::make_unique<redis::ClusterClient>(now, addresses(words_["cluster"]), 2,
                                                          login, told(), kSeed, timing);
        return std::make_unique<redis::Client>(now, addresses(words_["address"]).front(), login,
                                               told(), kSeed, timing);
    }
    static const char* name(redis::Line line) {
        return line == redis::Line::kCommands ? "commands" : "channels";
    }
    redis::Events told() {
        return {[](Timestamp, std::string_view channel, const std::string& payload) {
                    std::cout << "heard " << channel << ' ' << payload << std::endl;
                },
                [](Timestamp, const std::string& channel) {
                    std::cout << "subscribed " << channel << std::endl;
                },
                [](Timestamp, redis::Line line) { std::cout << "up " << name(line) << std::endl; },
                [](Timestamp, redis::Line line, const redis::Fault& fault) {
                    std::cout << "down " << name(line) << ": " << fault.text << std::endl;
                },
                [](Timestamp, const std::string& channel, const std::string& error) {
                    std::cout << "no " << channel << ": " << error << std::endl;
                }};
    }
    void beat() {
        if (!driver_) return;
        timer_.set(net::EventLoop::now() + kEvery, [this] { beat(); });
        const std::string number = std::to_string(++last_);
        // Of a Cluster, each node has a part of them.
        const std::string key = "number" + std::to_string(last_ % kKeys);
        send({"SET", key, number}, number);
        send({"PUBLISH", "a", number}, "");
    }
    void send(const std::array<std::string_view, 3>& words, const std::string& tell) {
        (void)driver_->command(net::EventLoop::now(), words,
                               [tell](Timestamp, const Result<redis::Value, redis::Fault>& reply) {
                                   if (!tell.empty() && reply && !reply->is_error())
                                       std::cout << "set " << tell << std::endl;
                               });
    }

    Words words_;
    net::EventLoop loop_;
    net::EventLoop::Timer timer_;
    std::unique_ptr<net::RedisDriver> driver_;
    std::uint64_t last_ = 0;
};

Words read(int argc, char** argv) {
    Words words;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const std::size_t at = word.find('=');
        if (at != std::string::npos) words[word.substr(0, at)] = word.substr(at + 1);
    }
    return words;
}

}  // namespace
}  // namespace confab

int main(int argc, char** argv) {
    return confab::Node(confab::read(argc, argv)).run();
}
