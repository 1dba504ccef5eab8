// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What both ends of a call say of it, through whole shards: sender reports behind mutes, losses
// that are asked for again and again, layers and reports that stay away.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <vector>

#include "sfu/shard/shard_testing.h"
#include "wire/rtcp/rtcp.h"
#include "wire/rtcp/rtcp_feedback.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::down_track_to;
using test::opus_receiver;
using test::ReceivedRtp;
using test::vp8_payload;
using test::vp8_receiver;
using test::World;

// Who publishes by its clock, and one who looks on or listens, each at its own worker.
struct Call {
    Call() : publisher(world.add_client(0)), subscriber(world.add_client(1)) { world.run(300); }

    void report(std::uint32_t ssrc, std::int64_t ticks_per_ms) {
        wire::SenderReport report;
        report.ssrc = ssrc;
        report.ntp = NtpTime(kNtp) + Duration::millis(world.now_ms);
        report.rtp_time = static_cast<std::uint32_t>((world.now_ms - stood) * ticks_per_ms);
        Bytes compound(28);
        ByteWriter out(compound);
        REQUIRE(wire::write_sender_report(out, report));
        publisher.send_rtcp(compound, world.client_out[&publisher]);
    }
    struct Reported {
        std::int64_t ms = 0;    // when it came
        std::int64_t of = 0;    // by the publisher's clock
        std::uint32_t rtp = 0;  // what that is in the stream
    };
    std::vector<Reported> reports() const {
        std::vector<Reported> found;
        for (const auto& [ms, compound] : subscriber.rtcp) {
            wire::RtcpReader reader(compound);
            while (const auto block = reader.next())
                if (const auto sr = wire::parse_sender_report(*block))
                    found.push_back({ms, (sr->ntp - NtpTime(kNtp)).ms(), sr->rtp_time});
        }
        return found;
    }

    static constexpr std::uint64_t kNtp = std::uint64_t{3'800'000'000} << 32;
    World world{2};
    Client& publisher;
    Client& subscriber;
    std::int64_t stood = 0;  // ms for which the clock of the publisher's streams did not run
};

// One stream, of 33 ms pictures or 20 ms sound, its time that of the clock, reports each second.
struct Steady : Call {
    explicit Steady(MediaKind kind)
        : video(kind == MediaKind::kVideo),
          receiver(video ? vp8_receiver(publisher) : opus_receiver(publisher)),
          down(down_track_to(subscriber, receiver, 0, 5000)) {
        if (!video) down.rtx_ssrc = Ssrc(0);
        world.command(0, receiver);
        world.command(1, down);
        world.run(10);
    }
    std::int64_t ticks() const { return video ? 90 : 48; }
    // `silent`: only its reports go on, as a browser's do.
    void publish(std::int64_t ms, bool silent = false) {
        const std::int64_t step = video ? 33 : 20;
        for (const std::int64_t end = world.now_ms + ms; world.now_ms < end; ++frame) {
            if (world.now_ms >= next_report) {
                report(0xABCD, ticks());
                next_report = world.now_ms + 1000;
            }
            wire::RtpHeader header;
            header.payload_type = video ? 96 : 111;
            header.ssrc = 0xABCD;
            header.sequence = sequence;
            header.timestamp = static_cast<std::uint32_t>((world.now_ms - stood) * ticks());
            header.marker = video;
            const Bytes payload = video ? vp8_payload(frame % 10 == 0, 1) : Bytes{1, 2, 3};
            if (!silent) {
                ++sequence;
                publisher.send(header, payload, world.client_out[&publisher], video ? "0" : "1");
            }
            world.run(step);
        }
    }
    // Nothing at all comes, and its clock stands still. Its next report is late.
    void stand(std::int64_t ms) {
        world.run(ms);
        stood += ms;
        next_report = world.now_ms + 4500;
    }
    // By how many ms a report is off from what the packets of [from, until) say; the most.
    std::optional<double> off(std::int64_t from, std::int64_t until) const {
        std::optional<double> most;
        const auto& rtp = subscriber.rtp;
        for (const Reported& one : reports()) {
            if (one.ms < from || one.ms >= until) continue;
            const auto near = std::find_if(rtp.rbegin(), rtp.rend(), [&](const ReceivedRtp& p) {
                return p.ssrc == 5000 && p.ms <= one.ms;
            });
            if (near == rtp.rend()) continue;
            const auto expected = static_cast<std::int32_t>((one.of - near->ms) * ticks());
            const auto told = static_cast<std::int32_t>(one.rtp - near->timestamp);
            const double ms = std::abs(expected - told) / static_cast<double>(ticks());
            most = std::max(most.value_or(0), ms);
        }
        return most;
    }
    bool video;
    AddReceiver receiver;
    AddDownTrack down;
    std::int64_t frame = 0;
    std::uint16_t sequence = 100;
    std::int64_t next_report = 0;
};

}  // namespace

