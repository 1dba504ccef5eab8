// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For the tests of what goes over a connection: two that talk to each other.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <vector>

#include "client/connection/connection.h"
#include "client/session/descriptions.h"
#include "rtc/srtp/profile.h"

namespace confab::client {

class Pair {
  public:
    explicit Pair(const std::vector<srtp::Profile>& profiles = {}) {
        for (std::size_t i = 0; i < 2; ++i) {
            ConnectionConfig config;
            config.crypto = {&engine_, nullptr, true};
            config.role = i == 0 ? ice::Role::kControlling : ice::Role::kControlled;
            config.address = {IpAddress::v4(0x0A00'0001U + static_cast<std::uint32_t>(i)), 4000};
            config.local.fingerprint = "AA:BB";  // nobody asks: keys are simulated
            config.opens_channels = i == 0;
            config.profiles = profiles;
            ends_[i] = std::make_unique<Connection>(config, Rng(i + 1));
        }
    }
    Connection& offerer() { return *ends_[0]; }
    Connection& answerer() { return *ends_[1]; }
    void negotiate() {
        const auto offer = sdp::parse(builder_.offer(offerer().local()));
        REQUIRE(offer.has_value());
        REQUIRE(answerer().set_remote(now, *offer, false));
        const auto answer = sdp::parse(answer_to(*offer, answerer().local()));
        REQUIRE(answer.has_value());
        REQUIRE(offerer().set_remote(now, *answer, true));
        for (std::size_t i = 0; i < 2; ++i)
            ends_[1 - i]->add_candidate(now, *candidate_of(ends_[i]->candidate_init()));
    }
    void run(Duration time) {
        for (const Timestamp end = now + time; now < end; now = now + Duration::millis(5))
            for (std::size_t i = 0; i < 2; ++i)
                turn(i);
    }

    std::vector<Bytes> messages;  // that either side got
    std::vector<Bytes> rtp;       // that the answerer got, decrypted
    struct Rtcp {
        Bytes compound;
        std::size_t behind = 0;  // so many of rtp
    };
    std::vector<Rtcp> rtcp;  // likewise
    Timestamp now = Timestamp::micros(1'000'000);

  private:
    void turn(std::size_t i) {
        if (now >= ends_[i]->transport().next_deadline()) ends_[i]->transport().handle_timeout(now);
        while (auto out = ends_[i]->poll_transmit()) {
            ice::Path path;
            path.local = ends_[1 - i]->address();
            path.remote = ends_[i]->address();
            const auto media = ends_[1 - i]->transport().handle_packet(now, path, out->bytes);
            if (media.kind == peer::Transport::Media::Kind::kRtp)
                rtp.push_back(to_vector(BytesView(media.packet)));
            if (media.kind == peer::Transport::Media::Kind::kRtcp)
                rtcp.push_back({to_vector(BytesView(media.packet)), rtp.size()});
        }
        while (const auto event = ends_[i]->poll_event())
            if (const auto* message = std::get_if<peer::MessageReceived>(&*event))
                messages.push_back(message->payload);
    }

    srtp::Engine engine_;
    std::array<std::unique_ptr<Connection>, 2> ends_;
    OfferBuilder builder_{OfferSize::kLean, 1};
};

}  // namespace confab::client
