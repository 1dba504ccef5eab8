// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Carries webhooks from the rooms to their receivers (01 section 6): api::WebhookQueue decides,
// net::HttpClient sends, store::WebhookWriter keeps them. Belongs to one event loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/webhook/webhook_queue.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/http/http_client.h"
#include "runtime/store/webhook_writer.h"
#include "runtime/telemetry/metrics.h"
#include "token/token.h"

namespace confab::control {

class WebhookSender {
  public:
    // `keys` and `metrics` must outlive it. Without `file` there is no outbox; what waited in it is
    // sent now.
    WebhookSender(net::EventLoop& loop, api::WebhookOptions options, const token::KeyProvider& keys,
                  telemetry::Metrics& metrics, std::unique_ptr<store::WebhookFile> file = nullptr);

    // `tenant`: of the room.
    void send(const livekit::WebhookEvent& event, const std::string& tenant = {});
    // Calls `done` once everything is delivered or flush_timeout is over; then says in the log what
    // was given up. For the end of the server.
    void flush(std::function<void()> done);

    // Null without an outbox.
    store::WebhookWriter* outbox() { return outbox_.get(); }
    // Sends events of the outbox again, to their own address or to that one, which is configured;
    // gives how many of them.
    std::size_t replay(std::vector<api::OutboxReplay> events, const std::string& to_url);
    bool is_configured(const std::string& url) const;
    bool has_receivers() const { return !options_.urls.empty(); }
    // Ends the thread of the outbox once all is written. False: it has not ended by `deadline`, and
    // nothing that it uses may go.
    bool end_outbox(std::chrono::steady_clock::time_point deadline);

    struct OutboxFigures {
        std::size_t waiting = 0;
        Duration oldest;
        store::WebhookWriterFigures file;
    };
    std::optional<OutboxFigures> outbox_figures() const;

    const api::WebhookStats& stats() const { return queue_.stats(); }
    // Connections opened to receivers since the start.
    std::uint64_t connections() const { return http_.stats().connections; }

  private:
    void open_outbox(std::unique_ptr<store::WebhookFile> file);
    void pump();
    void start(api::WebhookRequest request);
    void finish(std::uint64_t id, const std::string& url, const std::string& event,
                const net::HttpClient::Result& result);
    // No answer, or one outside 2xx: the operator learns of the first, then now and then, for each
    // URL, with their number.
    struct Failure {
        std::string_view what;
        std::string_view event;
        int status = 0;  // 0: no answer
        std::string_view error;
    };
    void report_failure(Timestamp now, const std::string& url, const Failure& failure);
    void report_lost();
    void end_flush();

    net::EventLoop& loop_;
    telemetry::Metrics& metrics_;
    api::WebhookOptions options_;
    api::WebhookQueue queue_;
    std::function<void()> flushed_;
    Timestamp next_report_;
    struct Failures {
        Timestamp next_report;
        std::uint64_t count = 0;  // since the last report
    };
    std::map<std::string, Failures, std::less<>> failures_;  // by URL
    net::EventLoop::Timer retry_;
    net::EventLoop::Timer flush_;
    std::unique_ptr<store::WebhookWriter> outbox_;  // its thread posts to loop_
    net::HttpClient http_;                          // last: its callbacks use all of the above
};

}  // namespace confab::control
