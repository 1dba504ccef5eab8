// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two associations on a virtual link with what each received. Only for tests.
#pragma once

#include <doctest/doctest.h>

#include <vector>

#include "rtc/sctp/association/association.h"
#include "rtc/sctp/virtual_link_test.h"

namespace confab::sctp {

using Link = VirtualLink<Association, Event>;
inline constexpr std::uint32_t kPpid = 53;

struct Pair {
    explicit Pair(const LinkOptions& options, const Config& ca = {}, const Config& cb = {})
        : a(ca, Rng(options.seed * 2 + 1)), b(cb, Rng(options.seed * 2 + 2)), link(a, b, options) {
        link.on_event = [this](int side, Event& event) {
            if (auto* m = std::get_if<MessageReceived>(&event)) {
                messages[side].push_back(std::move(*m));
            } else {
                events[side].push_back(std::move(event));
            }
        };
        link.remake_a = [ca] { return Association(ca, Rng(1)); };
        link.remake_b = [cb] { return Association(cb, Rng(2)); };
    }
    void open() {
        a.connect(link.now());
        b.connect(link.now());
        REQUIRE(link.run_until(
            [this] {
                return a.state() == Association::State::kEstablished &&
                       b.state() == Association::State::kEstablished;
            },
            Duration::seconds(400)));
    }
    template <typename T>
    std::size_t count(int side) const {
        std::size_t n = 0;
        for (const Event& event : events[side])
            n += std::holds_alternative<T>(event) ? 1U : 0U;
        return n;
    }
    Association a;
    Association b;
    Link link;
    std::vector<MessageReceived> messages[2];
    std::vector<Event> events[2];
};

inline Bytes numbered(std::uint32_t number, std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 4; i < size; ++i)
        bytes[i] = static_cast<std::uint8_t>(i * 7 + number);
    store_be32(bytes.data(), number);
    return bytes;
}

}  // namespace confab::sctp
