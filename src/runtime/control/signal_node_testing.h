// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For the tests of signalling: SignalSessions behind a real listener with real rooms, no media.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/text.h"
#include "livekit_rtc.pb.h"
#include "runtime/control/signal_sessions.h"
#include "runtime/control/signal_testing.h"
#include "runtime/net/net_testing.h"

namespace confab::control {

inline room::Config signal_config() {
    room::Config result;
    result.media.workers.resize(1);
    result.media.fingerprint_sha256 = "AA:BB";
    return result;
}

// GET /<room>/<identity> joins; /<room>/<identity>/<sid> resumes.
class SignalNode {
  public:
    explicit SignalNode(room::Config settings = signal_config(),
                        const net::WebSocketOptions& options = {}) {
        thread_.call([&] {
            rooms_ = std::make_unique<room::RoomManager>(std::move(settings), 1,
                                                         room::seeded_secrets(1));
            sessions_ = std::make_unique<SignalSessions>(*rooms_, options, metrics_);
            sessions_->set_wake([] {});
            sessions_->set_carry_out([this] { carry_out(); });
            server_ = std::make_unique<net::HttpServer>(
                thread_.loop(), net::HttpServerOptions{},
                [this](const net::HttpRequest& request, net::HttpExchange exchange) {
                    start(request.path, std::move(exchange));
                });
            thread_.loop().set_turn_hook([this] {
                if (answering_) carry_out();
            });
            port_ = server_->listen("127.0.0.1", 0).value().port;
        });
    }
    ~SignalNode() {
        thread_.call([&] {
            thread_.loop().set_turn_hook({});
            sessions_.reset();
            server_.reset();
            rooms_.reset();
        });
    }

    std::uint16_t port() const { return port_; }
    net::EventLoop& loop() { return thread_.loop(); }
    // Only in the loop.
    room::RoomManager& rooms() { return *rooms_; }
    // While false, what the rooms answer stays with them.
    void set_answering(bool on) {
        thread_.call([&] { answering_ = on; });
    }
    bool has_sessions(std::size_t count) {
        return thread_.eventually(
            [&] { return sessions_->size() == count && rooms_->snapshot().sessions == count; });
    }
    double metric(telemetry::Metric which, telemetry::LabelValues labels = {}) {
        return thread_.call([&] { return metrics_.value(which, labels); });
    }
    net::HttpServerStats server_stats() {
        return thread_.call([&] { return server_->stats(); });
    }
    // Asked in the loop until it is so.
    template <typename F>
    bool eventually(F f) {
        return thread_.eventually(std::move(f));
    }
    // In the loop, with the sessions.
    template <typename F>
    auto call(F f) {
        return thread_.call([&] { return f(*sessions_); });
    }
    // Of who joined as the first, second …
    room::SessionId session(std::size_t number) {
        return thread_.call([&] { return joined_.at(number); });
    }

  private:
    void start(std::string_view path, net::HttpExchange exchange) {
        const auto parts = split(path, '/');
        room::JoinParams params;
        params.room = parts.at(1);
        params.grants.identity = parts.at(2);
        params.grants.video.emplace().can_update_own_metadata = true;
        params.client.set_protocol(16);
        params.reconnect = parts.size() > 3;
        if (params.reconnect) params.participant_sid = parts.at(3);
        sessions_->start(params, std::move(exchange), {{"X-Extra", "1"}});
    }
    void carry_out() {
        while (auto effect = rooms_->poll_effect()) {
            if (auto* send = std::get_if<room::SendSignal>(&*effect))
                sessions_->send(send->session, send->response);
            else if (const auto* many = std::get_if<room::Broadcast>(&*effect))
                sessions_->broadcast(many->sessions, many->response);
            else if (const auto* join = std::get_if<room::SendJoin>(&*effect))
                joined_.push_back(join->session), sessions_->send_join(*join);
            else if (const auto* close = std::get_if<room::CloseSession>(&*effect))
                sessions_->close(close->session, close->code);
            else if (auto* refuse = std::get_if<room::RefuseSession>(&*effect))
                sessions_->refuse(*refuse);
        }
    }

    net::LoopThread thread_;
    telemetry::Metrics metrics_{"ND_test"};
    std::unique_ptr<room::RoomManager> rooms_;
    std::unique_ptr<SignalSessions> sessions_;
    std::unique_ptr<net::HttpServer> server_;
    std::vector<room::SessionId> joined_;
    std::uint16_t port_ = 0;
    bool answering_ = true;
};

}  // namespace confab::control
