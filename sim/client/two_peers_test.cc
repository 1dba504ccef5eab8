// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two of our peers talk over links with loss, delay, jitter and reordering in virtual time: one
// publishes, the other subscribes, no server in between (07 §6.3, "sim with two peers").

#include <doctest/doctest.h>

#include <functional>

#include "client/connection/connection.h"
#include "client/media/publisher.h"
#include "netem/link.h"
#include "netem/models.h"
#include "sim/client/subscriber.h"
#include "sim/net/event_queue.h"
#include "sim/net/run_hash.h"

namespace confab::sim {
namespace {

constexpr UnixTime kWall = UnixTime::seconds(1'700'000'000);

// One connection that publishes and subscribes.
class Peer {
  public:
    Peer(std::size_t i, srtp::Engine& engine, Rng rng, Report& report)
        : connection_(config(i, engine), rng.fork()),
          publisher_(connection_, kWall, rng.fork()),
          subscriber_(i == 0 ? "publisher" : "subscriber", 50 + static_cast<std::uint32_t>(i)),
          report_(report) {
        subscriber_.set_connection(&connection_);
    }
    void connect(const Peer& other, dtls::Role role) {
        peer::RemoteParameters remote;
        const client::LocalDescription& local = other.connection_.local();
        remote.ice = {local.ufrag, local.pwd};
        remote.local_role = role;
        connection_.transport().set_remote(kRunStart, remote);
        connection_.transport().add_remote_candidate(kRunStart,
                                                     {ice::Protocol::kUdp, other.address()});
    }
    const SocketAddress& address() const { return connection_.address(); }
    client::Publisher& publisher() { return publisher_; }
    Subscriber& subscriber() { return subscriber_; }
    auto poll_transmit() { return connection_.poll_transmit(); }
    void note_sent(Timestamp now, BytesView datagram) {
        if (wire::is_rtp(datagram)) subscriber_.note_sent(now, datagram, report_);
    }
    void handle_packet(Timestamp now, const SocketAddress& from, BytesSpan datagram) {
        using Kind = peer::Transport::Media::Kind;
        ice::Path path;
        path.local = address();
        path.remote = from;
        const auto media = connection_.transport().handle_packet(now, path, datagram);
        if (media.kind == Kind::kRtp) subscriber_.receive(now, media.packet, report_);
        if (media.kind == Kind::kRtcp) {
            wire::RtcpReader reader(media.packet);
            while (const auto block = reader.next()) {
                publisher_.handle_block(now, *block);
                subscriber_.handle_block(now, *block, report_);
            }
        }
        drain();
    }
    void handle_timeout(Timestamp now) {
        peer::Transport& transport = connection_.transport();
        if (now >= transport.next_deadline()) transport.handle_timeout(now);
        publisher_.handle_timeout(now);
        subscriber_.handle_timeout(now, report_);
        drain();
    }
    Timestamp next_deadline() const {
        return earlier(connection_.transport().next_deadline(),
                       earlier(publisher_.next_deadline(), subscriber_.next_deadline()));
    }

  private:
    static client::ConnectionConfig config(std::size_t i, srtp::Engine& engine) {
        client::ConnectionConfig config;
        config.crypto = {&engine, nullptr, true};
        config.address = {IpAddress::v4(0x0A00'0001U + static_cast<std::uint32_t>(i)), 4000};
        return config;
    }
    void drain() {
        while (connection_.poll_event()) {
        }
    }
    client::Connection connection_;
    client::Publisher publisher_;
    Subscriber subscriber_;
    Report& report_;
};

class Pair {
  public:
    Pair(const netem::LinkProfile& profile, std::uint64_t seed)
        : rng_(seed),
          events_(kRunStart),
          links_{netem::Link(profile, rng_.fork()), netem::Link(profile, rng_.fork())} {
        for (std::size_t i = 0; i < 2; ++i)
            clients_[i] = std::make_unique<Peer>(i, engine_, rng_.fork(), report_);
        clients_[0]->connect(*clients_[1], dtls::Role::kClient);
        clients_[1]->connect(*clients_[0], dtls::Role::kServer);
        client::TrackPlan audio;
        audio.number = 1;
        audio.mid = "0";
        audio.layers = {{"", 100, 0, 0, 0, 1}};
        client::TrackPlan video;
        video.number = 2;
        video.kind = MediaKind::kVideo;
        video.mid = "1";
        video.layers = {{"", 200, 201, 640, 360, 3}};
        clients_[0]->publisher().add_track(kRunStart, audio);
        clients_[0]->publisher().add_track(kRunStart, video);
        clients_[1]->subscriber().add(kRunStart,
                                      {1, MediaKind::kAudio, 100, 0, client::kOpusType, 0});
        clients_[1]->subscriber().add(
            kRunStart, {2, MediaKind::kVideo, 200, 201, client::kVp8Type, client::kVp8RtxType});
        for (std::size_t i = 0; i < 2; ++i)
            turn(i);
    }
    void run(Duration length) {
        const Timestamp end = events_.now() + length;
        while (events_.step(end)) {
        }
    }
    Peer& publisher() { return *clients_[0]; }
    StreamChecker& stream(std::uint32_t track) { return *clients_[1]->subscriber().find(track); }
    Report& report() { return report_; }
    std::uint64_t hash() const { return hash_.value(); }

  private:
    void turn(std::size_t i) {
        while (const auto out = clients_[i]->poll_transmit()) {
            hash_.add_datagram(events_.now(), clients_[i]->address(), clients_[1 - i]->address(),
                               out->bytes);
            if (i == 0) note_sent(out->bytes);
            const netem::Deliveries deliveries = links_[i].offer(events_.now(), out->bytes.size());
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
    std::array<netem::Link, 2> links_;
    std::array<std::unique_ptr<Peer>, 2> clients_;
    std::array<Timestamp, 2> planned_{Timestamp::never(), Timestamp::never()};
};

TEST_CASE("Two peers: perfect links carry every packet once and in order [DES-51][DES-52]") {
    Pair pair(netem::perfect_link(), 1);
    pair.run(Duration::seconds(5));
    CHECK(pair.report().texts() == std::vector<std::string>{});
    CHECK(pair.stream(1).counters().packets > 200);
    CHECK(pair.stream(2).video().counters().frames > 60);
    CHECK(pair.stream(2).given_up() == 0);
    CHECK(pair.stream(2).video().counters().freezes == 0);
    CHECK(pair.publisher().publisher().counters().reports >= 4);
}

TEST_CASE("Two peers: 10 % loss with jitter and reordering is repaired by NACK and RTX [DES-52]") {
    netem::LinkProfile link = netem::perfect_link();
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
    netem::LinkProfile link = netem::perfect_link();
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
        Pair pair(netem::cellular_link(), seed);
        pair.run(Duration::seconds(4));
        return pair.hash();
    };
    CHECK(run(11) == run(11));
    CHECK(run(11) != run(12));
}

}  // namespace
}  // namespace confab::sim
