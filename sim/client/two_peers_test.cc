// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two of our peers talk over links with loss, delay, jitter and reordering in virtual time: one
// publishes, the other subscribes, no server in between (07 §6.3, "sim with two peers").

#include <doctest/doctest.h>

#include <functional>

#include "sim/client/client.h"
#include "sim/net/event_queue.h"
#include "sim/net/link.h"
#include "sim/net/run_hash.h"

namespace confab::sim {
namespace {

constexpr UnixTime kWall = UnixTime::seconds(1'700'000'000);

class Pair {
  public:
    Pair(const LinkProfile& profile, std::uint64_t seed)
        : rng_(seed),
          events_(kRunStart),
          links_{Link(profile, rng_.fork()), Link(profile, rng_.fork())} {
        for (std::size_t i = 0; i < 2; ++i) {
            ClientConfig config;
            config.name = i == 0 ? "publisher" : "subscriber";
            config.address = {IpAddress::v4(0x0A00'0001U + static_cast<std::uint32_t>(i)), 4000};
            config.credentials = {"ufrag" + std::to_string(i),
                                  "password_of_client_" + std::to_string(i)};
            config.wall = kWall;
            config.own_ssrc = 50 + static_cast<std::uint32_t>(i);
            clients_[i] = std::make_unique<Client>(config, engine_, rng_.fork(), report_);
        }
        for (std::size_t i = 0; i < 2; ++i) {
            peer::RemoteParameters remote;
            remote.ice = clients_[1 - i]->ice_credentials();
            remote.local_role = i == 0 ? dtls::Role::kClient : dtls::Role::kServer;
            clients_[i]->connect(kRunStart, remote, clients_[1 - i]->address());
        }
        TrackPlan audio;
        audio.number = 1;
        audio.mid = "0";
        audio.layers = {{"", 100, 0, 0, 0, 1}};
        TrackPlan video;
        video.number = 2;
        video.kind = sfu::MediaKind::kVideo;
        video.mid = "1";
        video.layers = {{"", 200, 201, 640, 360, 3}};
        clients_[0]->publisher().add_track(kRunStart, audio);
        clients_[0]->publisher().add_track(kRunStart, video);
        clients_[1]->subscriber().add({1, sfu::MediaKind::kAudio, 100, 0, kOpusType, 0});
        clients_[1]->subscriber().add({2, sfu::MediaKind::kVideo, 200, 201, kVp8Type, kVp8RtxType});
        for (std::size_t i = 0; i < 2; ++i)
            turn(i);
    }
    void run(Duration length) {
        const Timestamp end = events_.now() + length;
        while (events_.step(end)) {
        }
    }
    Client& publisher() { return *clients_[0]; }
    StreamChecker& stream(std::uint32_t track) { return *clients_[1]->subscriber().find(track); }
    Report& report() { return report_; }
    std::uint64_t hash() const { return hash_.value(); }

  private:
    void turn(std::size_t i) {
        while (const auto out = clients_[i]->poll_transmit()) {
            hash_.add_datagram(events_.now(), clients_[i]->address(), out->to, out->bytes);
            if (i == 0) note_sent(out->bytes);
            const Deliveries deliveries = links_[i].offer(events_.now(), out->bytes.size());
            for (std::size_t k = 0; k < deliveries.count; ++k)
                events_.plan(deliveries.at[k], [this, i, copy = out->bytes]() mutable {
                    clients_[1 - i]->handle_packet(events_.now(), clients_[i]->address(), copy);
                    turn(1 - i);
                });
        }
        const Timestamp deadline = clients_[i]->next_deadline();
        if (deadline >= planned_[i]) return;
        planned_[i] = deadline;
        events_.plan(deadline, [this, i, deadline] {
            if (planned_[i] != deadline) return;
            planned_[i] = Timestamp::never();
            clients_[i]->handle_timeout(events_.now());
            turn(i);
        });
    }
    void note_sent(BytesView datagram) { clients_[1]->note_sent(events_.now(), datagram); }

    Rng rng_;
    EventQueue events_;
    Report report_;
    RunHash hash_;
    srtp::Engine engine_;
    std::array<Link, 2> links_;
    std::array<std::unique_ptr<Client>, 2> clients_;
    std::array<Timestamp, 2> planned_{Timestamp::never(), Timestamp::never()};
};

TEST_CASE("Two peers: perfect links carry every packet once and in order [DES-51][DES-52]") {
    Pair pair(perfect_link(), 1);
    pair.run(Duration::seconds(5));
    CHECK(pair.report().texts() == std::vector<std::string>{});
    CHECK(pair.stream(1).counters().packets > 200);
    CHECK(pair.stream(2).video().counters().frames > 60);
    CHECK(pair.stream(2).counters().given_up == 0);
    CHECK(pair.stream(2).video().counters().freezes == 0);
    CHECK(pair.publisher().publisher().counters().reports >= 4);
}

TEST_CASE("Two peers: 10 % loss with jitter and reordering is repaired by NACK and RTX [DES-52]") {
    LinkProfile link = perfect_link();
    link.propagation = Duration::millis(30);
    link.jitter = Duration::millis(20);
    link.loss = 0.1;
    link.reorder = 0.05;
    link.duplicate = 0.01;
    Pair pair(link, 2);
    pair.run(Duration::seconds(10));
    CHECK(pair.report().texts() == std::vector<std::string>{});
    StreamChecker& video = pair.stream(2);
    CHECK(video.counters().repaired > 20);
    // More than nine in ten frames are shown.
    CHECK(video.video().counters().frames > 130);
    CHECK(pair.publisher().publisher().counters().nacks > 10);
}

TEST_CASE("Two peers: a lost chain is mended by PLI and a key frame [DES-52]") {
    LinkProfile link = perfect_link();
    link.burst_begin = 0.01;
    link.burst_end = 0.02;
    link.burst_loss = 0.9;
    Pair pair(link, 3);
    pair.run(Duration::seconds(15));
    CHECK(pair.report().texts() == std::vector<std::string>{});
    CHECK(pair.stream(2).video().counters().freezes > 0);
    CHECK(pair.publisher().publisher().counters().plis > 0);
    CHECK(pair.stream(2).video().counters().key_frames > 1);
}

TEST_CASE("Two peers: a seed gives the same octets again, another seed others [DES-51][DES-53]") {
    const auto run = [](std::uint64_t seed) {
        Pair pair(cellular_link(), seed);
        pair.run(Duration::seconds(4));
        return pair.hash();
    };
    CHECK(run(11) == run(11));
    CHECK(run(11) != run(12));
}

}  // namespace
}  // namespace confab::sim
