// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/peer/connection_state.h"

#include <doctest/doctest.h>

#include <vector>

namespace confab::peer {
namespace {

using enum TransportState;

std::vector<TransportState> news(ConnectionState& connection) {
    std::vector<TransportState> states;
    while (const auto changed = connection.poll())
        states.push_back(changed->state);
    return states;
}

using States = std::vector<TransportState>;

TEST_CASE("ConnectionState: connected once, then lost and back, each told once [ICE-04]") {
    ConnectionState connection;
    CHECK(connection.state() == kConnecting);
    CHECK_FALSE(connection.has_news());
    connection.ice_connected();  // a path alone is no connection
    connection.ice_disconnected();
    CHECK(connection.state() == kConnecting);
    connection.media_ready();
    CHECK(connection.connected());
    connection.media_ready();
    connection.ice_connected();
    connection.ice_disconnected();
    CHECK_FALSE(connection.connected());
    connection.ice_disconnected();
    connection.media_ready();  // it is ICE that must come back
    connection.ice_connected();
    CHECK(connection.connected());
    connection.ice_disconnected();
    CHECK(connection.has_news());
    CHECK(news(connection) == States{kConnected, kDisconnected, kReconnected, kDisconnected});
    CHECK_FALSE(connection.has_news());
}

TEST_CASE(
    "ConnectionState: a failure of ICE ends with its restart, connected before or not [ICE-14]") {
    for (const bool was_connected : {false, true}) {
        ConnectionState connection;
        if (was_connected) connection.media_ready();
        connection.ice_checking();  // nothing has failed
        (void)news(connection);
        connection.fail(TransportFailure::kIce);
        connection.fail(TransportFailure::kIce);
        const auto failed = connection.poll();
        REQUIRE(failed);
        CHECK(failed->state == kFailed);
        CHECK(failed->failure == TransportFailure::kIce);
        CHECK_FALSE(connection.has_news());
        connection.ice_connected();
        connection.media_ready();
        CHECK(connection.state() == kFailed);
        connection.ice_checking();
        const auto back = connection.poll();
        REQUIRE(back);
        CHECK(back->state == (was_connected ? kDisconnected : kConnecting));
        CHECK(back->failure == TransportFailure::kNone);
    }
}

TEST_CASE("ConnectionState: DTLS that was late may come with the next path [ICE-17]") {
    ConnectionState connection;
    connection.fail(TransportFailure::kStalled);
    connection.fail(TransportFailure::kIce);  // of the same path
    connection.media_ready();
    CHECK(connection.state() == kFailed);
    CHECK(connection.poll()->failure == TransportFailure::kStalled);
    connection.ice_checking();
    connection.media_ready();
    CHECK(news(connection) == States{kConnecting, kConnected});
    connection.fail(TransportFailure::kStalled);
    connection.fail(TransportFailure::kDtls);
    CHECK(news(connection) == States{kFailed, kFailed});
}

TEST_CASE("ConnectionState: a failure of DTLS is final, whatever ICE does [DTLS-13][IMM-6]") {
    for (const auto reason : {TransportFailure::kDtls, TransportFailure::kFingerprint}) {
        ConnectionState connection;
        connection.fail(TransportFailure::kIce);
        connection.fail(reason);  // after one of ICE it still counts
        CHECK(news(connection) == States{kFailed, kFailed});
        connection.fail(TransportFailure::kIce);
        connection.fail(TransportFailure::kDtls);
        connection.ice_checking();
        connection.ice_connected();
        connection.media_ready();
        CHECK(connection.state() == kFailed);
        CHECK_FALSE(connection.has_news());
    }
}

}  // namespace
}  // namespace confab::peer
