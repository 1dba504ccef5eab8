// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A Port over connections, as whoever has the sockets drives it: it connects when dial() says so,
// hands over bytes and a time, and writes what take_output() gives. Links are numbered from 0; a
// number is used again for the connection that takes an ended one's place.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "redis/address.h"
#include "redis/port.h"

namespace confab::redis {

struct Dial {
    std::size_t link = 0;
    Address to;
};

class Driven : public Port {
  public:
    // A connection to be made now, in place of the link's former one; it is under way until
    // connected() or closed(). Asked until there is none.
    virtual std::optional<Dial> dial(Timestamp now) = 0;
    virtual void connected(Timestamp now, std::size_t link) = 0;
    virtual void received(Timestamp now, std::size_t link, BytesView bytes) = 0;
    virtual void closed(Timestamp now, std::size_t link, std::string_view why) = 0;
    virtual void advance(Timestamp now) = 0;
    virtual Timestamp next_deadline() const = 0;
    virtual std::string take_output(std::size_t link) = 0;
    // Whether the link's socket is wanted, or still being connected. It may have ended by itself.
    virtual bool keeps(std::size_t link) const = 0;
    virtual std::size_t links() const = 0;

    // Why it is not up, for logs and answers; empty while it is.
    virtual std::string trouble() const = 0;
};

}  // namespace confab::redis
