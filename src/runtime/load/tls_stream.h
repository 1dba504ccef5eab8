// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// TLS of a client over a non-blocking socket of the caller: the certificate has to be one of the
// system's authorities (or of SSL_CERT_FILE) for that name.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace confab::load {

struct StreamResult {
    std::size_t size = 0;  // 0 without an error: not now
    std::string error;
    bool wants_to_read = false;  // before anything can be written
};

class TlsStream {
  public:
    TlsStream(int fd, const std::string& name);
    ~TlsStream();
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    StreamResult read(char* data, std::size_t size);
    StreamResult write(const char* data, std::size_t size);

  private:
    struct State;
    StreamResult result_of(int code);
    std::unique_ptr<State> state_;
};

}  // namespace confab::load
