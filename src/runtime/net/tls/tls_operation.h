// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Asio's asynchronous operations over a TlsSession. Included by .cc files only.
#pragma once

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <algorithm>
#include <array>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/bytes.h"
#include "runtime/net/tls/tls_session.h"

namespace confab::net {

// Does one step of the session again and again, as the socket gets ready, until it is done, or the
// socket is closed or cancelled. Both outlive it. Never completes within the call that begins it.
template <typename Step>
class TlsOperation {
  public:
    TlsOperation(tcp::socket& socket, Step step) : socket_(&socket), step_(std::move(step)) {}

    template <typename Self>
    void operator()(Self& self, ErrorCode error = {}) {
        if (is_done_) return self.complete(error_, size_);
        if (error) return self.complete(error, 0);
        // It may have been closed since it got ready, and its number be another's by now.
        if (!socket_->is_open()) return self.complete(asio::error::operation_aborted, 0);
        const bool is_first = std::exchange(is_first_, false);
        const TlsResult result = step_();
        if (result.is_waiting()) {
            const auto kind = result.state == TlsResult::State::kWantsRead
                                  ? tcp::socket::wait_read
                                  : tcp::socket::wait_write;
            return socket_->async_wait(kind, std::move(self));
        }
        if (result.state == TlsResult::State::kClosed) error = asio::error::eof;
        if (result.state == TlsResult::State::kFailed) error = asio::error::connection_reset;
        if (!is_first) return self.complete(error, result.size);
        is_done_ = true;
        error_ = error;
        size_ = result.size;
        asio::post(socket_->get_executor(), std::move(self));
    }

  private:
    tcp::socket* socket_;
    Step step_;
    ErrorCode error_;
    std::size_t size_ = 0;
    bool is_first_ = true;
    bool is_done_ = false;
};

// (ErrorCode, std::size_t) as of reading and writing.
template <typename Step, typename Token>
auto async_tls(tcp::socket& socket, Step step, Token&& token) {
    return asio::async_compose<Token, void(ErrorCode, std::size_t)>(
        TlsOperation<Step>(socket, std::move(step)), token, socket);
}

// Up to a record of the buffers, from several in one piece: each write is a record of its own.
template <typename Buffers>
class TlsWrite {
  public:
    TlsWrite(TlsSession& tls, const Buffers& buffers) : tls_(&tls), buffers_(buffers) {}

    TlsResult operator()() const {
        asio::const_buffer first;
        std::size_t count = 0;
        for (auto it = asio::buffer_sequence_begin(buffers_);
             it != asio::buffer_sequence_end(buffers_); ++it) {
            const asio::const_buffer one(*it);
            if (one.size() == 0) continue;
            if (count++ == 0) first = one;
        }
        if (count <= 1 || first.size() >= TlsSession::kMaxRecord)
            return tls_->write({static_cast<const std::uint8_t*>(first.data()),
                                std::min(first.size(), TlsSession::kMaxRecord)});
        // The same bytes again where it has to be tried again.
        std::array<std::uint8_t, TlsSession::kMaxRecord> record;
        const std::size_t size = asio::buffer_copy(asio::buffer(record), buffers_);
        return tls_->write(BytesView(record).first(size));
    }

  private:
    TlsSession* tls_;
    Buffers buffers_;
};

template <typename Buffers>
class TlsRead {
  public:
    TlsRead(TlsSession& tls, const Buffers& buffers) : tls_(&tls) {
        for (auto it = asio::buffer_sequence_begin(buffers);
             it != asio::buffer_sequence_end(buffers) && into_.size() == 0; ++it)
            into_ = asio::mutable_buffer(*it);
    }
    TlsResult operator()() const {
        return tls_->read({static_cast<std::uint8_t*>(into_.data()), into_.size()});
    }

  private:
    TlsSession* tls_;
    asio::mutable_buffer into_;
};

}  // namespace confab::net
