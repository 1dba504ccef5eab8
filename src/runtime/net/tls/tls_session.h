// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// TLS over a connected non-blocking socket of the caller. What has been received and not read yet
// is in here or in the socket, nowhere else: with its socket a session can go on in another thread.
// Nothing blocks; what does not go now is tried again when the socket is ready for what is wanted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "runtime/net/tls/tls_context.h"

struct ssl_st;
struct ssl_ctx_st;

namespace confab::net {

struct TlsResult {
    enum class State : std::uint8_t { kDone, kWantsRead, kWantsWrite, kClosed, kFailed };
    State state = State::kDone;
    std::size_t size = 0;  // bytes, with kDone

    bool is_waiting() const { return state == State::kWantsRead || state == State::kWantsWrite; }
};

class TlsSession {
  public:
    static constexpr std::size_t kMaxRecord = 16 * 1024;  // RFC 8446 §5.1

    // The server's side.
    TlsSession(int fd, const TlsContext& context);
    // The client's, with a context of its authorities. The certificate has to name `name`, a host
    // or an address, unless that is empty.
    TlsSession(int fd, ssl_ctx_st* context, const std::string& name);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    TlsResult handshake();
    TlsResult read(BytesSpan into);
    TlsResult write(BytesView bytes);
    // As read(), but the bytes stay.
    TlsResult peek(BytesSpan into);
    // Tells the other side that nothing more comes, if that goes at once.
    void say_end();

    // After the handshake: what was agreed on (ALPN), and the name that the client asked for (SNI);
    // empty: nothing.
    std::string_view protocol() const;
    std::string_view server_name() const;
    // Why the certificate of the server was not accepted; empty: it was, or it did not come to
    // that.
    std::string refused_certificate() const;
    // Of the last kFailed, for the log.
    const std::string& failure() const { return failure_; }

  private:
    struct Free {
        void operator()(ssl_st* ssl) const;
    };
    void open(int fd, ssl_ctx_st* context);
    TlsResult result_of(int code);

    std::shared_ptr<const TlsContext::State> state_;  // its callbacks refer to it
    std::unique_ptr<ssl_st, Free> ssl_;
    std::string failure_;
};

}  // namespace confab::net
