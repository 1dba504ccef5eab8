// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/routes/limit_gate.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "api/limits/client_hop.h"
#include "api/twirp/service_error.h"
#include "crypto/random.h"
#include "runtime/telemetry/log.h"

namespace confab::control {
namespace {

using telemetry::Metric;

constexpr Duration kReportInterval = Duration::seconds(60);
constexpr std::string_view kForwarded = "X-Forwarded-For";

SipKey random_key() {
    const auto bytes = crypto::random_bytes<sizeof(SipKey)>();
    SipKey key{};
    std::memcpy(key.data(), bytes.data(), sizeof key);
    return key;
}

// Each proxy may have added a line of its own.
std::string forwarded(const net::HttpHeaders& headers) {
    std::string all;
    for (const net::HttpHeader& header : headers) {
        const bool same = header.name.size() == kForwarded.size() &&
                          std::equal(kForwarded.begin(), kForwarded.end(), header.name.begin(),
                                     [](char a, char b) { return (a | 0x20) == (b | 0x20); });
        if (same) all.append(all.empty() ? "" : ",").append(header.value);
    }
    return all;
}

// What makes sessions, and tokens for everybody (DEMO-02); the API has limits of its keys.
bool is_limited(std::string_view path) {
    return path.starts_with("/rtc") || path.starts_with("/whip") || path.starts_with("/agent") ||
           path == "/api/token";
}

// Whose calls these are: an application's tokens name nobody, and it has the key's buckets. Those
// of a participant or a host of one room have their own, or anybody could keep the application from
// its server.
std::string caller_of(const token::Grants& grants) {
    std::string caller = grants.api_key;
    if (grants.identity.empty()) return caller;
    caller.append(1, '\0').append(grants.identity).append(1, '\0');
    return caller.append(grants.video ? grants.video->room : std::string());
}

std::int64_t whole_seconds(Duration wait) {
    return std::max<std::int64_t>(1, (wait.us() + 999'999) / 1'000'000);
}

std::string text_of(const api::Excess& excess) {
    return std::string(info_of(excess.layer).text) + ", try again in " +
           std::to_string(whole_seconds(excess.wait)) + " s";
}

api::HttpResponse with_retry(api::HttpResponse response, const api::Excess& excess) {
    response.headers.push_back({"Retry-After", std::to_string(whole_seconds(excess.wait))});
    return response;
}

}  // namespace

api::HttpResponse limit_response(const api::Excess& excess, std::string_view path) {
    const api::LimitInfo& limit = info_of(excess.layer);
    const int status = path.starts_with("/rtc") ? limit.status_of_call : limit.status;
    return with_retry(api::text_response(status, text_of(excess)), excess);
}

// In the loop of the limits, whoever lets go of it last.
struct LimitGate::Place {
    net::EventLoop& loop;
    std::shared_ptr<api::RequestLimits> limits;
    IpAddress address;
    ~Place() {
        loop.post([of = std::move(limits), from = address] { of->close_web_socket(from); });
    }
};

LimitGate::LimitGate(net::EventLoop& loop, telemetry::Metrics& metrics, GateOptions options)
    : loop_(loop),
      metrics_(metrics),
      limits_(std::make_shared<api::RequestLimits>(random_key(), std::move(options.limits))),
      proxies_(std::move(options.proxies)),
      proxies_name_clients_(options.proxies_name_clients),
      now_(options.now) {}

void LimitGate::reconfigure(GateOptions options) {
    limits_->reconfigure(std::move(options.limits));
    proxies_ = std::move(options.proxies);
    proxies_name_clients_ = options.proxies_name_clients;
}

bool LimitGate::admits(const IpAddress& address) {
    // Many clients come by the connections of a proxy.
    if (std::any_of(proxies_.begin(), proxies_.end(),
                    [&](const Cidr& block) { return block.contains(address); }))
        return true;
    const auto excess = limits_->connection(now_(), address);
    if (excess) count(address, *excess, "closed");
    return !excess;
}

IpAddress LimitGate::source_of(const net::HttpRequest& request) const {
    return api::client_hop(request.remote.ip, forwarded(request.headers),
                           request.headers.get("X-Real-IP"), proxies_);
}

bool LimitGate::admits(Call& call) {
    call.source = source_of(call.request);
    if (proxies_name_clients_) call.named_source = call.source.to_string();
    if (!is_limited(call.request.path)) return true;
    const auto excess = limits_->request(now_(), call.source);
    if (excess) call.respond(refuse(call, *excess));
    return !excess;
}

api::HttpResponse LimitGate::refuse_token(const Call& call, const api::HttpError& error) {
    const auto excess = limits_->bad_token(now_(), call.source);
    return excess ? refuse(call, *excess) : api::to_response(error);
}

std::optional<api::HttpResponse> LimitGate::refuse_join(const Call& call, const api::Join& join) {
    const auto excess = limits_->join(now_(), call.source, join);
    if (!excess) return std::nullopt;
    return refuse(call, *excess);
}

std::optional<api::HttpResponse> LimitGate::would_refuse_join(const Call& call,
                                                              const api::Join& join) {
    const auto excess = limits_->would_join(now_(), call.source, join);
    if (!excess) return std::nullopt;
    return refuse(call, *excess);
}

std::optional<api::HttpResponse> LimitGate::take_place(Call& call) {
    if (const auto excess = limits_->open_web_socket(call.source)) return refuse(call, *excess);
    call.exchange.keep(std::shared_ptr<Place>(new Place{loop_, limits_, call.source}));
    return std::nullopt;
}

std::optional<api::HttpResponse> LimitGate::refuse_call(const Call& call) {
    if (!call.grants) return std::nullopt;  // which refuses it already
    const auto excess =
        limits_->call(now_(), call.source, caller_of(*call.grants), call.request.path);
    if (!excess) return std::nullopt;
    count(call.source, *excess, "refused");
    return with_retry(
        api::to_response(api::native_error(api::ErrorCode::kResourceExhausted, text_of(*excess))),
        *excess);
}

api::HttpResponse LimitGate::refuse(const Call& call, const api::Excess& excess) {
    count(call.source, excess, "refused");
    api::HttpResponse response = limit_response(excess, call.request.path);
    response.headers.push_back({"Connection", "close"});
    return response;
}

void LimitGate::count(const IpAddress& address, const api::Excess& excess, const char* action) {
    metrics_.add(Metric::kRateLimited, {std::string(info_of(excess.layer).label), action});
    const Timestamp now = net::EventLoop::now();
    Timestamp& next = next_report_.at(static_cast<std::size_t>(excess.layer));
    if (now < next) return;
    next = now + kReportInterval;
    telemetry::log_warn(
        "a limit is reached",
        {{"what", info_of(excess.layer).text},
         {"address", address.to_string()},
         {"remedy", "raise " + std::string(info_of(excess.layer).setting) +
                        ", or list the address in confab.limits.trusted, if that is no attack"}});
}

}  // namespace confab::control
