// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Layers between a subscriber's wish, the publisher and the packets: 02 IN-21, SUB-01, SUB-03.
#include <doctest/doctest.h>

#include <set>

#include "room/seam/media_seam_testing.h"
#include "wire/rtcp/rtcp.h"

namespace confab::room::testing {
namespace {

using R = livekit::SignalResponse;

// A VP8 simulcast encoder that sends the layers it was asked for, key frames on a PLI.
struct Camera {
    explicit Camera(const sfu::AddReceiver& receiver) : peer(receiver.peer) {
        for (std::size_t i = 0; i < 3; ++i) {
            sources.emplace_back(receiver, 500 + static_cast<std::uint32_t>(i),
                                 receiver.layers[i].rid);
            sources.back().timestamp = 1000;
        }
    }
    // One frame of each layer; its last octet tells the layer and its temporal layer.
    void frame(RoomAndShard& w, std::uint8_t temporal) {
        for (; rtcp_seen_ < w.client(peer).rtcp.size(); ++rtcp_seen_)
            note_feedback(w.client(peer).rtcp[rtcp_seen_].compound);
        if (picture_++ % 15 == 0) report(w);
        for (std::size_t i = 0; i < sources.size(); ++i) {
            sources[i].timestamp += ticks;
            if (!enabled.contains(i)) continue;
            Bytes payload{0x90,
                          0xF0,
                          static_cast<std::uint8_t>(0x80 | (picture_ >> 8 & 0x7F)),
                          static_cast<std::uint8_t>(picture_),
                          static_cast<std::uint8_t>(picture_),
                          static_cast<std::uint8_t>(temporal << 6)};
            const bool key = key_wanted.erase(i) > 0;
            payload.insert(payload.end(), {static_cast<std::uint8_t>(key ? 0 : 1), 0, 0, 0x9D, 0x01,
                                           0x2A, 64, 0, 48, 0});
            payload.resize(300, static_cast<std::uint8_t>(i << 4 | temporal));
            w.send(peer, sources[i].packet(payload, true));
        }
    }
    void enable(std::set<std::size_t> layers) {
        for (const std::size_t layer : layers)
            if (!enabled.contains(layer)) key_wanted.insert(layer);
        enabled = std::move(layers);
    }

    sfu::PeerId peer;
    std::vector<Stream> sources;
    std::set<std::size_t> enabled{0, 1, 2};
    std::set<std::size_t> key_wanted{0, 1, 2};
    std::uint32_t ticks = 3000;

