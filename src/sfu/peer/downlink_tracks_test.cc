// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Down-tracks that come and go while packets, shares and answers are under way.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "sfu/peer/downlink.h"
#include "sfu/peer/downlink_testing.h"

namespace confab::sfu {
namespace {

using test::Sending;
using test::world_time;

std::size_t datagrams_in(const SendBatch& batch) {
    std::size_t count = 0;
    for (std::size_t r = 0; r < batch.run_count(); ++r)
        count += (batch.run(r).size + batch.run(r).segment_size - 1) / batch.run(r).segment_size;
    return count;
}

TEST_CASE("Downlink: kMaxPending packets wait, the next is dropped, after a flush there is room") {
    Sending s(0);
    const auto empty = [&] {
        (void)s.downlink.enqueue({{}, {}, {}, {}, &s.outbound->down_track.extensions()},
                                 MediaKind::kVideo);
    };
    for (std::size_t i = 0; i < Downlink::kMaxPending; ++i)
        empty();
    CHECK(s.counters.dropped_full == 0);
    empty();
    CHECK(s.counters.dropped_full == 1);
    while (s.flush(500, s.batch))
        s.batch.clear();
    empty();
    CHECK(s.counters.dropped_full == 1);
}

TEST_CASE("Downlink: before the connection is up packets are dropped and counted [DES-10]") {
    Sending s(0);
    ShardPeer idle(PeerId(2), {&s.pair.engine, nullptr, true}, {}, {}, s.pair.rng);
    REQUIRE_FALSE(idle.transport().connected());
    CHECK_FALSE(idle.downlink().enqueue({}, MediaKind::kVideo));
    CHECK(idle.counters().dropped_unconnected == 1);
    SendBatch batch;
    CHECK_FALSE(idle.downlink().flush({world_time(500), NtpTime()}, s.encryptor, batch));
    CHECK(batch.empty());
}

TEST_CASE("Downlink: a track that ends takes its waiting packets with it, no other's [DES-22]") {
    Sending s(0);
    OutboundTrack& other = s.add(Sending::video(600));
    for (int i = 0; i < 3; ++i) {
        (void)s.enqueue(*s.outbound);
        (void)s.enqueue(other);
    }
    REQUIRE(s.pool.large_in_use() == 6);
    s.downlink.remove(s.outbound->down_track);
    CHECK(s.pool.large_in_use() == 3);
    CHECK_FALSE(s.flush(500, s.batch));
    CHECK(s.counters.rtp_out == 3);
    CHECK(datagrams_in(s.batch) == 3);
    CHECK(s.pool.large_in_use() == 0);
}

TEST_CASE("Downlink: a full batch leaves the rest for the next, in order, nothing twice [DES-22]") {
    Sending s(5);
    constexpr int kPackets = 1'200;
    for (int i = 0; i < kPackets; ++i)
        (void)s.enqueue(*s.outbound);
    std::size_t datagrams = 0;
    int batches = 0;
    for (bool more = true; more; ++batches) {
        more = s.flush(500, s.batch);
        datagrams += datagrams_in(s.batch);
        // The port hears of them when all have left.
        CHECK((s.port->calls > 0) == !more);
        s.batch.clear();
    }
    CHECK(batches > 1);
    CHECK(datagrams == kPackets);
    REQUIRE(s.port->sent.size() == kPackets);
    for (std::size_t i = 0; i < s.port->sent.size(); ++i)
        CHECK(s.port->sent[i].number == i);
}

TEST_CASE("Downlink: a track that ends in the middle of a flush: the rest leaves once [DES-22]") {
    Sending s(0);
    OutboundTrack& other = s.add(Sending::video(600));
    for (int i = 0; i < 600; ++i) {
        (void)s.enqueue(*s.outbound);
        (void)s.enqueue(other);
    }
    REQUIRE(s.flush(500, s.batch));
    const std::uint64_t left = s.counters.rtp_out;
    CHECK(left % 2 == 0);
    s.batch.clear();
    s.downlink.remove(s.outbound->down_track);
    while (s.flush(501, s.batch))
        s.batch.clear();
    CHECK(s.counters.rtp_out == left + (1'200 - left) / 2);
    CHECK(s.pool.large_in_use() == 0);
}

TEST_CASE(
    "Downlink: a track is found by both its SSRCs, the newer of two that share one [FWD-11]") {
    Sending s(0);
    AddDownTrack config = Sending::video(600);
    config.rtx_ssrc = Ssrc(601);
    OutboundTrack& first = s.add(config);
    CHECK(s.downlink.find_by_ssrc(600) == &first);
    CHECK(s.downlink.find_by_ssrc(601) == &first);
    CHECK(s.downlink.find_by_ssrc(0) == nullptr);  // who has no RTX is not found by none
    config.down_track = DownTrackId(2);
    OutboundTrack& second = s.add(config);
    CHECK(s.downlink.find_by_ssrc(601) == &second);
    s.downlink.remove(first.down_track);
    CHECK(s.downlink.find_by_ssrc(600) == &second);
    CHECK(s.downlink.find_by_ssrc(601) == &second);
    s.downlink.remove(second.down_track);
    CHECK(s.downlink.find_by_ssrc(601) == nullptr);
}

// ---------------------------------------------------------------- sharing

AddDownTrack with_priority(std::uint32_t ssrc, std::uint8_t priority) {
    AddDownTrack config = Sending::video(ssrc);
    config.settings.priority = priority;
    return config;
}

TEST_CASE("Downlink: the port's notes stay with their track when another one goes [BWE-03]") {
    Sending s(0);
    std::vector<OutboundTrack*> tracks;
    tracks.reserve(4);
    for (std::uint32_t i = 0; i < 4; ++i)
        tracks.push_back(&s.add(with_priority(600 + i, static_cast<std::uint8_t>(10 * (i + 1)))));
    s.port->look = [](auto demands, auto shares) {
        REQUIRE(demands.size() == shares.size());
        for (std::size_t i = 0; i < demands.size(); ++i)
            shares[i].packets = demands[i].priority;
    };
    (void)s.downlink.allocate(world_time(1));
    std::vector<std::uint64_t> seen;
    s.port->look = [&](auto demands, auto shares) {
        seen.clear();
        for (std::size_t i = 0; i < demands.size(); ++i) {
            CHECK(shares[i].packets == demands[i].priority);
            seen.push_back(shares[i].packets);
        }
    };
    s.downlink.stop_demanding(tracks[1]->down_track);
    s.downlink.stop_demanding(tracks[1]->down_track);  // again: nothing more goes
    (void)s.downlink.allocate(world_time(2));
    CHECK(seen == std::vector<std::uint64_t>{1, 10, 30, 40});
    s.downlink.remove(tracks[0]->down_track);
    s.downlink.remove(tracks[1]->down_track);
    (void)s.downlink.allocate(world_time(3));
    CHECK(seen == std::vector<std::uint64_t>{1, 30, 40});
}

TEST_CASE("Downlink: who moved here keeps its shares, and hears of the first ones [FWD-18]") {
    Sending s(0);
    DownTrack& track = s.outbound->down_track;
    track.set_bandwidth({0, 2}, true, world_time(1));
    s.downlink.resume_share(track);
    s.port->cap = {0, 2};
    s.port->look = [](auto, auto shares) {
        REQUIRE(shares.size() == 1);
        CHECK(shares[0].cap == Layer{0, 2});
        CHECK(shares[0].deficient);
        CHECK(shares[0].known);
    };
    (void)s.downlink.allocate(world_time(2));
    s.port->look = nullptr;
    // What the port says is no news to it, but may be to the down-tracks.
    s.port->cap = kTopLayer;
    s.port->changes = false;
    CHECK_FALSE(s.downlink.allocate(world_time(3)));
    CHECK(track.demand().cap == Layer{0, 2});
    s.port->known = 7;
    const Bytes state = export_state(s.downlink, world_time(4));
    s.port->known = 0;
    REQUIRE(import_state(s.downlink, state, world_time(4)));
    CHECK(s.port->known == 7);
    CHECK(s.downlink.allocate(world_time(4)));
    CHECK(track.demand().cap == kTopLayer);
    CHECK_FALSE(s.downlink.allocate(world_time(5)));
}

TEST_CASE("Downlink: what a track asks of the link: its wish, mute, priority [BWE-01] [SUB-06]") {
    Sending s(0);
    s.downlink.remove(s.outbound->down_track);
    AddDownTrack config = with_priority(600, 7);
    config.settings.max_spatial = 1;
    OutboundTrack& video = s.add(config);
    AddDownTrack audio = Sending::video(700);
    audio.kind = MediaKind::kAudio;
    (void)s.add(audio);
    VideoDemand demand;
    s.port->look = [&](auto demands, auto) {
        REQUIRE(demands.size() == 1);  // audio takes no part
        demand = demands[0];
    };
    (void)s.downlink.allocate(world_time(1));
    CHECK(demand.max.spatial == 1);
    CHECK(demand.priority == 7);
    CHECK(demand.source == &s.track.source());
    CHECK_FALSE(demand.muted);
    CHECK_FALSE(demand.exempt);
    s.track.source().muted = true;  // by its publisher
    (void)s.downlink.allocate(world_time(2));
    CHECK(demand.muted);
    s.track.source().muted = false;
    DownTrackSettings off = config.settings;
    off.enabled = false;  // by its subscriber
    video.down_track.update_settings(off, world_time(3));
    (void)s.downlink.allocate(world_time(3));
    CHECK(demand.muted);
}

TEST_CASE("Downlink: a screen of one layer is exempt, one of several is shared [BWE-04]") {
    Sending s(0);
    s.downlink.remove(s.outbound->down_track);
    AddDownTrack config = Sending::video(600);
    config.screen_share = true;
    (void)s.add(config);
    bool exempt = false;
    bool detailed = false;
    s.port->look = [&](auto demands, auto) {
        exempt = demands[0].exempt;
        detailed = demands[0].detailed;
    };
    s.track.source().max_seen = {0, 2};
    (void)s.downlink.allocate(world_time(1));
    CHECK(exempt);
    CHECK(detailed);
    s.track.source().max_seen = {1, 2};
    (void)s.downlink.allocate(world_time(2));
    CHECK_FALSE(exempt);
}

TEST_CASE("Downlink: a new track knows the round trip that others measured [FWD-11]") {
    Sending s(0);
    CHECK(s.outbound->down_track.rtt() == DownTrack::kDefaultRtt);
    s.downlink.update_rtt(Duration::millis(33), world_time(1));
    CHECK(s.add(Sending::video(600)).down_track.rtt() == Duration::millis(33));
    s.downlink.update_rtt(Duration::millis(44), world_time(2));
    for (const auto& track : s.downlink.tracks())
        CHECK(track->down_track.rtt() == Duration::millis(44));
}

// ---------------------------------------------------------------- answers

std::optional<wire::DlrrEntry> answer_of(Sending& s) {
    SendBatch batch;
    RtcpCompounds out(s.pair.local->transport(), batch);
    s.downlink.write_answers(out);
    out.send();
    if (batch.empty()) return std::nullopt;
    Bytes bytes = to_vector(batch.bytes(batch.run(0)));
    ice::Path path;
    path.local = {IpAddress::v4(0x7F000002), 9000};
    path.remote = {IpAddress::v4(0x7F000001), 7000};
    const auto media = s.pair.remote->handle_packet(world_time(500), path, bytes);
    wire::RtcpReader reader(media.packet);
    while (const auto block = reader.next()) {
        if (block->type != wire::RtcpType::kExtendedReport) continue;
        wire::XrReader reports(*block);
        while (const auto report = reports.next())
            if (wire::dlrr_entries(*report) == 1) return wire::dlrr_entry(*report, 0);
    }
    return std::nullopt;
}

TEST_CASE("Downlink: a subscriber's reference time is answered once, the newest [FWD-13]") {
    Sending s(0);
    CHECK_FALSE(answer_of(s));
    const NtpTime old = NtpTime::from_unix(UnixTime::seconds(1'700'000'000));
    const NtpTime reference = NtpTime::from_unix(UnixTime::seconds(1'700'000'001));
    s.downlink.answer_rrtr(0x1234, old);
    s.downlink.answer_rrtr(0x1234, reference);
    const auto answer = answer_of(s);
    REQUIRE(answer);
    CHECK(answer->ssrc == 0x1234);
    CHECK(answer->last_rr == reference.compact());
    CHECK(answer->delay_since_last_rr == 0);
    CHECK_FALSE(answer_of(s));
}

}  // namespace
}  // namespace confab::sfu
