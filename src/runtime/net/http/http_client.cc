// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/http_client.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <set>

#include "base/text.h"
#include "runtime/net/event_loop_impl.h"
#include "runtime/net/http/http_parser.h"

namespace confab::net {

namespace ssl = boost::asio::ssl;

namespace {

constexpr std::size_t kReadChunk = 16 * 1024;
constexpr std::size_t kMaxInterim = 8;  // 1xx responses before the real one

IpAddress to_ip(const asio::ip::address& address) {
    if (address.is_v4()) return IpAddress::v4(address.to_v4().to_uint());
    const asio::ip::address_v6 v6 = address.to_v6();
    if (v6.is_v4_mapped())
        return IpAddress::v4(asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_uint());
    const auto bytes = v6.to_bytes();
    return IpAddress::v6_bytes(bytes);
}

std::string serialize_request(const HttpClientRequest& request, const HttpUrl& url) {
    std::string out =
        request.method + " " + url.target + " HTTP/1.1\r\nHost: " + url.host_header +
        "\r\nConnection: close\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n";
    for (const HttpHeader& header : request.headers) {
        const bool ours = equals_ignore_case(header.name, "host") ||
                          equals_ignore_case(header.name, "connection") ||
                          equals_ignore_case(header.name, "content-length");
        const std::string line = header.name + ": " + header.value;
        if (!ours && line.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos)
            out += line + "\r\n";
    }
    return out + "\r\n" + request.body;
}

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

  private:
    struct Call;
    asio::awaitable<void> run(std::shared_ptr<Impl> self, std::shared_ptr<Call> call);
    asio::awaitable<bool> connect(Call& call);
    asio::awaitable<bool> start_tls(Call& call);
    template <typename Stream>
    asio::awaitable<void> converse(Call& call, Stream& stream);
    ssl::context& tls();
    void finish(Call& call);

    EventLoop& loop_;
    HttpClientOptions options_;
    std::optional<ssl::context> tls_;
    std::set<Call*> calls_;
};

struct HttpClient::Impl::Call {
    Call(EventLoop& loop, HttpClientRequest what, HttpUrl where, Callback callback)
        : request(std::move(what)),
          url(std::move(where)),
          done(std::move(callback)),
          resolver(context_of(loop)),
          socket(context_of(loop)),
          deadline(loop) {}

    // The first error stands; a socket closed by the deadline gives further ones.
    void fail_with(HttpClientError why) {
        if (!error) error = why;
    }
    void cut() {
        ErrorCode ignored;
        resolver.cancel();
        socket.close(ignored);
    }

    HttpClientRequest request;
    HttpUrl url;
    Callback done;
    tcp::resolver resolver;
    tcp::socket socket;
    std::optional<ssl::stream<tcp::socket&>> tls;
    EventLoop::Timer deadline;
    std::optional<HttpClientError> error;
    HttpResponse response;
};

HttpClient::Impl::Impl(EventLoop& loop, HttpClientOptions options)
    : loop_(loop), options_(std::move(options)) {}

// Made for the first https request: reading the system's roots takes longer than everything else
// that happens at a start, and 1 MB.
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
    call->deadline.set(EventLoop::now() + call->request.timeout, [call = call.get()] {
        call->fail_with(HttpClientError::kTimeout);
        call->cut();
    });
    asio::co_spawn(context_of(loop_), run(shared_from_this(), call), Rethrow{});
}

void HttpClient::Impl::stop() {
    for (Call* call : calls_) {
        call->done = nullptr;
        call->fail_with(HttpClientError::kClosed);
        call->cut();
    }
}

asio::awaitable<void> HttpClient::Impl::run(std::shared_ptr<Impl> self,
                                            std::shared_ptr<Call> call) {
    const bool connected = co_await connect(*call);
    if (connected && call->url.tls) {
        const bool secured = co_await start_tls(*call);
        if (secured) co_await converse(*call, *call->tls);
    } else if (connected) {
        co_await converse(*call, call->socket);
    }
    finish(*call);
    call.reset();
    self.reset();
}

