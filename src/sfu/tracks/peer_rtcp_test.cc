// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/peer_rtcp.h"

#include <array>
#include <functional>

#include "sfu/tracks/stage_testing.h"
#include "wire/rtcp/rtcp_xr.h"

namespace confab::sfu {
namespace {

using test::Seat;
using test::Stage;

constexpr std::uint32_t kSsrc = 500;
constexpr std::uint32_t kRtxSsrc = 501;

// A camera and a microphone, one who has both and one who has the camera.
struct Call : Stage {
    Call() : Call(ShardOptions{}) {}
    explicit Call(const ShardOptions& of)
        : Stage(of), camera(connect()), viewer(connect()), other(connect()) {
        command(video_of(*camera.peer));
        command(audio_of(*camera.peer));
        command(track_to(*viewer.peer, MediaKind::kVideo, kSsrc));
        command(track_to(*other.peer, MediaKind::kVideo, 900));
        command(track_to(*viewer.peer, MediaKind::kAudio, 700));
        for (std::uint16_t i = 1; i <= 30; ++i) {
            video(*camera.peer, i, i == 1);
            audio(*camera.peer, i);
            run(20);
        }
        now_ms += 2'000;  // behind every throttle
        flush();
        camera.rtcp.clear();
        viewer.rtp.clear();
    }
    // What a client says, in one compound.
    void say(Seat& seat, const std::function<void(ByteWriter&)>& write) {
        Bytes compound(1'400);
        ByteWriter out(compound);
        write(out);
        REQUIRE(out.ok());
        rtcp.handle(now(), *seat.peer, out.written());
        flush();
    }
    void nack(Seat& seat, std::uint32_t ssrc, std::span<const std::uint16_t> sequences) {
        say(seat, [&](ByteWriter& out) { CHECK(wire::write_nack(out, 1, ssrc, sequences)); });
    }
    void pli(Seat& seat, std::uint32_t ssrc) {
        say(seat, [&](ByteWriter& out) { CHECK(wire::write_pli(out, {1, ssrc})); });
    }
    std::size_t plis() const { return plis_to(camera); }
    Seat& camera;
    Seat& viewer;
    Seat& other;
};

TEST_CASE("PeerRtcp: a NACK is answered on the repair stream, once for each packet [FWD-11]") {
    Call call;
    call.video(*call.camera.peer, 31);
    call.video(*call.camera.peer, 32);
    call.flush();
    const std::uint16_t last = call.viewer.sequences(kSsrc).at(1);
    const std::array<std::uint16_t, 2> lost{static_cast<std::uint16_t>(last - 1), last};
    call.now_ms += 1'000;
    call.nack(call.viewer, kSsrc, lost);
    CHECK(call.viewer.sequences(kRtxSsrc).size() == 2);
    CHECK(call.rtcp.counters().nacks == 2);
    // What was never sent is not made up.
    const std::array<std::uint16_t, 1> never{static_cast<std::uint16_t>(last + 50)};
    call.nack(call.viewer, kSsrc, never);
    CHECK(call.viewer.sequences(kRtxSsrc).size() == 2);
    CHECK(call.rtcp.counters().nacks == 3);
}

TEST_CASE("PeerRtcp: losses that repairs made good are no losses of the subscriber [CQ-01]") {
    Call call;
    DownTrack& track = call.viewer.peer->downlink().tracks().front()->down_track;
    (void)track.window(call.now());
    const auto report = [&](std::uint32_t ssrc, std::int32_t lost) {
        std::array<wire::ReportBlock, 1> block;
        block[0].ssrc = ssrc;
        block[0].cumulative_lost = lost;
        call.say(call.viewer,
                 [&](ByteWriter& out) { CHECK(wire::write_receiver_report(out, 1, block)); });
    };
    const auto first = static_cast<std::uint16_t>(track.stats().before_first + 1);
    const std::array<std::uint16_t, 3> asked{static_cast<std::uint16_t>(first + 3),
                                             static_cast<std::uint16_t>(first + 5),
                                             static_cast<std::uint16_t>(first + 6)};
    call.nack(call.viewer, kSsrc, asked);
    REQUIRE(call.viewer.rtp.size() == 3);
    report(kSsrc, 4);
    report(kRtxSsrc, 1);  // of its own stream: no loss of media
    CHECK(track.stats().reported_lost == 4);
    CHECK(track.window(call.now()).lost == 2);
}

TEST_CASE("PeerRtcp: feedback about streams that a client does not get is nothing [IMM-10]") {
    Call call;
    const std::array<std::uint16_t, 3> sequences{1, 2, 3};
    // One of nobody, one of another client's, that of repairs, one of the publisher's.
    for (const std::uint32_t ssrc : {0x4242U, 900U, kRtxSsrc, Stage::kVideoSsrc}) {
        call.nack(call.viewer, ssrc, sequences);
        call.pli(call.viewer, ssrc);
        wire::ReportBlock block;
        block.ssrc = ssrc;
        block.fraction_lost = 200;
        call.say(call.viewer, [&](ByteWriter& out) {
            CHECK(wire::write_receiver_report(out, 1, std::span(&block, 1)));
        });
    }
    CHECK(call.viewer.rtp.empty());
    CHECK(call.plis() == 0);
    CHECK(call.rtcp.counters().nacks == 0);
    CHECK(call.viewer.peer->downlink().tracks()[0]->down_track.stats().plis == 0);
}

TEST_CASE("PeerRtcp: a report is one of many or little loss, by its worst stream [ICE-16]") {
    Call call;
    const auto report = [&](std::initializer_list<std::pair<std::uint32_t, std::uint8_t>> losses) {
        std::vector<wire::ReportBlock> blocks;
        for (const auto& [ssrc, lost] : losses) {
            blocks.emplace_back().ssrc = ssrc;
            blocks.back().fraction_lost = lost;
        }
        call.say(call.viewer,
                 [&](ByteWriter& out) { CHECK(wire::write_receiver_report(out, 1, blocks)); });
        return int{call.viewer.peer->losses.bad_reports()};
    };
    CHECK(report({{kSsrc, 10}, {700, 80}}) == 1);
    CHECK(report({{700, 80}, {kSsrc, 10}}) == 2);
    CHECK(report({{kSsrc, 10}}) == 2);
    CHECK(report({{0x4242, 255}}) == 2);  // of nothing that it is sent
    for (int i = 0; i < 30; ++i)
        (void)report({{0x4242, 0}});  // nor does that push others out
    CHECK(report({{kSsrc, 64}}) == 3);
    for (int i = 0; i < 31; ++i)
        (void)report({{kSsrc, 0}});
    CHECK(report({{kSsrc, 0}}) == 0);
    CHECK(report({{kSsrc, 80}, {700, 90}}) == 1);  // both bad, in one report
}

TEST_CASE("PeerRtcp: a PLI reaches the publisher of that stream, audio's nobody [IN-08][FWD-13]") {
    Call call;
    call.pli(call.viewer, 700);
    CHECK(call.plis() == 0);
    call.pli(call.viewer, kSsrc);
    CHECK(call.plis() == 1);
    CHECK(call.rtcp.counters().plis == 2);
    call.pli(call.other, 900);  // throttled with the first
    CHECK(call.plis() == 1);
}

TEST_CASE("PeerRtcp: a FIR is a PLI for each stream that it names [IN-08]") {
    Call call;
    const std::array<wire::FirEntry, 3> entries{{{0x4242, 1}, {kSsrc, 1}, {700, 2}}};
    call.say(call.viewer, [&](ByteWriter& out) { CHECK(wire::write_fir(out, 1, entries)); });
    CHECK(call.rtcp.counters().firs == 3);
    CHECK(call.rtcp.counters().plis == 0);
    CHECK(call.plis() == 1);
}

// Each is worth one to the home, and a message in its ring.
TEST_CASE("PeerRtcp: of a flood of FIRs one crosses to the home of the track [DES-43] [IN-08]") {
    Stage stage;
    Seat& viewer = stage.connect();
    stage.command(Stage::track_to(*viewer.peer, MediaKind::kVideo, kSsrc, Stage::kOther));
    stage.linked(LinkSource{Stage::kVideo, stage.video_source()});
    stage.linked_video(1, true);
    stage.flush();
    stage.now_ms += 1'000;
    (void)stage.kept.take<LinkKeyFrame>(Stage::kOther);
    const auto crossed_of_flood = [&] {
        std::array<wire::FirEntry, 170> entries;
        entries.fill({kSsrc, 1});
        Bytes compound(1'400);
        ByteWriter out(compound);
        REQUIRE(wire::write_fir(out, 1, entries));
        stage.rtcp.handle(stage.now(), *viewer.peer, out.written());
        return stage.kept.take<LinkKeyFrame>(Stage::kOther).size();
    };
    CHECK(crossed_of_flood() == 1);
    CHECK(crossed_of_flood() == 0);
    stage.now_ms += 49;
    CHECK(crossed_of_flood() == 0);
    stage.now_ms += 1;
    CHECK(crossed_of_flood() == 1);
    // One that came settled what was asked before it: somebody may have missed it.
    stage.linked_video(2, true);
    stage.flush();
    CHECK(crossed_of_flood() == 1);
    CHECK(stage.rtcp.counters().firs == 5 * 170);
}

TEST_CASE("PeerRtcp: the estimates in one compound share the link once [BWE-03]") {
    Call call;
    const std::uint64_t before = call.subscriptions.allocations();
    call.say(call.viewer, [&](ByteWriter& out) {
        const std::array ssrcs{kSsrc};
        for (std::uint64_t i = 1; i <= 50; ++i)
            CHECK(wire::write_remb(out, 1, i * 100'000, ssrcs));
    });
    CHECK(call.subscriptions.allocations() == before + 1);
}

// 02 MC-12: it works without RTX, too.
TEST_CASE("PeerRtcp: what can not be sent again takes a key frame [MC-12] [FWD-11]") {
    Call call;
    AddDownTrack bare = Stage::track_to(*call.other.peer, MediaKind::kVideo, 950);
    bare.rtx_ssrc = Ssrc(0);
    bare.codecs[0].rtx_pt.reset();
    call.command(bare);
    call.video(*call.camera.peer, 31, true);
    call.now_ms += 2'000;
    call.flush();
    call.camera.rtcp.clear();
    const std::array<std::uint16_t, 1> lost{1};
    call.nack(call.other, 900, lost);
    CHECK(call.plis() == 0);
    call.nack(call.other, 950, lost);
    CHECK(call.plis() == 1);
    call.nack(call.other, 950, lost);
    CHECK(call.plis() == 1);  // it is on its way
    CHECK(call.rtcp.counters().plis == 0);
}

TEST_CASE("PeerRtcp: of a NACK of more packets than 512 the first are looked at [FWD-11]") {
    Call call;
    std::vector<std::uint16_t> many;
    many.reserve(600);
    for (std::uint16_t i = 0; i < 600; ++i)
        many.push_back(i);
    call.nack(call.viewer, kSsrc, many);
    CHECK(call.rtcp.counters().nacks == 512);
    many.resize(512);
    call.nack(call.viewer, kSsrc, many);
    CHECK(call.rtcp.counters().nacks == 1'024);
    many.resize(511);
    call.nack(call.viewer, kSsrc, many);
    CHECK(call.rtcp.counters().nacks == 1'535);
}

TEST_CASE("PeerRtcp: what stands before a broken block counts, and it is counted [IMM-10]") {
    Call call;
    const std::uint64_t before = call.viewer.peer->counters().rtcp_in;
    call.say(call.viewer, [&](ByteWriter& out) {
        CHECK(wire::write_pli(out, {1, kSsrc}));
        out.u32(0x81CE0009);  // longer than what is left
    });
    CHECK(call.plis() == 1);
    CHECK(call.viewer.peer->counters().rtcp_in == before + 1);
    CHECK(call.viewer.peer->counters().rtcp_malformed == 1);
    for (std::size_t size = 0; size < 12; ++size) {
        Bytes pli(12);
        ByteWriter out(pli);
        CHECK(wire::write_pli(out, {1, kSsrc}));
        call.rtcp.handle(call.now(), *call.viewer.peer, BytesView(pli).first(size));
    }
    CHECK(call.rtcp.counters().plis == 1);
}

TEST_CASE("PeerRtcp: blocks of a sender report count as those of a receiver's [IN-05]") {
    for (const bool sender : {false, true}) {
        ShardOptions options;
        options.loss_proxying = true;
        Call call(options);
        std::array<wire::ReportBlock, 2> blocks{};
        blocks[0].ssrc = 0x4242;
        blocks[0].fraction_lost = 250;
        blocks[1].ssrc = 700;
        blocks[1].fraction_lost = 40;
        call.say(call.viewer, [&](ByteWriter& out) {
            if (sender)
                CHECK(wire::write_sender_report(out, {}, blocks));
            else
                CHECK(wire::write_receiver_report(out, 1, blocks));
        });
        CHECK(call.tracks.find_receiver(Stage::kAudio)->receiver->take_worst_loss() == 40);
    }
}

TEST_CASE("PeerRtcp: a reference time is answered with the next feedback, once [FWD-13]") {
    Call call;
    const NtpTime reference = NtpTime::from_unix(UnixTime::seconds(1'234));
    const auto answers = [&] {
        std::size_t count = 0;
        for (const Bytes& compound : call.viewer.rtcp) {
            wire::RtcpReader reader(compound);
            while (const auto block = reader.next()) {
                if (block->type != wire::RtcpType::kExtendedReport) continue;
                wire::XrReader xr(*block);
                while (const auto report = xr.next())
                    for (std::size_t i = 0; i < wire::dlrr_entries(*report); ++i) {
                        CHECK(wire::dlrr_entry(*report, i).ssrc == 0x77);
                        CHECK(wire::dlrr_entry(*report, i).last_rr == reference.compact());
                        ++count;
                    }
            }
        }
        return count;
    };
    call.say(call.viewer, [&](ByteWriter& out) { CHECK(wire::write_rrtr(out, 0x77, reference)); });
    call.queue.mark(*call.viewer.peer);
    call.flush();
    CHECK(answers() == 1);
    call.run(5'000);
    CHECK(answers() == 1);
}

TEST_CASE("PeerRtcp: descriptions, goodbyes and what applications say change nothing [IMM-10]") {
    Call call;
    call.say(call.viewer, [&](ByteWriter& out) {
        const std::array<std::uint32_t, 1> ssrcs{kSsrc};
        const std::array<wire::SdesChunk, 1> chunks{{{kSsrc, "somebody", ""}}};
        CHECK(wire::write_sdes(out, chunks));
        CHECK(wire::write_bye(out, ssrcs));
        out.u32(0x80CC0002);
        out.u32(1);
        out.u32(0x6E616D65);
    });
    CHECK(call.viewer.peer->counters().rtcp_malformed == 0);
    CHECK(call.subscriptions.size() == 3);
    call.video(*call.camera.peer, 31);
    call.flush();
    CHECK(call.viewer.sequences(kSsrc).size() == 1);
}

}  // namespace
}  // namespace confab::sfu
