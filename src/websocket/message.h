// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is sent over WebSockets: parts that may be in several messages, in messages that may go to
// many connections. A part is kept once and compressed once, when the first connection with
// permessage-deflate is to be sent it. All connections that share one are of one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/shared.h"

namespace confab::websocket {

class MessagePart {
  public:
    explicit MessagePart(std::string plain) : MessagePart(Shared<std::string>(std::move(plain))) {}
    explicit MessagePart(Shared<std::string> plain) : plain_(std::move(plain)) {}

    const std::string& plain() const { return *plain_; }
    // A DEFLATE stream of its own that ends on a byte boundary, with the empty block that the last
    // one of a message goes without (RFC 7692 §7.2.1): it refers to nothing before it, so that
    // parts stand behind each other in any order. Adds 1 to `made` if it had to be made.
    const std::string& deflated(std::uint64_t& made) const;

    static constexpr std::size_t kTailBytes = 4;  // of that empty block: 00 00 FF FF

  private:
    Shared<std::string> plain_;
    mutable std::string deflated_;
};

struct Message {
    // Below this the whole message is in one segment anyway.
    static constexpr std::size_t kMinDeflated = 256;

    using Part = std::shared_ptr<const MessagePart>;

    Message() = default;
    explicit Message(std::string plain) { add(std::make_shared<MessagePart>(std::move(plain))); }
    void add(Part part) {
        size += part->plain().size();
        parts.push_back(std::move(part));
    }
    std::vector<Part> parts;
    std::size_t size = 0;  // uncompressed
};

}  // namespace confab::websocket
