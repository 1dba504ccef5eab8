// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/http_client.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <optional>
#include <set>

#include "runtime/net/event_loop_impl.h"
#include "runtime/net/http/http_client_link.h"

namespace confab::net {

namespace {

void load_extra_ca(ssl::context& context, const std::string& pem) {
    if (pem.empty()) return;
    ErrorCode ignored;
    context.add_certificate_authority(asio::buffer(pem), ignored);
}

}  // namespace

class HttpClient::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(EventLoop& loop, HttpClientOptions options);
    void send(HttpClientRequest request, Callback done);
    void stop();
    std::size_t under_way() const { return calls_.size(); }
    const HttpClientStats& stats() const { return stats_; }
    ssl::context& tls();

  private:
    struct Call;
    asio::awaitable<void> run(std::shared_ptr<Impl> self, std::shared_ptr<Call> call);
    asio::awaitable<void> attempt(Call& call, std::unique_ptr<HttpClientLink> link);
    void finish(Call& call);

    EventLoop& loop_;
    HttpClientOptions options_;
    std::optional<ssl::context> tls_;
    std::set<Call*> calls_;
    HttpClientPool pool_;
    HttpClientStats stats_;
};

struct HttpClient::Impl::Call {
    Call(EventLoop& loop, HttpClientRequest what, HttpUrl where, Callback callback)
        : request(std::move(what)),
          url(std::move(where)),
          done(std::move(callback)),
          deadline(loop) {}

    // The first error stands; a connection cut by the deadline gives further ones.
    void cut(HttpClientError why) {
        if (!error) error = why;
        if (link) link->cut();
    }
    void cut_at(Timestamp time, HttpClientError why) {
        deadline.set(time, [this, why] { cut(why); });
    }

    Timestamp end = EventLoop::now();
    HttpClientRequest request;
    HttpUrl url;
    Callback done;
    std::unique_ptr<HttpClientLink> link;
    EventLoop::Timer deadline;
    std::optional<HttpClientError> error;
    HttpResponse response;
};

HttpClient::Impl::Impl(EventLoop& loop, HttpClientOptions options)
    : loop_(loop),
      options_(std::move(options)),
      pool_(loop, options_.max_idle_connections, options_.idle_timeout) {}

// Made for the first https request, or before: reading the system's roots takes longer than
// everything else that happens at a start, and 1 MB.
ssl::context& HttpClient::Impl::tls() {
    if (tls_) return *tls_;
    ErrorCode ignored;
    tls_.emplace(ssl::context::tls_client);
    tls_->set_options(
        ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1,
        ignored);
    tls_->set_default_verify_paths(ignored);
    tls_->set_verify_mode(ssl::verify_peer, ignored);
    load_extra_ca(*tls_, options_.extra_ca_pem);
    return *tls_;
}

void HttpClient::Impl::send(HttpClientRequest request, Callback done) {
    const auto refuse = [this, &done](HttpClientError why) {
        asio::post(context_of(loop_), [weak = weak_from_this(), callback = std::move(done), why] {
            if (!weak.expired()) callback(fail(why));
        });
    };
    auto url = parse_http_url(request.url);
    if (!url) return refuse(url.error());
    if (calls_.size() >= options_.max_requests) return refuse(HttpClientError::kBusy);
    const auto call =
        std::make_shared<Call>(loop_, std::move(request), *std::move(url), std::move(done));
    calls_.insert(call.get());
    call->end = EventLoop::now() + call->request.timeout;
    call->cut_at(call->end, HttpClientError::kTimeout);
    asio::co_spawn(context_of(loop_), run(shared_from_this(), call), Rethrow{});
}

void HttpClient::Impl::stop() {
    pool_.clear();
    for (Call* call : calls_) {
        call->done = nullptr;
        call->cut(HttpClientError::kClosed);
    }
}

asio::awaitable<void> HttpClient::Impl::run(std::shared_ptr<Impl> self,
                                            std::shared_ptr<Call> call) {
    if (auto idle = pool_.take(call->url)) {
        co_await attempt(*call, std::move(idle));
        // The server may have closed it just then. What it has not begun to answer is sent once
        // more; receivers of webhooks know an event that came twice by its id (HOOK-06).
        if (call->error == HttpClientError::kClosed && call->done && !call->link->was_answered()) {
            call->error.reset();
            co_await attempt(*call, nullptr);
        }
    } else {
        co_await attempt(*call, nullptr);
    }
    finish(*call);
    call.reset();
    self.reset();
}

// Over `link`, or over a new connection.
asio::awaitable<void> HttpClient::Impl::attempt(Call& call, std::unique_ptr<HttpClientLink> link) {
    const bool is_new = link == nullptr;
    call.link = is_new ? std::make_unique<HttpClientLink>(loop_) : std::move(link);
    HttpClientLink::Failure failure;
    if (is_new) {
        ++stats_.connections;
        const Timestamp connected = EventLoop::now() + call.request.connect_timeout;
        if (connected < call.end) call.cut_at(connected, HttpClientError::kConnect);
        failure = co_await call.link->open(call.url, options_.allow_address,
                                           [this]() -> ssl::context& { return tls(); });
    }
    const ParserLimits limits{options_.max_response_header_bytes, 1000,
                              options_.max_response_body_bytes};
    if (failure || call.error) {
        if (!call.error) call.error = failure;
        co_return;
    }
    call.cut_at(call.end, HttpClientError::kTimeout);
    const std::function<void()> header_came = [this, &call] {
        const Timestamp patience = EventLoop::now() + options_.body_patience;
        if (call.request.status_suffices)
            call.cut_at(earlier(call.end, patience), HttpClientError::kTimeout);
    };
    failure =
        co_await call.link->exchange(call.request, call.url, limits, call.response, header_came);
    if (!failure && call.request.status_suffices)
        call.error.reset();  // cut when the status was there
    else if (!call.error)
        call.error = failure;
}

void HttpClient::Impl::finish(Call& call) {
    calls_.erase(&call);
    call.deadline.cancel();
    const Callback done = std::exchange(call.done, nullptr);
    if (done && !call.error && call.link->can_be_reused())
        pool_.put(call.url, std::move(call.link));
    else
        call.link->cut();
    if (!done) return;
    if (call.error)
        done(fail(*call.error));
    else
        done(std::move(call.response));
}

HttpClient::HttpClient(EventLoop& loop, HttpClientOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(options))) {}
HttpClient::~HttpClient() {
    impl_->stop();
}
void HttpClient::send(HttpClientRequest request, Callback done) {
    impl_->send(std::move(request), std::move(done));
}
std::size_t HttpClient::under_way() const {
    return impl_->under_way();
}
const HttpClientStats& HttpClient::stats() const {
    return impl_->stats();
}
void HttpClient::prepare_tls() {
    (void)impl_->tls();
}

}  // namespace confab::net
