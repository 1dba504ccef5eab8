// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/webhook_sender.h"

#include <algorithm>
#include <utility>

#include "runtime/telemetry/log.h"

namespace confab::control {
namespace {

// What is lost, and for each address what it did not take, is told at most this often, so that a
// dead receiver does not fill the log.
constexpr Duration kReportInterval = Duration::seconds(10);
constexpr Duration kFailureInterval = Duration::seconds(60);
// Addresses of which is known when they were told of last; the others are told of as one.
constexpr std::size_t kMaxFailing = 1024;

// For a handler that works before it answers.
constexpr Duration kTimeout = Duration::seconds(60);

// Whether the receiver was there and had the request.
bool was_sent(net::HttpClientError error) {
    using Error = net::HttpClientError;
    return error == Error::kTimeout || error == Error::kClosed || error == Error::kBadResponse ||
           error == Error::kTooLarge;
}

// "participant_left 6, room_finished 18"
std::string to_text(const api::WebhookQueue::Lost& lost) {
    std::string text;
    for (const auto& [event, count] : lost)
        text.append(text.empty() ? "" : ", ")
            .append(event)
            .append(" ")
            .append(std::to_string(count));
    return text;
}

bool is_2xx(int status) {
    return status >= 200 && status < 300;
}

std::string_view remedy_of(int status) {
    if (status < 400) return "redirects are not followed: put the final address into webhook.urls";
    if (status == 401 || status == 403)
        return "have the receiver check signatures with the key that webhook.api_key names";
    if (status == 404 || status == 405 || status == 410)
        return "correct the address in webhook.urls: it must take POST";
    return "see the log of the receiver";
}

bool is_https(const std::string& url) {
    return url.starts_with("https:");
}

}  // namespace

WebhookSender::WebhookSender(net::EventLoop& loop, api::WebhookOptions options,
                             const token::KeyProvider& keys, telemetry::Metrics& metrics,
                             std::unique_ptr<store::WebhookFile> file)
    : loop_(loop),
      metrics_(metrics),
      options_(std::move(options)),
      queue_(options_, keys),
      retry_(loop),
      flush_(loop),
      http_(loop) {
    if (std::any_of(options_.urls.begin(), options_.urls.end(), is_https)) http_.prepare_tls();
    if (file) open_outbox(std::move(file));
}

void WebhookSender::open_outbox(std::unique_ptr<store::WebhookFile> file) {
    auto contents = file->load();
    if (!contents) {
        telemetry::log_error("webhooks are kept in memory only", {{"reason", contents.error()}});
        return;
    }
    if (!contents->waiting.empty())
        telemetry::log_info("webhooks of an earlier start are sent",
                            {{"events", contents->waiting.size()}});
    queue_.restore(net::EventLoop::now(), net::EventLoop::wall(), *std::move(contents));
    if (queue_.held() > 0)
        telemetry::log_warn("webhooks wait for addresses that are not configured any more",
                            {{"events", queue_.held()},
                             {"remedy",
                              "put the address back into webhook.urls, or send them "
                              "elsewhere: confab.Webhooks/ReplayEvents with to_url"}});
    store::WebhookWriter::Hooks hooks;
    hooks.post = [this](Callback<> fn) { loop_.post(std::move(fn)); };
    hooks.stored = [this](std::uint64_t through, bool kept) {
        queue_.handle_stored(through, kept);
        pump();
    };
    hooks.begun_anew = [this] {
        queue_.handle_begun_anew(net::EventLoop::now(), net::EventLoop::wall());
        pump();
    };
    outbox_ = std::make_unique<store::WebhookWriter>(std::move(file), std::move(hooks));
    retry_.set(net::EventLoop::now(), [this] { pump(); });
}

bool WebhookSender::is_configured(const std::string& url) const {
    return std::find(options_.urls.begin(), options_.urls.end(), url) != options_.urls.end();
}

std::size_t WebhookSender::replay(std::vector<api::OutboxReplay> events,
                                  const std::string& to_url) {
    const Timestamp now = net::EventLoop::now();
    const std::size_t count = to_url.empty() ? queue_.replay(now, std::move(events))
                                             : queue_.replay_to(now, to_url, std::move(events));
    pump();
    return count;
}

bool WebhookSender::end_outbox(std::chrono::steady_clock::time_point deadline) {
    if (!outbox_) return true;
    outbox_->end();
    return outbox_->ended_by(deadline);
}

std::optional<WebhookSender::OutboxFigures> WebhookSender::outbox_figures() const {
    if (!outbox_) return std::nullopt;
    return OutboxFigures{queue_.waiting(), queue_.oldest(net::EventLoop::now()),
                         outbox_->figures()};
}

void WebhookSender::send(const livekit::WebhookEvent& event, const std::string& tenant) {
    const auto lengths = queue_.enqueue(net::EventLoop::now(), event, tenant);
    for (const std::size_t length : lengths)
        metrics_.observe(telemetry::Metric::kWebhookQueueLength, static_cast<double>(length));
    pump();
}

void WebhookSender::pump() {
    const Timestamp now = net::EventLoop::now();
    queue_.handle_timeout(now);
    while (auto request = queue_.poll_request(now, net::EventLoop::wall()))
        start(std::move(*request));
    while (auto write = queue_.poll_write())
        outbox_->write(std::move(*write));
    report_lost();
    retry_.set(queue_.next_deadline(), [this] { pump(); });
    if (flushed_ && queue_.idle()) end_flush();
}

void WebhookSender::start(api::WebhookRequest request) {
    net::HttpClientRequest http;
    http.url = request.url;
    for (api::HttpHeader& header : request.headers)
        http.headers.add(std::move(header.name), std::move(header.value));
    http.body = std::move(request.body);
    http.timeout = kTimeout;
    http.status_suffices = true;
    http_.send(std::move(http),
               [this, id = request.id, url = std::move(request.url),
                event = std::move(request.event)](const net::HttpClient::Result& result) {
                   finish(id, url, event, result);
                   pump();
               });
}

void WebhookSender::finish(std::uint64_t id, const std::string& url, const std::string& event,
                           const net::HttpClient::Result& result) {
    const Timestamp now = net::EventLoop::now();
    if (!result) {
        report_failure(now, url,
                       {"webhook not delivered", event, 0, net::to_string(result.error())});
        return queue_.handle_failure(now, id, was_sent(result.error()));
    }
    const auto wait = result->headers.find("Retry-After");
    queue_.handle_response(now, id, result->status,
                           wait ? api::parse_retry_after(*wait) : std::optional<Duration>{});
    if (!is_2xx(result->status))
        report_failure(now, url, {"webhook refused", event, result->status, {}});
}

void WebhookSender::report_failure(Timestamp now, const std::string& url, const Failure& failure) {
    if (failures_.size() >= kMaxFailing && !failures_.contains(url))
        std::erase_if(failures_, [now](const auto& one) { return one.second.next_report <= now; });
    const bool has_place = failures_.size() < kMaxFailing || failures_.contains(url);
    Failures& failures = failures_[has_place ? url : std::string()];
    ++failures.count;
    if (now < failures.next_report) return;
    failures.next_report = now + kFailureInterval;
    const std::uint64_t count = std::exchange(failures.count, 0);
    if (failure.status == 0)
        telemetry::log_warn(
            failure.what,
            {{"url", url}, {"event", failure.event}, {"error", failure.error}, {"count", count}});
    else
        telemetry::log_warn(failure.what, {{"url", url},
                                           {"event", failure.event},
                                           {"status", failure.status},
                                           {"count", count},
                                           {"remedy", remedy_of(failure.status)}});
}

void WebhookSender::report_lost() {
    const Timestamp now = net::EventLoop::now();
    if (now < next_report_) return;
    const api::WebhookQueue::Lost lost = queue_.take_lost();
    if (lost.empty()) return;
    next_report_ = now + kReportInterval;
    telemetry::log_warn("webhooks lost", {{"events", to_text(lost)}});
}

void WebhookSender::flush(std::function<void()> done) {
    flushed_ = std::move(done);
    flush_.set(net::EventLoop::now() + options_.flush_timeout, [this] { end_flush(); });
    loop_.post([this] { pump(); });
}

void WebhookSender::end_flush() {
    flush_.cancel();
    retry_.cancel();
    const std::size_t kept = queue_.give_up(outbox_ && outbox_->figures().works);
    while (auto write = queue_.poll_write())
        outbox_->write(std::move(*write));
    if (kept > 0) telemetry::log_info("webhooks wait for the next start", {{"events", kept}});
    const std::string lost = to_text(queue_.take_lost());
    if (!lost.empty())
        telemetry::log_warn("webhooks given up at the end",
                            {{"events", lost},
                             {"waited_ms", options_.flush_timeout.us() / 1000},
                             {"remedy", "raise confab.webhook_flush_timeout"}});
    if (const auto done = std::exchange(flushed_, nullptr)) done();
}

}  // namespace confab::control
