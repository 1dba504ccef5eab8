// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Blocking sockets with an end: every probe runs on a thread of its own and may take as long as it
// is told, whatever the other side does.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/net_address.h"
#include "base/time.h"
#include "runtime/doctor/facts.h"
#include "runtime/worker/socket/file_descriptor.h"

namespace confab::doctor {

Timestamp monotonic();
UnixTime wall();

// A moment by which something has to be over.
class Deadline {
  public:
    explicit Deadline(Duration from_now) : at_(monotonic() + from_now) {}
    explicit Deadline(Timestamp at) : at_(at) {}
    Timestamp at() const { return at_; }
    Duration left() const { return std::max(Duration::zero(), at_ - monotonic()); }
    bool over() const { return left() == Duration::zero(); }
    // This one, or `from_now` if that is sooner.
    Deadline within(Duration from_now) const {
        return Deadline(earlier(at_, monotonic() + from_now));
    }

  private:
    Timestamp at_;
};

// What `ask` gives, or nothing when the deadline comes first: then it goes on behind our back, for
// what cannot be ended (getaddrinfo). It owns all that it uses.
template <typename Ask>
auto ask_apart(Ask ask, const Deadline& deadline) -> std::optional<decltype(ask())> {
    auto answer = std::make_shared<std::promise<decltype(ask())>>();
    auto future = answer->get_future();
    std::thread([answer, ask = std::move(ask)] { answer->set_value(ask()); }).detach();
    if (future.wait_for(std::chrono::microseconds(deadline.left().us())) !=
        std::future_status::ready)
        return std::nullopt;
    return future.get();
}

// For poll(): POLLIN or POLLOUT. False: the deadline came first.
bool wait_for(int fd, short events, const Deadline& deadline);

// IPv4 first: what servers offer for media in any case.
NameFacts resolve(const std::string& host, const Deadline& deadline);

struct Connected {
    Reach reach = Reach::kNotTried;
    worker::FileDescriptor fd;  // non-blocking
    std::string error;
};
Connected connect_tcp(const SocketAddress& to, const Deadline& deadline);

// "192.0.2.1:5" or "[2001:db8::1]:5" or a name, with a port; false: it is none of these.
bool split_host_port(std::string_view text, std::string& host, std::uint16_t& port);

}  // namespace confab::doctor
