// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// TwirpEndpoint: the server APIs over HTTP (01 §5).
#include <algorithm>
#include <memory>
#include <utility>

#include "json/json.h"
#include "runtime/control/routes/endpoints.h"

namespace confab::control {

namespace {

// A call out that waits for its answer takes 80 s by itself (05 SIP-08), and a caller may say more:
// its own end comes first.
constexpr Duration kAnswerLimit = Duration::seconds(100);
constexpr Duration kGrace = Duration::seconds(5);

}  // namespace

// A call that is answered once: by the service or, if the caller set one, by its deadline.
struct TwirpEndpoint::Pending {
    Pending(Call from, net::EventLoop& loop) : call(std::move(from)), timer(loop) {}
    void respond(const api::HttpResponse& response) {
        if (std::exchange(answered, true)) return;
        if (done) done(response);
        call.respond(response);
    }
    Call call;
    std::function<void(const api::HttpResponse&)> done;
    net::EventLoop::Timer timer;
    bool answered = false;
};

void TwirpEndpoint::serve(Call from) {
    if (const auto refusal = gate_.refuse_call(from)) {
        count(from.request.path, net::EventLoop::now(), *refusal);
        return from.respond(*refusal);
    }
    const auto pending = std::make_shared<Pending>(std::move(from), loop_);
    Call* const shared = &pending->call;
    api::TwirpRequest request;
    request.method = shared->request.method;
    request.path = shared->request.path;
    request.content_type = shared->request.headers.get("Content-Type");
    request.body = shared->request.body;
    request.grants = shared->grants ? &*shared->grants : nullptr;
    api::CallContext context;
    context.now = net::EventLoop::now();
    if (const auto timeout = shared->request.headers.find("X-Twirp-Timeout-Ms"))
        context.timeout = api::parse_twirp_timeout(*timeout);
    shared->exchange.answer_within(
        std::max(kAnswerLimit, context.timeout.value_or(Duration::zero()) + kGrace));
    pending->done = [this, path = std::string(request.path), begin = context.now](
                        const api::HttpResponse& response) { count(path, begin, response); };
    twirp_.handle(request, context,
                  [pending](const api::HttpResponse& response) { pending->respond(response); });
    if (!context.timeout || pending->answered) return;
    // Whoever answers later keeps the call, and with it the timer, alive (API-W6).
    pending->timer.set(context.now + *context.timeout,
                       [raw = pending.get()] { raw->respond(api::timeout_response()); });
}

// "200" or the family of the status; the code of the error, as its body says it.
void TwirpEndpoint::count(std::string_view path, Timestamp begin,
                          const api::HttpResponse& response) {
    for (const std::string_view prefix : {"/twirp/", "livekit."})
        if (path.starts_with(prefix)) path.remove_prefix(prefix.size());
    const std::size_t slash = path.find('/');
    const std::string service(path.substr(0, slash));
    std::string method(slash == path.npos ? std::string_view() : path.substr(slash + 1));
    std::string code;
    if (response.status != 200) {
        const auto body = json::parse(response.body);
        const json::Value* member = body ? body->find("code") : nullptr;
        if (member == nullptr || member->kind != json::Kind::kString) return;  // no such service
        code = member->string;
    }
    if (code == "bad_route") method.clear();  // of the client's making
    const std::string status =
        response.status == 200 ? std::string("200") : std::to_string(response.status / 100) + "xx";
    metrics_.add(telemetry::Metric::kTwirpRequestStatus, {service, method, status, code});
    metrics_.observe(telemetry::Metric::kTwirpRequestLatencyMs, {service, method, status},
                     static_cast<double>((net::EventLoop::now() - begin).us()) / 1000.0);
}

}  // namespace confab::control
