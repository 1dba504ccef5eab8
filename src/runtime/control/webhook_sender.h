// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Carries webhooks from the rooms to their receivers (01 section 6): api::WebhookQueue decides,
// net::HttpClient sends. Belongs to one event loop.
#pragma once

#include <functional>
#include <string>

#include "api/webhook/webhook_queue.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/http/http_client.h"
#include "runtime/telemetry/metrics.h"
#include "token/token.h"

namespace confab::control {

class WebhookSender {
  public:
    // `keys` and `metrics` must outlive it.
    WebhookSender(net::EventLoop& loop, api::WebhookOptions options, const token::KeyProvider& keys,
                  telemetry::Metrics& metrics, bool full_room);

    void send(livekit::WebhookEvent event);
    // Calls `done` once everything is delivered or flush_timeout is over; then says in the log what
    // was given up. For the end of the server.
    void flush(std::function<void()> done);

    const api::WebhookStats& stats() const { return queue_.stats(); }
    // Connections opened to receivers since the start.
    std::uint64_t connections() const { return http_.stats().connections; }

  private:
    void pump();
    void start(api::WebhookRequest request);
    void finish(std::uint64_t id, const std::string& url, const net::HttpClient::Result& result);
    void report_lost();
    void end_flush();

    net::EventLoop& loop_;
    telemetry::Metrics& metrics_;
    api::WebhookOptions options_;
    api::WebhookQueue queue_;
    bool full_room_;
    std::function<void()> flushed_;
    Timestamp next_report_;
    net::EventLoop::Timer retry_;
    net::EventLoop::Timer flush_;
    net::HttpClient http_;  // last: its callbacks use all of the above
};

}  // namespace confab::control
