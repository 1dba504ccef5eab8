// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/http_client_link.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <sys/socket.h>

#include <boost/asio/write.hpp>

#include "base/text.h"
#include "runtime/net/event_loop_impl.h"

namespace confab::net {

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
    std::string out = request.method + " " + url.target + " HTTP/1.1\r\nHost: " + url.host_header +
                      "\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n";
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

}  // namespace

HttpClientLink::HttpClientLink(EventLoop& loop)
    : resolver_(context_of(loop)), stream_(tcp::socket(context_of(loop))) {}

void HttpClientLink::cut() {
    resolver_.cancel();
    stream_.close();
}

// The filter sees the very addresses that are connected to, so that a name cannot change its
// meaning in between (08 IMM-14).
asio::awaitable<HttpClientLink::Failure> HttpClientLink::open(
    const HttpUrl& url, const std::function<bool(const IpAddress&)>& allow,
    const std::function<ssl::context&()>& tls) {
    const auto [resolve_error, results] =
        co_await resolver_.async_resolve(url.host, std::to_string(url.port), use_result);
    if (resolve_error) co_return HttpClientError::kResolve;
    HttpClientError failure = HttpClientError::kForbidden;
    for (const auto& entry : results) {
        if (allow && !allow(to_ip(entry.endpoint().address()))) continue;
        stream_.close();
        const tcp::endpoint endpoint = entry.endpoint();
        const auto [connect_error] = co_await stream_.socket().async_connect(endpoint, use_result);
        if (!connect_error) {
            if (!url.tls) co_return Failure{};
            Failure refused = co_await handshake(url, tls());
            co_return refused;
        }
        failure = HttpClientError::kConnect;
        if (connect_error == asio::error::operation_aborted) break;
    }
    co_return failure;
}

asio::awaitable<HttpClientLink::Failure> HttpClientLink::handshake(const HttpUrl& url,
                                                                   ssl::context& context) {
    stream_.start_tls(context, url.host);
    const auto [error, size] = co_await stream_.async_handshake(use_result);
    co_return error ? Failure{HttpClientError::kTls} : Failure{};
}

asio::awaitable<HttpClientLink::Failure> HttpClientLink::exchange(
    const HttpClientRequest& request, const HttpUrl& url, const ParserLimits& limits,
    HttpResponse& response, const std::function<void()>& header_came) {
    was_answered_ = false;
    keep_alive_ = false;
    const std::string bytes = serialize_request(request, url);
    // A server may answer early and stop reading, so a failed write is judged by the response.
    (void)co_await asio::async_write(stream_, asio::buffer(bytes), use_result);
    for (std::size_t interim = 0; interim <= kMaxInterim; ++interim) {
        ResponseParser parser(limits);
        parser.eager(true);
        parser.skip(request.method == "HEAD");
        Failure failure = co_await read(parser, header_came);
        const bool has_status = parser.is_header_done() && parser.status / 100 != 1;
        if (failure && !(request.status_suffices && has_status)) co_return failure;
        if (!has_status) continue;
        keep_alive_ = !failure && parser.keep_alive() && buffer_.size() == 0;
        response = {parser.status, std::move(parser.headers), std::move(parser.body)};
        co_return Failure{};
    }
    co_return HttpClientError::kBadResponse;
}

asio::awaitable<HttpClientLink::Failure> HttpClientLink::read(
    ResponseParser& parser, const std::function<void()>& header_came) {
    ErrorCode error;
    bool is_told = false;
    if (buffer_.size() > 0) error = parser.feed(buffer_);
    while (!error && !parser.is_done()) {
        if (!is_told && parser.is_header_done()) {
            header_came();
            is_told = true;
        }
        const auto space = buffer_.prepare(kReadChunk);
        const auto [read_error, size] = co_await stream_.async_read_some(space, use_result);
        buffer_.commit(size);
        was_answered_ |= size > 0;
        if (size > 0) error = parser.feed(buffer_);
        if (read_error && !error && !parser.is_done()) {
            // A response without length ends with the connection (RFC 9112 §6.3).
            if (parser.got_some()) parser.put_eof(error);
            if (!parser.is_done()) co_return HttpClientError::kClosed;
            break;
        }
    }
    if (error == beast::http::error::body_limit || error == beast::http::error::header_limit)
        co_return HttpClientError::kTooLarge;
    co_return error ? Failure{HttpClientError::kBadResponse} : Failure{};
}

bool HttpClientLink::is_quiet() {
    char byte = 0;
    const ssize_t size =
        ::recv(stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

std::unique_ptr<HttpClientLink> HttpClientPool::take(const HttpUrl& url) {
    const Place place = place_of(url);
    // The youngest first: the others may end, if there are more than are needed.
    for (auto it = idle_.end(); it != idle_.begin();) {
        --it;
        if (it->second.place != place) continue;
        std::unique_ptr<HttpClientLink> link = std::move(it->second.link);
        it = idle_.erase(it);
        if (link->is_quiet()) return link;
    }
    return nullptr;
}

void HttpClientPool::put(const HttpUrl& url, std::unique_ptr<HttpClientLink> link) {
    if (limit_ == 0) return;
    if (idle_.size() >= limit_) idle_.erase(idle_.begin());
    const std::uint64_t number = next_++;
    const auto [entry, added] =
        idle_.emplace(number, Idle{place_of(url), std::move(link), EventLoop::Timer(loop_)});
    entry->second.end.set(EventLoop::now() + lifetime_, [this, number] { idle_.erase(number); });
}

}  // namespace confab::net
