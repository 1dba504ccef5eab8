// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is published as the other end of a connection gets it.
#include "client/media/publisher.h"

#include <doctest/doctest.h>

#include "base/text.h"
#include "client/connection/connection_testing.h"
#include "wire/rtp/rtp.h"
#include "wire/rtp/rtp_extensions.h"
#include "wire/rtp/rtx.h"
#include "wire/video/vp8.h"

namespace confab::client {
namespace {

constexpr UnixTime kWallAtZero = UnixTime::seconds(1'700'000'000);

TrackPlan camera() {
    TrackPlan plan;
    plan.number = 1;
    plan.kind = MediaKind::kVideo;
    plan.mid = "5";
    plan.layers = {{"q", 1, 2, 320, 180, 1}, {"h", 3, 4, 640, 360, 2}};
    return plan;
}
TrackPlan microphone() {
    TrackPlan plan;
    plan.number = 2;
    plan.mid = "6";
    plan.layers = {{"", 11, 0, 0, 0, 1}};
    return plan;
}

struct Bench {
    explicit Bench(bool connect = true) {
        if (connect) connected();
    }
    void connected() {
        pair.negotiate();
        pair.run(Duration::seconds(1));
        REQUIRE(pair.offerer().connected());
    }
    void run(Duration time) {
        for (const Timestamp end = pair.now + time; pair.now < end;) {
            publisher.handle_timeout(pair.now);
            pair.run(Duration::millis(5));
        }
    }
    // What came of a stream since the last call.
    std::vector<wire::RtpPacketView> packets(std::uint32_t ssrc) const {
        std::vector<wire::RtpPacketView> found;
        for (const Bytes& packet : pair.rtp)
            if (const auto parsed = wire::parse_rtp(packet); parsed->header.ssrc == ssrc)
                found.push_back(*parsed);
        return found;
    }
    void forget() { pair.rtp.clear(); }
    template <typename Write>
    void feedback(Write write) {
        std::array<std::uint8_t, 200> buffer;
        ByteWriter out(buffer);
        REQUIRE(write(out));
        wire::RtcpReader reader(out.written());
        while (const auto block = reader.next())
            publisher.handle_block(pair.now, *block);
    }
    void report(std::uint32_t ssrc) {
        feedback([ssrc](ByteWriter& out) {
            std::array<wire::ReportBlock, 1> blocks{};
            blocks[0].ssrc = ssrc;
            return wire::write_receiver_report(out, 99, blocks);
        });
    }
    void nack(std::uint32_t ssrc, std::vector<std::uint16_t> sequences) {
        feedback([&](ByteWriter& out) { return wire::write_nack(out, 99, ssrc, sequences); });
    }
    void pli(std::uint32_t ssrc) {
        feedback([ssrc](ByteWriter& out) { return wire::write_pli(out, {99, ssrc}); });
    }

    Pair pair;
    Publisher publisher{pair.offerer(), kWallAtZero, Rng(5)};
};

std::string text_of(const wire::RtpPacketView& packet, std::uint8_t extension) {
    const auto value = wire::find_extension(packet, extension);
    return value ? std::string(as_text(*value)) : std::string();
}
std::size_t key_packets(const std::vector<wire::RtpPacketView>& packets) {
    std::size_t count = 0;
    for (const auto& packet : packets)
        count += wire::parse_vp8(packet.payload)->key_frame ? 1U : 0U;
    return count;
}

}  // namespace

TEST_CASE("Publisher: mid and rid go with a stream until a report names it [IN-11]") {
    Bench bench;
    bench.publisher.add_track(bench.pair.now, camera());
    bench.run(Duration::millis(300));
    for (const auto& [ssrc, rid] : {std::pair{1U, "q"}, std::pair{3U, "h"}}) {
        REQUIRE(bench.packets(ssrc).size() >= 3);
        for (const auto& packet : bench.packets(ssrc)) {
            CHECK(text_of(packet, kMidExtension) == "5");
            CHECK(text_of(packet, kRidExtension) == rid);
        }
    }
    bench.report(1);
    bench.forget();
    bench.run(Duration::millis(300));
    for (const auto& packet : bench.packets(1)) {
        CHECK(text_of(packet, kMidExtension).empty());
        CHECK(text_of(packet, kRidExtension).empty());
    }
    REQUIRE(!bench.packets(3).empty());
    CHECK(text_of(bench.packets(3).back(), kRidExtension) == "h");
}

TEST_CASE("Publisher: SSRCs that were announced need no mid [SDP-27]") {
    Bench bench;
    TrackPlan plan = microphone();
    plan.announce_ssrcs = true;
    bench.publisher.add_track(bench.pair.now, plan);
    bench.run(Duration::millis(100));
    REQUIRE(!bench.packets(11).empty());
    for (const auto& packet : bench.packets(11)) {
        CHECK(text_of(packet, kMidExtension).empty());
        CHECK(wire::find_extension(packet, kAudioLevelExtension).has_value());
    }
}

TEST_CASE("Publisher: what is asked again comes as RTX, what is not kept does not [FWD-11]") {
    Bench bench;
    bench.publisher.add_track(bench.pair.now, camera());
    bench.publisher.add_track(bench.pair.now, microphone());
    bench.run(Duration::millis(300));
    const auto sent = bench.packets(1);
    REQUIRE(sent.size() >= 2);
    const std::uint16_t wanted = sent[1].header.sequence;
    const Bytes payload = to_vector(sent[1].payload);
    const auto next = static_cast<std::uint16_t>(sent.back().header.sequence + 1);
    bench.nack(1, {wanted, next});
    bench.nack(11, {bench.packets(11).front().header.sequence});  // no RTX was offered for it
    bench.nack(77, {wanted});
    bench.forget();
    bench.pair.run(Duration::millis(20));
    const auto again = bench.packets(2);
    REQUIRE(again.size() == 1);
    CHECK(bench.pair.rtp.size() == 1);
    CHECK(again[0].header.payload_type == kVp8RtxType);
    CHECK(text_of(again[0], kRepairedRidExtension) == "q");
    const auto rtx = wire::parse_rtx(again[0].payload);
    REQUIRE(rtx);
    CHECK(rtx->original_sequence == wanted);
    CHECK(to_vector(rtx->payload) == payload);
    CHECK(bench.publisher.counters().resent == 1);
    CHECK(bench.publisher.counters().nacks == 2);

    // Once its report has named it, without rid; and nothing that is older than the history.
    bench.report(2);
    bench.run(Duration::seconds(40));
    bench.forget();
    const auto last = [&] { return bench.packets(1).back().header.sequence; };
    bench.run(Duration::millis(100));
    const std::uint16_t newest = last();
    bench.nack(1, {wanted, newest});
    bench.forget();
    bench.pair.run(Duration::millis(20));
    REQUIRE(bench.packets(2).size() == 1);
    CHECK(wire::parse_rtx(bench.packets(2)[0].payload)->original_sequence == newest);
    CHECK(text_of(bench.packets(2)[0], kRepairedRidExtension).empty());
}

TEST_CASE("Publisher: a PLI brings one key frame on all layers [IN-53]") {
    Bench bench;
    bench.publisher.add_track(bench.pair.now, camera());
    bench.run(Duration::millis(500));
    CHECK(key_packets(bench.packets(1)) == 1);  // the first
    bench.forget();
    bench.run(Duration::seconds(1));
    CHECK(key_packets(bench.packets(1)) == 0);
    bench.pli(3);
    bench.pli(77);
    bench.run(Duration::millis(500));
    CHECK(key_packets(bench.packets(1)) == 1);
    CHECK(key_packets(bench.packets(3)) == 1);
    CHECK(bench.publisher.key_frames() == 2);
    CHECK(bench.publisher.counters().plis == 1);
}

TEST_CASE("Publisher: muted it is silent, and goes on with a key frame and the next number") {
    Bench bench;
    bench.publisher.add_track(bench.pair.now, camera());
    bench.run(Duration::millis(500));
    const std::uint16_t last = bench.packets(1).back().header.sequence;
    bench.publisher.set_muted(1, true);
    bench.publisher.set_muted(7, true);  // nobody
    bench.forget();
    bench.run(Duration::seconds(1));
    CHECK(bench.pair.rtp.empty());
    bench.publisher.set_muted(1, false);
    bench.run(Duration::millis(500));
    const auto packets = bench.packets(1);
    REQUIRE(!packets.empty());
    CHECK(packets[0].header.sequence == static_cast<std::uint16_t>(last + 1));
    CHECK(wire::parse_vp8(packets[0].payload)->key_frame);

    TrackPlan loud = microphone();
    loud.sends_while_muted = true;
    bench.publisher.add_track(bench.pair.now, loud);
    bench.publisher.set_muted(2, true);
    bench.forget();
    bench.run(Duration::millis(200));
    CHECK(bench.packets(11).size() >= 8);
    bench.publisher.remove_track(2);
    bench.forget();
    bench.run(Duration::millis(200));
    CHECK(bench.packets(11).empty());
}

TEST_CASE("Publisher: what it could not send counts as sent, then it begins with a key frame") {
    Bench bench(false);
    bench.publisher.add_track(bench.pair.now, camera());
    bench.run(Duration::seconds(1));
    CHECK(bench.publisher.counters().packets == 0);
    bench.connected();
    bench.run(Duration::millis(300));
    const auto packets = bench.packets(1);
    REQUIRE(!packets.empty());
    CHECK(wire::parse_vp8(packets[0].payload)->key_frame);
}

TEST_CASE("Publisher: layers that nobody wants are not sent, if the track follows that [DYN-02]") {
    for (const bool follows : {false, true}) {
        Bench bench;
        TrackPlan plan = camera();
        plan.follows_quality = follows;
        bench.publisher.add_track(bench.pair.now, plan);
        bench.run(Duration::millis(200));
        bench.publisher.set_layer(9, 0, false);  // another track
        bench.publisher.set_layer(plan.number, 1, false);
        bench.forget();
        bench.run(Duration::millis(300));
        CHECK(bench.packets(1).size() >= 3);
        CHECK(bench.packets(3).empty() == follows);
        bench.publisher.set_layer(plan.number, 1, true);
        bench.forget();
        bench.run(Duration::millis(300));
        REQUIRE(!bench.packets(3).empty());
        CHECK(wire::parse_vp8(bench.packets(3).front().payload)->key_frame == follows);
    }
}

TEST_CASE("Publisher: sender reports each second say what was sent and when [RFC 3550 6.4.1]") {
    Bench bench;
    bench.publisher.add_track(bench.pair.now, camera());
    bench.run(Duration::millis(3500));
    std::size_t reports = 0;
    for (const Pair::Rtcp& one : bench.pair.rtcp) {
        wire::RtcpReader reader(one.compound);
        while (const auto block = reader.next()) {
            const auto report = wire::parse_sender_report(*block);
            if (!report || report->ssrc != 3) continue;
            ++reports;
            std::uint32_t packets = 0;
            std::uint32_t octets = 0;
            std::uint32_t newest = 0;
            for (std::size_t i = 0; i < one.behind; ++i) {
                const auto packet = wire::parse_rtp(bench.pair.rtp[i]);
                if (packet->header.ssrc != 3) continue;
                ++packets;
                octets += static_cast<std::uint32_t>(packet->payload.size());
                newest = packet->header.timestamp;
            }
            CHECK(report->packet_count == packets);
            CHECK(report->octet_count == octets);
            // The report's time is that of now: at most a frame behind the newest picture.
            CHECK(report->rtp_time - newest <= 90'000 / 15);
        }
    }
    CHECK(reports >= 3);
    CHECK(reports <= 4);
}

TEST_CASE("Publisher: transport-wide numbers run over all tracks, without a gap [IN-43]") {
    Bench bench;
    bench.publisher.add_track(bench.pair.now, camera());
    bench.publisher.add_track(bench.pair.now, microphone());
    bench.run(Duration::millis(500));
    REQUIRE(bench.pair.rtp.size() > 30);
    for (std::size_t i = 0; i < bench.pair.rtp.size(); ++i) {
        const auto packet = wire::parse_rtp(bench.pair.rtp[i]);
        const auto number = wire::find_extension(*packet, kTransportCcExtension);
        REQUIRE(number);
        CHECK(load_be16(number->data()) == i);
    }
}

TEST_CASE("Publisher: packets are of their codec, with marker and level where they belong") {
    Bench bench;
    bench.publisher.add_track(bench.pair.now, camera());
    bench.publisher.add_track(bench.pair.now, microphone());
    bench.run(Duration::millis(500));
    const auto video = bench.packets(3);
    REQUIRE(video.size() > 4);
    for (std::size_t i = 0; i < video.size(); ++i) {
        CHECK(video[i].header.payload_type == kVp8Type);
        CHECK(video[i].header.marker == (i % 2 == 1));  // two packets a frame
        CHECK_FALSE(wire::find_extension(video[i], kAudioLevelExtension).has_value());
    }
    const auto audio = bench.packets(11);
    REQUIRE(audio.size() > 20);
    for (std::size_t i = 0; i < audio.size(); ++i) {
        CHECK(audio[i].header.payload_type == kOpusType);
        CHECK(audio[i].header.marker == (i == 0));
        CHECK(wire::find_extension(audio[i], kAudioLevelExtension).has_value());
        CHECK(text_of(audio[i], kRidExtension).empty());
    }
}

TEST_CASE("Publisher: RTX has numbers of its own and the time of what it repeats [RFC 4588 4]") {
    Bench bench;
    bench.publisher.add_track(bench.pair.now, camera());
    bench.run(Duration::millis(500));
    const auto sent = bench.packets(3);
    REQUIRE(sent.size() > 5);
    std::vector<std::pair<std::uint32_t, bool>> expected;
    std::vector<std::uint16_t> wanted;
    for (const std::size_t i : {1U, 2U, 4U}) {
        wanted.push_back(sent[i].header.sequence);
        expected.emplace_back(sent[i].header.timestamp, sent[i].header.marker);
    }
    bench.nack(3, wanted);
    bench.forget();
    bench.pair.run(Duration::millis(20));
    const auto again = bench.packets(4);
    REQUIRE(again.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(std::pair(again[i].header.timestamp, again[i].header.marker) == expected[i]);
        CHECK(again[i].header.sequence == static_cast<std::uint16_t>(again[0].header.sequence + i));
    }
}

TEST_CASE("Publisher: reports tell the time of day, and nothing of what was never sent") {
    Bench bench;
    TrackPlan silent = microphone();
    bench.publisher.add_track(bench.pair.now, camera());
    bench.publisher.add_track(bench.pair.now, silent);
    bench.publisher.set_muted(silent.number, true);
    bench.run(Duration::millis(3500));
    std::vector<std::uint64_t> times;
    for (const Pair::Rtcp& one : bench.pair.rtcp) {
        wire::RtcpReader reader(one.compound);
        while (const auto block = reader.next()) {
            const auto report = wire::parse_sender_report(*block);
            if (!report) continue;
            CHECK(report->ssrc != 11);
            if (report->ssrc != 1) continue;
            times.push_back(report->ntp.value());
        }
    }
    REQUIRE(times.size() >= 3);
    const std::uint64_t second = std::uint64_t{1} << 32;
    for (std::size_t i = 1; i < times.size(); ++i) {
        CHECK(times[i] - times[i - 1] > second * 9 / 10);
        CHECK(times[i] - times[i - 1] < second * 11 / 10);
    }
    const NtpTime now = NtpTime::from_unix(kWallAtZero + (bench.pair.now - Timestamp{}));
    CHECK(now.value() - times.back() < 2 * second);
}

TEST_CASE("Publisher: muting one track leaves the others alone") {
    Bench bench;
    bench.publisher.add_track(bench.pair.now, camera());
    bench.publisher.add_track(bench.pair.now, microphone());
    bench.run(Duration::millis(200));
    bench.publisher.set_muted(1, true);
    bench.publisher.set_muted(99, true);
    bench.pair.run(Duration::millis(20));
    bench.forget();
    bench.run(Duration::millis(500));
    CHECK(bench.packets(1).empty());
    CHECK(bench.packets(11).size() > 20);
    CHECK(bench.publisher.key_frames() == 1);
    bench.publisher.remove_track(2);
    bench.pair.run(Duration::millis(20));
    bench.forget();
    bench.run(Duration::millis(200));
    CHECK(bench.pair.rtp.empty());
}

}  // namespace confab::client
