// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The limits of the HTTP port (api/limits) as endpoints meet them: whose a request is, what refuses
// it, how often that happened and, now and then, a line in the log. Of the first loop only.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/join/join.h"
#include "api/limits/request_limits.h"
#include "base/callback.h"
#include "runtime/control/routes/endpoint.h"
#include "runtime/telemetry/metrics.h"

namespace confab::control {

struct GateOptions {
    api::RequestLimitOptions limits;
    // Whose X-Forwarded-For counts for limits.
    std::vector<Cidr> proxies;
    // And for the addresses that logs and participants show, instead of what CON-08 says.
    bool proxies_name_clients = false;
    Timestamp (*now)() = net::EventLoop::now;  // for tests; stays what it was at first
};

class LimitGate {
  public:
    LimitGate(net::EventLoop& loop, telemetry::Metrics& metrics, GateOptions options);
    LimitGate(const LimitGate&) = delete;
    LimitGate& operator=(const LimitGate&) = delete;
    void reconfigure(GateOptions options);
    // How busy the node is, 0 … 1; while that counts.
    void set_load(double load) { limits_->set_load(load); }
    bool wants_load() const { return limits_->options().join_load > 0; }

    // Whether a connection may be; nobody is told if not. Those of proxies are not counted.
    bool admits(const IpAddress& address);
    // Whose it is, behind proxies.
    IpAddress source_of(const net::HttpRequest& request) const;
    // Says so in the call. False: it is answered.
    bool admits(Call& call);
    // Instead of `error`, when that address has shown too many bad tokens.
    api::HttpResponse refuse_token(const Call& call, const api::HttpError& error);

    // Why this join is refused; takes its part if it is not. Validation takes none.
    std::optional<api::HttpResponse> refuse_join(const Call& call, const api::Join& join);
    std::optional<api::HttpResponse> would_refuse_join(const Call& call, const api::Join& join);
    // A place among the WebSockets of the address, until it is let go in whichever thread; or why
    // not.
    std::optional<api::HttpResponse> take_place(Call& call);
    std::optional<api::HttpResponse> refuse_call(const Call& call);
    Rate signals(const Call& call) const { return limits_->signals(call.source); }

  private:
    struct Place;
    // Counted and told of; the answer ends the connection, so that a flood is one of connections,
    // too, which cost the server least.
    api::HttpResponse refuse(const Call& call, const api::Excess& excess);
    void count(const IpAddress& address, const api::Excess& excess, const char* action);

    net::EventLoop& loop_;
    telemetry::Metrics& metrics_;
    std::shared_ptr<api::RequestLimits> limits_;  // places may outlive this
    std::vector<Cidr> proxies_;
    bool proxies_name_clients_;
    Timestamp (*now_)();
    std::array<Timestamp, 16> next_report_{};  // by layer
};

// The answer to what is over a limit, with Retry-After (RFC 9110 §10.2.3): 503 to signalling and
// where it is the node's own, else 429 (RFC 6585 §4).
api::HttpResponse limit_response(const api::Excess& excess, std::string_view path);

}  // namespace confab::control
