// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/tls/stream_entry.h"

#include <sys/socket.h>

#include <array>

#include "wire/first_bytes.h"

namespace confab::net {
namespace {

using wire::FirstBytes;

// Wakes a wait for reading with that many bytes, or the end.
void wait_for_bytes(int fd, std::size_t count) {
    const int bytes = static_cast<int>(count);
    (void)::setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

// kMore: it ended before it could be told.
asio::awaitable<FirstBytes> first_bytes(tcp::socket& socket) {
    FirstBytes kind = FirstBytes::kMore;
    std::size_t seen = 0;
    while (kind == FirstBytes::kMore) {
        const auto [error] = co_await socket.async_wait(tcp::socket::wait_read, use_result);
        if (error || !socket.is_open()) co_return FirstBytes::kMore;
        const int fd = socket.native_handle();
        std::array<std::uint8_t, wire::kFirstBytes> start;
        const ssize_t size = ::recv(fd, start.data(), start.size(), MSG_PEEK | MSG_DONTWAIT);
        // Nothing new, and yet it is to be read: its end.
        if (size <= 0 || static_cast<std::size_t>(size) == seen) co_return FirstBytes::kMore;
        seen = static_cast<std::size_t>(size);
        kind = wire::first_bytes(BytesView(start).first(seen));
        wait_for_bytes(fd, kind == FirstBytes::kMore ? seen + 1 : 1);
    }
    co_return kind;
}

asio::awaitable<StreamEntry> enter_tls(Stream& stream, const TlsContext& context,
                                       bool looks_inside) {
    stream.start_tls(context);
    const auto [error, nothing] = co_await stream.async_handshake(use_result);
    if (error) co_return StreamEntry::kNoHandshake;
    TlsSession& tls = *stream.tls();
    if (tls.protocol() == kAcmeTlsProtocol) co_return StreamEntry::kChallenge;
    if (tls.protocol() == kHttpProtocol || !looks_inside) co_return StreamEntry::kHttp;
    std::array<std::uint8_t, wire::kFirstBytes> start;
    const auto peek = [&tls, &start] { return tls.peek(start); };
    const auto [failure, size] = co_await async_tls(stream.socket(), peek, use_result);
    if (failure) co_return StreamEntry::kNothing;
    switch (wire::first_bytes(BytesView(start).first(size))) {
        case FirstBytes::kHttp:
            co_return StreamEntry::kHttp;
        case FirstBytes::kTurn:
        case FirstBytes::kMore:  // it is no request, and messages of TURN come as a whole
            co_return StreamEntry::kTurn;
        default:
            co_return StreamEntry::kNothing;
    }
}

}  // namespace

asio::awaitable<StreamEntry> enter(Stream& stream, const TlsContext& tls, bool looks_inside) {
    const FirstBytes kind = co_await first_bytes(stream.socket());
    switch (kind) {
        case FirstBytes::kTls: {
            const StreamEntry entry = co_await enter_tls(stream, tls, looks_inside);
            co_return entry;
        }
        case FirstBytes::kHttp:
            co_return StreamEntry::kHttp;
        case FirstBytes::kIceTcp:
            co_return StreamEntry::kIceTcp;
        default:
            co_return StreamEntry::kNothing;
    }
}

}  // namespace confab::net
