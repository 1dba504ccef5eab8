// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What one process gives to the one that follows it, over a Unix socket: its bytes, its UDP sockets
// (SCM_RIGHTS, unix(7)), and the other way whether it was taken.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/secret.h"
#include "runtime/worker/socket/file_descriptor.h"

namespace confab::process_node {

struct HandOver {
    crypto::Secret bytes;
    std::vector<worker::FileDescriptor> sockets;
};

class HandOverStream {
  public:
    static constexpr std::size_t kMaxBytes = std::size_t{16} << 20U;
    static constexpr std::size_t kMaxSockets = 64;
    static constexpr std::chrono::seconds kPatience{10};  // with each step of the other side

    static Result<HandOverStream, std::string> connect(const std::string& path);
    // The first that comes to the socket at `path`.
    static Result<HandOverStream, std::string> accept(const worker::FileDescriptor& listener);
    static Result<worker::FileDescriptor, std::string> listen(const std::string& path);

    Result<void, std::string> send(BytesView bytes, std::span<const int> sockets);
    Result<HandOver, std::string> receive();
    // What became of it: true when it was taken. No answer is that it was not.
    void answer(bool taken);
    bool await_answer();

  private:
    explicit HandOverStream(worker::FileDescriptor fd);
    bool write_all(BytesView bytes);
    bool read_all(BytesSpan bytes);

    worker::FileDescriptor fd_;
};

}  // namespace confab::process_node