namespace {

enum class Muted { kByPublisher, kByPublisherStanding, kBySubscriber };

void check_reports_around_mute(MediaKind kind, Muted by) {
    Steady call(kind);
    CAPTURE(call.video);
    const bool by_publisher = by != Muted::kBySubscriber;
    const auto mute = [&](bool muted) {
        if (by_publisher) call.world.command(0, MuteReceiver{call.receiver.receiver, muted});
        call.down.settings.enabled = by_publisher || !muted;
        call.world.command(1, UpdateDownTrack{call.down.down_track, call.down.settings});
        call.world.run(5);
    };
    call.publish(8000);
    const std::int64_t muted = call.world.now_ms;
    REQUIRE(call.off(0, muted));
    CHECK(*call.off(0, muted) < 3);
    mute(true);
    if (by == Muted::kByPublisherStanding)
        call.stand(7300);
    else
        call.publish(7300, by_publisher);
    const std::int64_t back = call.world.now_ms;
    const auto reports = call.reports();
    CHECK(std::none_of(reports.begin(), reports.end(),
                       [&](const Call::Reported& r) { return r.ms > muted + 5; }));
    mute(false);
    call.publish(10'000);
    const auto behind = call.off(back, call.world.now_ms);
    REQUIRE(behind);
    CHECK(*behind < 3);
    // And never back in time.
    const auto all = call.reports();
    for (std::size_t i = 1; i < all.size(); ++i) {
        CHECK(all[i].of > all[i - 1].of);
        CHECK(static_cast<std::int32_t>(all[i].rtp - all[i - 1].rtp) > 0);
    }
}

}  // namespace

TEST_CASE("Shard: sender reports rest with a mute and are right behind it [FWD-10] [outside]") {
    for (const MediaKind kind : {MediaKind::kVideo, MediaKind::kAudio})
        for (const Muted by :
             {Muted::kByPublisher, Muted::kByPublisherStanding, Muted::kBySubscriber}) {
            CAPTURE(static_cast<int>(by));
            check_reports_around_mute(kind, by);
        }
}

// ------------------------------------------------------------------ layers

namespace {

// Three layers of 80, 230 and 830 kbit/s.
struct Layered : Call {
    Layered() : receiver(vp8_receiver(publisher)) {
        receiver.mode = LayerMode::kOneSpatialLayerPerStreamIncompleteRtcpSr;
        receiver.layers = {{"q", 0, std::nullopt, std::nullopt, 320, 180},
                           {"h", 1, std::nullopt, std::nullopt, 640, 360},
                           {"f", 2, std::nullopt, std::nullopt, 1280, 720}};
        world.command(0, receiver);
        world.command(1, down_track_to(subscriber, receiver, 0, 5000));
        world.run(10);
    }
    // A frame of each layer below `layers`.
    void publish_frame(std::size_t layers) {
        static constexpr std::array kRids{"q", "h", "f"};
        static constexpr std::array<std::size_t, 3> kSizes{300, 900, 1100};
        for (std::size_t layer = 0; layer < layers; ++layer)
            for (int i = 0; i < (layer == 2 ? 3 : 1); ++i) {
                wire::RtpHeader header;
                header.payload_type = 96;
                header.ssrc = 0xA000 + static_cast<std::uint32_t>(layer);
                header.sequence = sequences[layer]++;
                header.timestamp = static_cast<std::uint32_t>(world.now_ms * 90);
                header.marker = layer < 2 || i == 2;
                Bytes payload =
                    vp8_payload(frame % 10 == 0, static_cast<std::uint8_t>(layer), kSizes[layer]);
                if (i > 0) payload[0] = 0;
                publisher.send(header, payload, world.client_out[&publisher], "0", kRids[layer]);
            }
        ++frame;
    }
    void publish(std::int64_t ms, std::size_t layers) {
        for (const std::int64_t end = world.now_ms + ms; world.now_ms < end;) {
            if (frame % 30 == 0) {
                for (std::uint32_t layer = 0; layer < layers; ++layer)
                    report(0xA000 + layer, 90);
            }
            publish_frame(layers);
            world.run(33);
        }
    }
    // Of the publisher's windows since the last call.
    std::vector<QualitySample> windows() {
        std::vector<QualitySample> found;
        const auto batches = world.events_of<QualityBatch>();
        for (; seen < batches.size(); ++seen)
            for (const QualitySample& sample : batches[seen].samples)
                if (sample.receiver == receiver.receiver) found.push_back(sample);
        return found;
    }
    AddReceiver receiver;
    std::array<std::uint16_t, 3> sequences{100, 200, 300};
    std::int64_t frame = 0;
    std::size_t seen = 0;
};

// The same, whose subscriber asks for a fifth of what it got, so many times each, and sends REMBs
// that never fall.
struct Lossy : Layered {
    void publish(std::int64_t ms, int asks) {
        for (const std::int64_t end = world.now_ms + ms; world.now_ms < end; world.run(33)) {
            publish_frame(3);
            if (frame % 5 == 0) ask(asks);
        }
    }
    void ask(int asks) {
        for (; looked < subscriber.rtp.size(); ++looked) {
            const ReceivedRtp& packet = subscriber.rtp[looked];
            if (packet.ms > world.now_ms - 120) break;  // may be on its way
            if (packet.ssrc == 5000 && packet.sequence % 5 == 0)
                missing.push_back({packet.sequence, asks});
        }
        std::vector<std::uint16_t> numbers;
        for (auto& [number, left] : missing)
            if (left-- > 0) numbers.push_back(number);
        std::erase_if(missing, [](const Missing& one) { return one.left <= 0; });
        Bytes compound(1200);
        ByteWriter out(compound);
        const std::array<std::uint32_t, 1> of{5000};
        REQUIRE(wire::write_remb(out, 1, 5'000'000, of));
        if (!numbers.empty()) REQUIRE(wire::write_nack(out, 1, 5000, numbers));
        compound.resize(out.size());
        subscriber.send_rtcp(compound, world.client_out[&subscriber]);
    }
    // The highest layer among the packets of the last second.
    int layer() const {
        int highest = -1;
        for (const ReceivedRtp& packet : subscriber.rtp)
            if (packet.ssrc == 5000 && packet.ms > world.now_ms - 1000)
                highest = std::max<int>(highest, packet.payload.back());
        return highest;
    }
    std::size_t copies() const {
        return static_cast<std::size_t>(
            std::count_if(subscriber.rtp.begin(), subscriber.rtp.end(),
                          [](const ReceivedRtp& packet) { return packet.ssrc == 5001; }));
    }
    struct Missing {
        std::uint16_t number = 0;
        int left = 0;
    };
    std::vector<Missing> missing;
    std::size_t looked = 0;
};

}  // namespace

TEST_CASE("Shard: what is asked for again and again takes a layer, once does not [BWE-21]") {
    Lossy once;
    once.publish(12'000, 1);
    CHECK(once.layer() == 2);
    CHECK(once.copies() > 150);
    Lossy again;
    again.publish(4000, 0);
    REQUIRE(again.layer() == 2);
    again.publish(6000, 3);
    CHECK(again.layer() == 1);
}

TEST_CASE("Shard: layers that are wanted and stay away are counted in each window [CQ-02]") {
    Layered call;
    call.publish(20'000, 3);
    for (const QualitySample& window : call.windows())
        CHECK(window.distance_to_desired == doctest::Approx(0).epsilon(0.2));
    call.publish(20'000, 2);
    const auto one_less = call.windows();
    REQUIRE(one_less.size() >= 3);
    CHECK(one_less.back().distance_to_desired == doctest::Approx(1));
    call.publish(15'000, 1);
    CHECK(call.windows().back().distance_to_desired == doctest::Approx(2));
    // What the publisher was asked to stop is missed by nobody.
    call.world.command(0, WantLayers{call.receiver.receiver, 0});
    call.publish(15'000, 1);
    CHECK(call.windows().back().distance_to_desired == doctest::Approx(0));
}

TEST_CASE("Shard: who falls silent is told as lost after one window [CQ-02]") {
    for (const bool muted : {false, true}) {
        CAPTURE(muted);
        Layered call;
        call.publish(12'000, 3);
        if (muted) call.world.command(0, MuteReceiver{call.receiver.receiver, true});
        (void)call.windows();
        call.world.run(10'000);
        const auto behind = call.windows();
        // The one in which it fell silent, and the first without anything.
        REQUIRE(behind.size() == 2);
        CHECK(behind[0].packets_expected > 0);
        CHECK_FALSE(behind[0].rtcp_overdue);
        CHECK(behind[1].packets_expected == 0);
        CHECK(behind[1].rtcp_overdue);
        CHECK(behind[1].muted == muted);
    }
}

}  // namespace confab::sfu
