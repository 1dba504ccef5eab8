// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/connection/connections.h"

#include <doctest/doctest.h>

namespace confab::client {
namespace {

ConnectionsConfig config(srtp::Engine& engine, bool single) {
    return {single,
            {&engine, nullptr, true},
            "AA:BB",
            {SocketAddress{IpAddress::v4(1), 1}, SocketAddress{IpAddress::v4(1), 2}}};
}

}  // namespace

TEST_CASE(
    "Connections: one carries both ways, of two the second is there once it is offered [SIG-80]") {
    srtp::Engine engine;
    Rng rng(3);
    Connections one(config(engine, true), rng);
    CHECK(one.downstream() == &one.publisher());
    CHECK(one.find(Target::kSubscriber) == nullptr);
    Connections two(config(engine, false), rng);
    CHECK(two.downstream() == nullptr);
    Connection& subscriber = two.open_subscriber(ice::Role::kControlled);
    CHECK(two.downstream() == &subscriber);
    CHECK(subscriber.address().port == 2);
    CHECK(two.publisher().address().port == 1);
    CHECK(subscriber.local().ufrag != two.publisher().local().ufrag);
    CHECK_FALSE(two.ready());
    CHECK_FALSE(two.failed());
}

}  // namespace confab::client