  private:
    // Without these nobody can go from one layer to another (FWD-02).
    void report(RoomAndShard& w) {
        for (const std::size_t layer : enabled) {
            wire::SenderReport report;
            report.ssrc = sources[layer].ssrc;
            report.ntp = NtpTime::from_unix(UnixTime::seconds(1'700'000'000) +
                                            Duration::millis(w.world.now_ms));
            report.rtp_time = sources[layer].timestamp;
            Bytes compound(128);
            ByteWriter out(compound);
            REQUIRE(wire::write_sender_report(out, report));
            compound.resize(out.size());
            w.send_rtcp(peer, compound);
        }
    }
    // A PLI for one stream brings key frames on all, as libwebrtc does.
    void note_feedback(BytesView compound) {
        wire::RtcpReader reader(compound);
        while (const auto block = reader.next())
            if (block->type == wire::RtcpType::kPayloadFeedback && block->count == wire::kFormatPli)
                key_wanted = enabled;
    }
    std::size_t rtcp_seen_ = 0;
    std::uint16_t picture_ = 0;
};

JoinParams with_pauses(const std::string& identity) {
    JoinParams params = test_join("r", identity);
    params.subscriber_allow_pause = true;
    return params;
}

livekit::SignalRequest ping() {
    livekit::SignalRequest request;
    request.mutable_ping_req()->set_timestamp(1);
    return request;
}

struct Call {
    explicit Call(const JoinParams& subscribing = test_join("r", "bob"))
        : alice(w.room.join_active("r", "alice")), bob(w.room.join(subscribing)) {
        w.room.publish(alice, "cam", true);
        w.run(Duration::seconds(1));
        camera = std::make_unique<Camera>(w.receiver(0));
        subscriber = w.room.commands_of<sfu::AddDownTrack>().at(0);
    }
    void run(std::int64_t ms, std::int64_t interval = 33,
             std::span<const std::uint8_t> temporal = kOneLayer) {
        for (std::int64_t at = 0; at < ms; at += interval) {
            camera->frame(w, temporal[frames++ % temporal.size()]);
            w.run(Duration::millis(interval));
        }
    }
    void wish(livekit::VideoQuality quality, std::uint32_t fps = 0) {
        livekit::SignalRequest request;
        auto& settings = *request.mutable_track_setting();
        settings.add_track_sids(
            w.room.of(alice, R::kTrackPublished)[0].track_published().track().sid());
        settings.set_quality(quality);
        settings.set_fps(fps);
        w.room.send(bob, request);
    }
    // What the publisher was told last.
    std::set<std::size_t> asked_of_publisher() {
        std::set<std::size_t> layers;
        const auto updates = w.room.of(alice, R::kSubscribedQualityUpdate);
        if (updates.empty()) return layers;
        for (const auto& quality :
             updates.back().subscribed_quality_update().subscribed_codecs(0).qualities())
            if (quality.enabled()) layers.insert(static_cast<std::size_t>(quality.quality()));
        return layers;
    }
    // Of the last packet that bob got: simulcast layer × 16 + temporal layer.
    int last_seen() {
        const auto& rtp = w.client(subscriber.peer).rtp;
        for (auto packet = rtp.rbegin(); packet != rtp.rend(); ++packet)
            if (packet->payload.size() > 200) return packet->payload.back();
        return -1;
    }

