// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two connections talk to each other: one offers, the other answers.

#include "client/connection/connection.h"

#include <doctest/doctest.h>

#include "client/session/descriptions.h"
#include "wire/rtp/rtp.h"

namespace confab::client {
namespace {

constexpr Timestamp kStart = Timestamp::micros(1'000'000);

class Pair {
  public:
    Pair() {
        for (std::size_t i = 0; i < 2; ++i) {
            ConnectionConfig config;
            config.crypto = {&engine_, nullptr, true};
            config.role = i == 0 ? ice::Role::kControlling : ice::Role::kControlled;
            config.address = {IpAddress::v4(0x0A00'0001U + static_cast<std::uint32_t>(i)), 4000};
            config.local.fingerprint = "AA:BB";  // nobody asks: keys are simulated
            config.opens_channels = i == 0;
            ends_[i] = std::make_unique<Connection>(config, Rng(i + 1));
        }
    }
    Connection& offerer() { return *ends_[0]; }
    Connection& answerer() { return *ends_[1]; }
    void negotiate() {
        const auto offer = sdp::parse(builder_.offer(offerer().local()));
        REQUIRE(offer.has_value());
        REQUIRE(answerer().set_remote(now_, *offer, false));
        const auto answer = sdp::parse(answer_to(*offer, answerer().local()));
        REQUIRE(answer.has_value());
        REQUIRE(offerer().set_remote(now_, *answer, true));
        for (std::size_t i = 0; i < 2; ++i)
            ends_[1 - i]->add_candidate(now_, *candidate_of(ends_[i]->candidate_init()));
    }
    void run(Duration time) {
        for (const Timestamp end = now_ + time; now_ < end; now_ = now_ + Duration::millis(5))
            for (std::size_t i = 0; i < 2; ++i)
                turn(i);
    }

    std::vector<Bytes> messages;  // that either side got
    std::vector<Bytes> rtp;       // that the answerer got, decrypted
    Timestamp now_ = kStart;

  private:
    void turn(std::size_t i) {
        if (now_ >= ends_[i]->transport().next_deadline())
            ends_[i]->transport().handle_timeout(now_);
        while (auto out = ends_[i]->poll_transmit()) {
            ice::Path path;
            path.local = ends_[1 - i]->address();
            path.remote = ends_[i]->address();
            const auto media = ends_[1 - i]->transport().handle_packet(now_, path, out->bytes);
            if (media.kind == peer::Transport::Media::Kind::kRtp)
                rtp.push_back(to_vector(BytesView(media.packet)));
        }
        while (const auto event = ends_[i]->poll_event())
            if (const auto* message = std::get_if<peer::MessageReceived>(&*event))
                messages.push_back(message->payload);
    }

    srtp::Engine engine_;
    std::array<std::unique_ptr<Connection>, 2> ends_;
    OfferBuilder builder_{OfferSize::kLean, 1};
};

TEST_CASE("Connection: offer and answer connect, channels open, messages arrive [SIG-78]") {
    Pair pair;
    CHECK_FALSE(pair.offerer().send_message(kStart, "_reliable", Bytes(3)));
    pair.negotiate();
    pair.run(Duration::seconds(1));
    REQUIRE(pair.offerer().connected());
    REQUIRE(pair.answerer().connected());
    CHECK(pair.offerer().channels() == 3);
    CHECK(pair.answerer().has_channel("_data_track"));
    CHECK(pair.offerer().send_message(pair.now_, "_reliable", Bytes{1, 2, 3}));
    CHECK(pair.answerer().send_message(pair.now_, "_lossy", Bytes{4}));
    CHECK_FALSE(pair.offerer().send_message(pair.now_, "no such", Bytes{4}));
    pair.run(Duration::millis(200));
    CHECK(pair.messages == std::vector<Bytes>{{1, 2, 3}, {4}});
}

TEST_CASE("Connection: media is encrypted for the other end, and waits for the connection") {
    Pair pair;
    wire::RtpHeader header;
    header.payload_type = kOpusType;
    header.ssrc = 7;
    header.sequence = 65'535;
    wire::ExtensionWriter none;
    pair.offerer().send_rtp(header, none, Bytes{9});
    pair.negotiate();
    pair.run(Duration::seconds(1));
    CHECK(pair.rtp.empty());
    for (int i = 0; i < 2; ++i, ++header.sequence)
        pair.offerer().send_rtp(header, none, Bytes{9, 9});
    pair.run(Duration::millis(20));
    REQUIRE(pair.rtp.size() == 2);
    CHECK(wire::parse_rtp(pair.rtp[1])->header.sequence == 0);
    CHECK(to_vector(wire::parse_rtp(pair.rtp[1])->payload) == Bytes{9, 9});
}

TEST_CASE("Connection: an ICE restart has other credentials and keeps what is there [ICE-14]") {
    Pair pair;
    pair.negotiate();
    pair.run(Duration::seconds(1));
    const std::string before = pair.offerer().local().ufrag;
    pair.offerer().restart_ice(pair.now_);
    pair.answerer().restart_ice(pair.now_);
    CHECK(pair.offerer().local().ufrag != before);
    pair.negotiate();
    CHECK(pair.answerer().remote_credentials().ufrag == pair.offerer().local().ufrag);
    pair.run(Duration::seconds(1));
    CHECK(pair.offerer().connected());
    CHECK(pair.offerer().send_message(pair.now_, "_reliable", Bytes{5}));
    pair.run(Duration::millis(100));
    CHECK(pair.messages == std::vector<Bytes>{{5}});
}

TEST_CASE("Connection: passive TCP candidates wait to be opened, others are passed over [ICE-12]") {
    Pair pair;
    Connection& c = pair.offerer();
    c.add_candidate(kStart, "candidate:1 1 tcp 7 10.0.0.9 443 typ host tcptype passive");
    c.add_candidate(kStart, "candidate:1 1 tcp 7 10.0.0.9 9 typ host tcptype active");
    c.add_candidate(kStart, "candidate:1 1 udp 7 a-b.local 443 typ host");
    c.add_candidate(kStart, "nonsense");
    const auto waiting = c.take_tcp_candidates();
    REQUIRE(waiting.size() == 1);
    CHECK(waiting[0].port == 443);
    CHECK(c.take_tcp_candidates().empty());
    for (std::size_t i = 0; i < 2 * Connection::kMaxTcpCandidates; ++i)
        c.add_candidate(kStart, "candidate:1 1 tcp 7 10.0.0.9 443 typ host tcptype passive");
    CHECK(c.take_tcp_candidates().size() == Connection::kMaxTcpCandidates);
}

TEST_CASE("Connection: a description without sections is none") {
    Pair pair;
    CHECK_FALSE(pair.offerer().set_remote(kStart, {}, true));
}

}  // namespace
}  // namespace confab::client
