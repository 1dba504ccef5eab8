// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For the tests of a session's parts: link and connections as a session has them.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "client/connection/connections.h"
#include "client/session/descriptions.h"
#include "client/session/negotiation.h"
#include "client/session/signal_link.h"

namespace confab::client {

struct Parts {
    explicit Parts(bool single)
        : connections({single, {&engine, nullptr, true}, "AA:BB", {}}, rng),
          negotiation(OfferSize::kLean, connections, link) {}

    std::vector<livekit::SignalRequest> requests() {
        std::vector<livekit::SignalRequest> all;
        while (const auto text = link.poll()) {
            all.emplace_back();
            REQUIRE(all.back().ParseFromString(*text));
        }
        return all;
    }
    // Of a server that takes everything.
    static livekit::SessionDescription answer(const livekit::SessionDescription& offer) {
        livekit::SessionDescription answer;
        answer.set_type("answer");
        answer.set_id(offer.id());
        answer.set_sdp(answer_to(*sdp::parse(offer.sdp()), {"srvr", "server-password", "CC"}));
        return answer;
    }
    static livekit::SessionDescription offer(std::uint32_t id, const char* ufrag) {
        OfferBuilder server(OfferSize::kLean, 0);
        livekit::SessionDescription offer;
        offer.set_id(id);
        offer.set_sdp(server.offer({ufrag, "server-password", "CC"}));
        return offer;
    }

    static constexpr Timestamp kNow = Timestamp::micros(1'000'000);
    srtp::Engine engine;
    Rng rng{3};
    SignalLink link{UnixTime{}};
    Connections connections;
    Negotiation negotiation;
};

}  // namespace confab::client