void HttpClient::Impl::finish(Call& call) {
    calls_.erase(&call);
    call.deadline.cancel();
    call.cut();
    const Callback done = std::exchange(call.done, nullptr);
    if (!done) return;
    if (call.error)
        done(fail(*call.error));
    else
        done(std::move(call.response));
}

// The filter sees the very addresses that are connected to, so that a name cannot change its
// meaning in between (08 IMM-14).
asio::awaitable<bool> HttpClient::Impl::connect(Call& call) {
    const auto [resolve_error, results] = co_await call.resolver.async_resolve(
        call.url.host, std::to_string(call.url.port), use_result);
    if (resolve_error) call.fail_with(HttpClientError::kResolve);
    HttpClientError failure = HttpClientError::kForbidden;
    for (const auto& entry : results) {
        if (call.error) co_return false;
        if (options_.allow_address && !options_.allow_address(to_ip(entry.endpoint().address())))
            continue;
        ErrorCode ignored;
        call.socket.close(ignored);
        const tcp::endpoint endpoint = entry.endpoint();
        const auto [connect_error] = co_await call.socket.async_connect(endpoint, use_result);
        if (!connect_error && !call.error) co_return true;
        failure = HttpClientError::kConnect;
    }
    call.fail_with(failure);
    co_return false;
}

asio::awaitable<bool> HttpClient::Impl::start_tls(Call& call) {
    call.tls.emplace(call.socket, tls());
    ErrorCode ignored;
    call.tls->set_verify_callback(ssl::host_name_verification(call.url.host), ignored);
    // SNI carries names only, no addresses (RFC 6066 §3).
    if (!IpAddress::parse(call.url.host))
        SSL_ctrl(call.tls->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 call.url.host.data());
    const auto [error] = co_await call.tls->async_handshake(ssl::stream_base::client, use_result);
    if (error) call.fail_with(HttpClientError::kTls);
    co_return !error;
}

template <typename Stream>
asio::awaitable<void> HttpClient::Impl::converse(Call& call, Stream& stream) {
    const std::string bytes = serialize_request(call.request, call.url);
    // A server may answer early and stop reading, so a failed write is judged by the response.
    (void)co_await asio::async_write(stream, asio::buffer(bytes), use_result);
    const ParserLimits limits{options_.max_response_header_bytes, 1000,
                              options_.max_response_body_bytes};
    beast::flat_buffer buffer;
    for (std::size_t interim = 0; interim <= kMaxInterim && !call.error; ++interim) {
        ResponseParser parser(limits);
        parser.eager(true);
        parser.skip(call.request.method == "HEAD");
        ErrorCode error;
        if (buffer.size() > 0) error = parser.feed(buffer);
        while (!error && !parser.is_done()) {
            const auto space = buffer.prepare(kReadChunk);
            const auto [read_error, size] = co_await stream.async_read_some(space, use_result);
            buffer.commit(size);
            if (size > 0) error = parser.feed(buffer);
            if (read_error && !error && !parser.is_done()) {
                // A response without length ends with the connection (RFC 9112 §6.3).
                if (parser.got_some()) parser.put_eof(error);
                if (!parser.is_done()) call.fail_with(HttpClientError::kClosed);
                break;
            }
        }
        if (error == beast::http::error::body_limit || error == beast::http::error::header_limit)
            call.fail_with(HttpClientError::kTooLarge);
        else if (error)
            call.fail_with(HttpClientError::kBadResponse);
        if (call.error) co_return;
        if (parser.status / 100 == 1) continue;
        call.response = {parser.status, std::move(parser.headers), std::move(parser.body)};
        co_return;
    }
    call.fail_with(HttpClientError::kBadResponse);
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

}  // namespace confab::net
