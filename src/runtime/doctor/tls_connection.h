// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// TLS of a client that goes on whatever the certificate is, and tells what is wrong with it: the
// authorities are the system's (or those of SSL_CERT_FILE). Nothing secret may be sent over it.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "runtime/doctor/waiting.h"

namespace confab::doctor {

class TlsConnection {
  public:
    // `fd`: connected, non-blocking, and outlives this. `name`: in the certificate.
    TlsConnection(int fd, const std::string& name);
    ~TlsConnection();
    TlsConnection(const TlsConnection&) = delete;
    TlsConnection& operator=(const TlsConnection&) = delete;

    // What came of the handshake. After kHandshake nothing can be sent.
    TlsFacts shake_hands(const Deadline& deadline);
    bool write(BytesView bytes, const Deadline& deadline);
    // 0: the connection ended, or the deadline came first.
    std::size_t read(BytesSpan into, const Deadline& deadline);

  private:
    struct State;
    bool wait(int code, const Deadline& deadline);
    std::unique_ptr<State> state_;
};

// A new connection for nothing but its certificate.
TlsFacts probe_tls(const SocketAddress& to, const std::string& name, const Deadline& deadline);

}  // namespace confab::doctor
