// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For the tests of sessions: the client's half of signalling against hand-made answers of a server.
#pragma once

#include <doctest/doctest.h>

#include <optional>
#include <variant>
#include <vector>

#include "client/session/session.h"

namespace confab::client {

inline constexpr Timestamp kStart = Timestamp::micros(1'000'000);

// A session, and the server played by hand.
struct Fixture {
    explicit Fixture(bool single, bool auto_subscribe = true)
        : session(
              [&] {
                  SessionConfig config;
                  config.single = single;
                  config.auto_subscribe = auto_subscribe;
                  config.crypto = {&engine, nullptr, true};
                  config.fingerprint = "AA:BB";
                  config.addresses = {SocketAddress{IpAddress::v4(1), 1},
                                      SocketAddress{IpAddress::v4(1), 2}};
                  return config;
              }(),
              Rng(3)) {}

    livekit::JoinRequest joined() {
        const livekit::JoinRequest request = session.start(kStart);
        livekit::SignalResponse response;
        response.mutable_join()->mutable_participant()->set_sid("PA_me");
        response.mutable_join()->set_ping_interval(5);
        response.mutable_join()->set_ping_timeout(15);
        give(response);
        return request;
    }
    void give(const livekit::SignalResponse& response, Timestamp now = kStart) {
        REQUIRE(session.handle_signal(now, response.SerializeAsString()));
    }
    // The WebSocket dies and is there again; `requests` are those after it.
    std::vector<livekit::SignalRequest> resumed() {
        (void)requests();
        session.signal_closed();
        (void)session.resume(kStart, livekit::RR_SIGNAL_DISCONNECTED);
        livekit::SignalResponse response;
        response.mutable_reconnect();
        give(response);
        return requests();
    }
    // Takes everything that is offered.
    void answer(const livekit::SessionDescription& offer) {
        livekit::SignalResponse response;
        const auto parsed = sdp::parse(offer.sdp());
        REQUIRE(parsed.has_value());
        response.mutable_answer()->set_type("answer");
        response.mutable_answer()->set_id(offer.id());
        response.mutable_answer()->set_sdp(answer_to(*parsed, {"srvr", "server-password", "CC"}));
        give(response);
    }
    std::vector<livekit::SignalRequest> requests() {
        std::vector<livekit::SignalRequest> all;
        while (const auto text = session.poll_signal()) {
            all.emplace_back();
            REQUIRE(all.back().ParseFromString(*text));
        }
        return all;
    }
    // The only one of this kind, among those that wait.
    livekit::SignalRequest one(livekit::SignalRequest::MessageCase kind) {
        livekit::SignalRequest found;
        int count = 0;
        for (const auto& request : requests())
            if (request.message_case() == kind) {
                found = request;
                ++count;
            }
        CHECK(count == 1);
        return found;
    }
    template <typename T>
    std::optional<T> event() {
        while (const auto next = session.poll_event())
            if (const T* value = std::get_if<T>(&*next)) return *value;
        return std::nullopt;
    }
    static PublishOptions microphone(const char* cid) {
        PublishOptions options;
        options.cid = cid;
        options.source = livekit::MICROPHONE;
        options.plan.number = 1;
        options.plan.layers = {{"", 11, 0, 0, 0, 1}};
        return options;
    }

    srtp::Engine engine;
    Session session;
};

}  // namespace confab::client