    static constexpr std::array<std::uint8_t, 1> kOneLayer{0};
    RoomAndShard w;
    SessionId alice;
    SessionId bob;
    std::unique_ptr<Camera> camera;
    sfu::AddDownTrack subscriber;
    std::size_t frames = 0;
};

}  // namespace

TEST_CASE("Dynacast: a layer that was paused is back within a second [IN-21] [SIG-115] [outside]") {
    Call c;
    c.run(2'000);
    REQUIRE(c.last_seen() == 0x20);
    c.wish(livekit::LOW);
    c.run(7'000);
    REQUIRE(c.asked_of_publisher() == std::set<std::size_t>{0});
    c.camera->enable({0});
    c.run(3'000);
    REQUIRE(c.last_seen() == 0x00);

    c.wish(livekit::HIGH);
    while (c.asked_of_publisher() != std::set<std::size_t>{0, 1, 2})
        c.run(33);
    c.camera->enable({0, 1, 2});
    std::int64_t waited = 0;
    for (; waited < 12'000 && c.last_seen() != 0x20; waited += 33)
        c.run(33);
    CHECK(waited <= 1'000);
}

TEST_CASE(
    "Dynacast: a layer that stops by itself comes back slowly all the same "
    "[IN-21] [outside]") {
    Call c;
    c.run(2'000);
    c.camera->enable({0, 1});
    c.run(2'000);
    REQUIRE(c.last_seen() == 0x10);
    c.camera->enable({0, 1, 2});
    c.run(5'000);
    CHECK(c.last_seen() == 0x10);
    c.run(7'000);
    CHECK(c.last_seen() == 0x20);
}

// A browser that is short of processor time sends few frames of every layer, all the same.
TEST_CASE(
    "Dynacast: a slow camera's large layer is shown, and shown again [IN-21] [SIG-113] [outside]") {
    constexpr std::int64_t kSlow = 125;  // ms between its frames, of one packet each
    Call c;
    c.run(10'000, kSlow);
    CHECK(c.last_seen() == 0x20);
    for (int i = 0; i < 3; ++i) {
        c.wish(livekit::LOW);
        c.run(2'000, kSlow);
        REQUIRE(c.last_seen() == 0x00);
        c.wish(livekit::HIGH);
        c.run(2'000, kSlow);
        CHECK(c.last_seen() == 0x20);
    }
}

TEST_CASE("Dynacast: a camera that stalled is back with all its layers at once [IN-21] [outside]") {
    Call c;
    c.run(2'000);
    c.camera->enable({});
    c.run(4'000);
    c.camera->enable({0, 1, 2});
    for (int i = 0; i < 12; ++i) {  // not for two seconds only, until the lowest layer counts
        c.run(500);
        CHECK(c.last_seen() == 0x20);
    }
}

// The word that a layer is wanted again dies with the publisher's connection, be it known to be
// dead or not: after the resume it must be told, or the layer never comes back.
TEST_CASE(
    "Dynacast: who resumes is told what is wanted of its tracks "
    "[DYN-01] [SIG-160] [outside]") {
    for (const bool noticed : {true, false}) {
        Call c;
        c.run(2'000);
        c.wish(livekit::LOW);
        c.run(7'000);
        REQUIRE(c.asked_of_publisher() == std::set<std::size_t>{0});
        if (noticed) c.w.room.close(c.alice);
        c.wish(livekit::HIGH);
        c.run(1'000);
        JoinParams again = test_join("r", "alice");
        again.reconnect = true;
        c.alice = c.w.room.join(again);
        REQUIRE(c.w.room.count(c.alice, R::kReconnect) == 1);
        CHECK(c.asked_of_publisher() == std::set<std::size_t>{0, 1, 2});
        // Once: nothing has changed since.
        CHECK(c.w.room.count(c.alice, R::kSubscribedQualityUpdate) == 1);
    }
}

// Whoever was away when the link became too narrow, or wide again, would show the contrary for
// ever.
TEST_CASE(
    "Pauses: who resumes is told what became of its streams "
    "[BWE-09] [SIG-40] [SIG-160] [outside]") {
    for (const bool noticed : {true, false}) {
        Call c(with_pauses("bob"));
        c.run(25'000);
        REQUIRE(c.last_seen() == 0x20);
        c.w.room.send(c.bob, ping());
        const auto limit = [&](std::uint64_t bits) {
            c.w.world.command(0, sfu::SetBandwidthLimit{c.subscriber.peer, bits});
            c.run(2'000);
        };
        const auto resume = [&] {
            JoinParams again = with_pauses("bob");
            again.reconnect = true;
            c.bob = c.w.room.join(again);
            REQUIRE(c.w.room.count(c.bob, R::kReconnect) == 1);
            return c.w.room.of(c.bob, R::kStreamStateUpdate);
        };
        CHECK(resume().empty());  // what was surely heard is no news
        for (const bool paused : {true, false}) {
            if (noticed) c.w.room.close(c.bob);
            limit(paused ? 20'000 : 0);
            const auto told = resume();
            REQUIRE(told.size() == 1);
            REQUIRE(told[0].stream_state_update().stream_states_size() == 1);
            const auto& state = told[0].stream_state_update().stream_states(0);
            CHECK(state.track_sid() ==
                  c.w.room.of(c.alice, R::kTrackPublished)[0].track_published().track().sid());
            CHECK(state.state() == (paused ? livekit::PAUSED : livekit::ACTIVE));
        }
    }
}

TEST_CASE(
    "Settings: the wished frame rate is compared with the measured one "
    "[SUB-03] [IN-23] [outside]") {
    Call c;
    // 15 a second in three temporal layers: 3.75, 7.5 and 15.
    constexpr std::array<std::uint8_t, 4> kThree{0, 2, 1, 2};
    c.camera->ticks = 6000;
    c.run(6'000, 67, kThree);
    c.wish(livekit::HIGH, 7);
    c.run(1'000, 67, kThree);
    std::set<int> seen;
    const std::size_t before = c.w.client(c.subscriber.peer).rtp.size();
    for (int i = 0; i < 40; ++i) {
        c.run(67, 67, kThree);
        seen.insert(c.last_seen());
    }
    const std::size_t got = c.w.client(c.subscriber.peer).rtp.size() - before;
    CHECK(seen == std::set<int>{0x20, 0x21});
    CHECK(got == 20);
}

}  // namespace confab::room::testing
