// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A real receiver on the loopback, and what the operator reads in the log about it.
#include "runtime/control/webhook_sender.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/net/http/http_server.h"
#include "runtime/net/net_testing.h"
#include "runtime/telemetry/log.h"

namespace confab::control {
namespace {

// The warnings of the process while it lives.
class Warnings {
  public:
    Warnings() {
        telemetry::LogOptions options;
        options.level = telemetry::LogLevel::kWarn;
        options.sink = [this](std::string_view line) {
            const std::lock_guard lock(mutex_);
            lines_.emplace_back(line);
        };
        telemetry::init_log(options);
    }
    ~Warnings() { telemetry::init_log({}); }
    Warnings(const Warnings&) = delete;
    Warnings& operator=(const Warnings&) = delete;

    std::vector<std::string> with(const std::string& text) {
        const std::lock_guard lock(mutex_);
        std::vector<std::string> out;
        std::copy_if(
            lines_.begin(), lines_.end(), std::back_inserter(out),
            [&text](const std::string& line) { return line.find(text) != std::string::npos; });
        return out;
    }

  private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

livekit::WebhookEvent event(const std::string& room) {
    livekit::WebhookEvent out;
    out.set_event("room_started");
    out.mutable_room()->set_name(room);
    return out;
}

// A receiver that answers /STATUS, and a sender to the URLs /STATUS of it.
struct Bench {
    explicit Bench(const std::vector<std::string>& paths) {
        thread.call([&] {
            receiver = std::make_unique<net::HttpServer>(
                thread.loop(), net::HttpServerOptions{},
                [](const net::HttpRequest& request, net::HttpExchange exchange) {
                    exchange.respond(
                        net::HttpResponse::text(std::stoi(request.path.substr(1)), ""));
                });
            const auto port = std::to_string(receiver->listen("127.0.0.1", 0).value().port);
            api::WebhookOptions options;
            options.api_key = "key";
            for (const std::string& path : paths)
                options.urls.push_back("http://127.0.0.1:" + port + path);
            sender = std::make_unique<WebhookSender>(thread.loop(), options, keys, metrics, false);
        });
    }
    ~Bench() {
        thread.call([&] {
            sender.reset();
            receiver.reset();
        });
    }
    void send(std::uint64_t delivered) {
        thread.call([&] { sender->send(event(std::to_string(delivered))); });
        CHECK(thread.eventually([&] { return sender->stats().delivered >= delivered; }));
    }

    net::LoopThread thread;
    token::KeyMap keys{std::map<std::string, std::string, std::less<>>{{"key", "secret"}}};
    telemetry::Metrics metrics{"ND_a"};
    std::unique_ptr<net::HttpServer> receiver;
    std::unique_ptr<WebhookSender> sender;
};

}  // namespace

TEST_CASE(
    "WebhookSender: an answer outside 2xx is a warning, now and then for each URL [HOOK-06]") {
    Warnings warnings;
    const std::vector<std::string> paths = {"/204", "/302", "/401", "/404"};
    Bench bench(paths);
    for (std::uint64_t round = 1; round <= 3; ++round)
        bench.send(round * paths.size());
    const std::map<std::string, std::string> remedies = {
        {"302", "redirects are not followed"}, {"401", "webhook.api_key"}, {"404", "webhook.urls"}};
    CHECK(warnings.with("webhook refused").size() == remedies.size());
    for (const auto& [status, remedy] : remedies) {
        const auto lines = warnings.with("\"status\":" + status);
        REQUIRE(lines.size() == 1);
        CHECK(lines[0].find("\"event\":\"room_started\"") != std::string::npos);
        CHECK(lines[0].find("/" + status + "\"") != std::string::npos);
        CHECK(lines[0].find(remedy) != std::string::npos);
    }
}

}  // namespace confab::control
