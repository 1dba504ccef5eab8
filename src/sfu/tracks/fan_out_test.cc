// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/fan_out.h"

#include <algorithm>
#include <array>
#include <vector>

#include "sfu/tracks/stage_testing.h"

namespace confab::sfu {
namespace {

using test::Seat;
using test::Stage;

// A camera and one who looks on.
struct Call : Stage {
    explicit Call(const ShardOptions& of = {})
        : Stage(of), publisher(*connect().peer), seat(connect()), subscriber(*seat.peer) {
        command(video_of(publisher));
    }
    void look_on(std::uint32_t ssrc) { command(track_to(subscriber, MediaKind::kVideo, ssrc)); }
    void send(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i, ++next)
            video(publisher, next, next == 1);
    }
    // Of a frame, `us` behind now().
    void part(std::int64_t us, bool last) {
        inbound_test::PacketSpec spec{next, 3000, 96, kVideoSsrc, inbound_test::vp8_delta()};
        if (next == 1) spec.payload = inbound_test::vp8_key();
        spec.marker = last;
        const Bytes bytes = inbound_test::build(spec);
        PacketRef packet = pool.acquire_large();
        std::copy(bytes.begin(), bytes.end(), packet.buffer().begin());
        packet.set_size(bytes.size());
        const Timestamp at = now() + Duration::micros(us);
        publications.handle_rtp({at, at}, publisher, packet, packet.data());
        ++next;
    }
    // How many have been sent to the subscriber at that time.
    std::size_t sent(std::int64_t us) {
        fan_out.deliver_due(now() + Duration::micros(us));
        send_out();
        return seat.rtp.size();
    }
    ShardPeer& publisher;
    Seat& seat;
    ShardPeer& subscriber;
    std::uint16_t next = 1;
};

TEST_CASE("FanOut: packets wait for the end of the turn, kMaxArrived of a track at most [DES-44]") {
    Call call;
    call.look_on(500);
    call.send(FanOut::kMaxArrived - 1);
    CHECK(call.track(Stage::kVideo).arrived().size() == FanOut::kMaxArrived - 1);
    CHECK(call.fan_out.forwarded() == 0);
    call.send(1);
    CHECK(call.track(Stage::kVideo).arrived().empty());
    CHECK(call.fan_out.forwarded() == FanOut::kMaxArrived);
    call.send(1);
    CHECK(call.track(Stage::kVideo).arrived().size() == 1);
    call.flush();
    const auto got = call.seat.sequences(500);
    REQUIRE(got.size() == FanOut::kMaxArrived + 1);
    for (std::size_t i = 1; i < got.size(); ++i)
        CHECK(got[i] == static_cast<std::uint16_t>(got[0] + i));
}

ShardOptions with_hold() {
    ShardOptions options;
    options.frame_hold = {Duration::micros(100), Duration::micros(300)};
    return options;
}

TEST_CASE("FanOut: the packets of a frame leave together, at its end [DES-10]") {
    Call call(with_hold());
    call.look_on(500);
    call.part(0, false);
    CHECK(call.sent(0) == 0);
    CHECK(call.fan_out.next_deadline() == call.now() + Duration::micros(100));
    call.part(90, false);
    CHECK(call.sent(110) == 0);
    call.part(120, true);
    CHECK(call.sent(120) == 3);
    CHECK(call.fan_out.next_deadline().is_never());
    CHECK(call.fan_out.take_oldest() == call.now());
    CHECK(call.fan_out.take_oldest().is_never());
}

TEST_CASE("FanOut: a frame that stalls, or takes long, leaves as far as it came [DES-10]") {
    Call call(with_hold());
    call.look_on(500);
    call.part(0, false);
    CHECK(call.sent(99) == 0);
    CHECK(call.sent(100) == 1);
    call.part(1000, false);
    call.part(1090, false);
    call.part(1180, false);
    call.part(1270, false);
    CHECK(call.sent(1299) == 1);
    CHECK(call.sent(1300) == 5);
    // What is sent for another reason takes it along.
    call.part(2000, false);
    CHECK(call.sent(2000) == 5);
    call.fan_out.deliver(call.now() + Duration::micros(2001));
    CHECK(call.sent(2001) == 6);
}

TEST_CASE("FanOut: sound does not wait for a picture that is not whole [DES-10]") {
    Call call(with_hold());
    call.command(Stage::audio_of(call.publisher));
    call.look_on(500);
    call.command(Stage::track_to(call.subscriber, MediaKind::kAudio, 600));
    call.audio(call.publisher, 1);  // with the first one the source becomes known
    CHECK(call.sent(0) == 1);
    call.part(1, false);
    call.audio(call.publisher, 2);
    CHECK(call.sent(1) == 2);
    CHECK(call.seat.sequences(600).size() == 2);
    call.part(10, true);
    CHECK(call.sent(10) == 4);
}

TEST_CASE("FanOut: sound waits for that of others as long as it may, and leaves with it [DES-10]") {
    ShardOptions options = with_hold();
    options.sound_hold = Duration::millis(5);
    Call call(options);
    call.command(Stage::audio_of(call.publisher));
    call.look_on(500);
    call.command(Stage::track_to(call.subscriber, MediaKind::kAudio, 600));
    call.part(0, true);  // with the first one the source becomes known
    CHECK(call.sent(0) == 1);
    call.audio(call.publisher, 1);
    CHECK(call.sent(4999) == 1);
    CHECK(call.fan_out.next_deadline() == call.now() + Duration::millis(5));
    call.audio(call.publisher, 2);
    CHECK(call.sent(5000) == 3);
    CHECK(call.fan_out.next_deadline().is_never());
    // A picture that leaves takes it along, and waits for none.
    call.audio(call.publisher, 3);
    CHECK(call.sent(0) == 3);
    call.part(1, true);
    CHECK(call.sent(1) == 5);
    CHECK(call.seat.sequences(600).size() == 3);
}

TEST_CASE("FanOut: nothing is kept of a track that nobody looks at [DES-33]") {
    Call call;
    const std::size_t before = call.pool.large_in_use() + call.pool.small_in_use();
    call.send(100);
    CHECK(call.track(Stage::kVideo).arrived().empty());
    CHECK(call.pool.large_in_use() + call.pool.small_in_use() == before);
    call.fan_out.deliver(call.now());
    CHECK(call.fan_out.forwarded() == 0);
}

TEST_CASE("FanOut: each subscriber gets all packets of a turn, whatever their number [DES-44]") {
    // Decisions are copied in blocks: block sizes and what lies between them.
    for (const std::size_t subscribers : {1U, 3U, 9U, 10U, 11U, 21U}) {
        Call call;
        for (std::uint32_t i = 0; i < subscribers; ++i)
            call.look_on(500 + 2 * i);
        call.send(3);
        call.flush();
        for (std::uint32_t i = 0; i < subscribers; ++i)
            CHECK(call.seat.sequences(500 + 2 * i).size() == 3);
        CHECK(call.seat.rtp.size() == 3 * subscribers);
    }
}

// Until its client has said that it has the delay, it is written on each of its packets.
TEST_CASE("FanOut: of one frame some get all at once, some packet by packet, some none [DES-44]") {
    Call call;
    call.look_on(500);
    Seat& delayed = call.connect();
    AddDownTrack add = Stage::track_to(*delayed.peer, MediaKind::kVideo, 600);
    add.extensions.playout_delay = 5;
    add.playout_delay = {Duration::millis(100), Duration::millis(2000)};
    call.command(add);
    call.part(0, true);
    call.flush();
    call.now_ms += 1200;  // the key frame is too old to begin with
    Seat& late = call.connect();
    call.command(Stage::track_to(*late.peer, MediaKind::kVideo, 700));
    call.flush();
    const std::size_t asked = Stage::plis_to(*call.seats[0]);
    call.now_ms += 1500;  // what it asked for does not come
    for (int frame = 0; frame < 3; ++frame) {
        for (const bool last : {false, false, true})
            call.part(0, last);
        CHECK(frame_length(call.track(Stage::kVideo).arrived()) == 3);
        call.flush();
    }
    for (const auto& got : {call.seat.sequences(500), delayed.sequences(600)}) {
        REQUIRE(got.size() == 10);
        for (std::size_t i = 1; i < got.size(); ++i)
            CHECK(got[i] == static_cast<std::uint16_t>(got[0] + i));
    }
    CHECK(late.sequences(700).empty());
    CHECK(Stage::plis_to(*call.seats[0]) > asked);
}

TEST_CASE("FanOut: a stream does not start before its packets can be sent [FWD-16]") {
    Call call;
    ShardPeer& late = call.expect(PeerId(77));
    call.command(Stage::track_to(late, MediaKind::kVideo, 700));
    call.look_on(500);
    call.send(5);
    call.flush();
    CHECK(call.seat.sequences(500).size() == 5);
    REQUIRE(late.downlink().tracks().size() == 1);
    CHECK_FALSE(late.downlink().tracks()[0]->down_track.started());
    CHECK(late.counters().dropped_unconnected == 0);
}

TEST_CASE("FanOut: packets count as forwarded when there is somebody they could be sent to") {
    Call call;
    ShardPeer& late = call.expect(PeerId(77));
    call.command(Stage::track_to(late, MediaKind::kVideo, 700));
    call.send(5);
    call.flush();
    CHECK(call.fan_out.forwarded() == 0);
    call.look_on(500);
    call.send(5);
    call.flush();
    CHECK(call.fan_out.forwarded() == 5);
}

TEST_CASE("FanOut: the first packet tells that the stream flows, a later one does not [BWE-09]") {
    Call call;
    call.look_on(500);
    CHECK(call.take_events<StreamStateChanged>().empty());
    call.send(3);
    call.flush();
    const auto told = call.take_events<StreamStateChanged>();
    REQUIRE(told.size() == 1);
    CHECK(told[0].down_track == DownTrackId(500));
    CHECK(told[0].state == StreamState::kActive);
    call.send(3);
    call.flush();
    CHECK(call.take_events<StreamStateChanged>().empty());
}

// The RTP times of what a seat's client got of a stream.
std::vector<std::uint32_t> times_of(const Seat& seat, std::uint32_t ssrc) {
    std::vector<std::uint32_t> times;
    for (const Bytes& packet : seat.rtp)
        if (const auto view = wire::parse_rtp(packet); view && view->header.ssrc == ssrc)
            times.push_back(view->header.timestamp);
    return times;
}

TEST_CASE("FanOut: who comes behind a key frame begins with it, and nobody is asked [FWD-13]") {
    Call call;
    call.look_on(500);
    call.send(1);  // the key frame, number 1
    call.flush();
    for (int frame = 0; frame < 9; ++frame) {
        call.now_ms += 33;
        call.send(1);
        call.flush();
    }
    const Seat& publisher = *call.seats.front();
    const std::size_t asked = Stage::plis_to(publisher);
    Seat& late = call.connect();
    call.now_ms += 10;
    call.command(Stage::track_to(*late.peer, MediaKind::kVideo, 700));
    call.flush();
    const auto got = late.sequences(700);
    REQUIRE(got.size() == 10);
    for (std::size_t i = 1; i < got.size(); ++i)
        CHECK(got[i] == static_cast<std::uint16_t>(got[0] + i));
    // Shown one behind the other, the newest at its own time and the next one behind that.
    call.now_ms += 23;
    call.send(1);
    call.flush();
    const auto times = times_of(late, 700);
    REQUIRE(times.size() == 11);
    for (std::size_t i = 1; i < 10; ++i)
        CHECK(times[i] - times[i - 1] == Subscriptions::kCatchUpTicks);
    CHECK(times[10] - times[9] == 3000);
    CHECK(late.sequences(700).back() == static_cast<std::uint16_t>(got[0] + 10));
    CHECK(call.seat.sequences(500).size() == 11);
    CHECK(Stage::plis_to(publisher) == asked);
    CHECK(call.take_events<StreamStateChanged>().size() == 2);
    // What was sent late is repaired as it was sent.
    auto& down_track = late.peer->downlink().tracks()[0]->down_track;
    call.now_ms += 500;
    std::array<ResendPacket, 1> again;
    const std::array<std::uint16_t, 1> lost{got[4]};
    REQUIRE(down_track.handle_nack(lost, call.now(), again) == 1);
    CHECK(again[0].packet.timestamp == times[4]);
}

TEST_CASE("FanOut: opus as RED is made once, for those alone who want it [IN-32]") {
    Stage stage;
    ShardPeer& publisher = *stage.connect().peer;
    stage.command(Stage::audio_of(publisher));
    std::vector<Seat*> seats;
    for (const std::uint32_t ssrc : {500U, 600U, 700U}) {
        Seat& seat = stage.connect();
        AddDownTrack add = Stage::track_to(*seat.peer, MediaKind::kAudio, ssrc);
        if (ssrc > 500) {
            add.codecs.push_back({Codec::kRed, PayloadType(63), {}, 48'000, false});
            add.add_redundancy = true;
        }
        stage.command(add);
        seats.push_back(&seat);
    }
    for (std::uint16_t i = 1; i <= 3; ++i) {
        stage.audio(publisher, i);
        stage.flush();
    }
    const std::size_t kept = stage.pool.small_in_use();
    stage.audio(publisher, 4);
    stage.fan_out.deliver(stage.now());
    // The packet itself and one payload more for two of them, until they have left.
    CHECK(stage.pool.small_in_use() == kept + 2);
    stage.flush();
    CHECK(stage.pool.small_in_use() == kept + 1);
    for (const Seat* seat : seats) {
        REQUIRE(seat->rtp.size() == 4);
        const auto last = wire::parse_rtp(seat->rtp.back()).value();
        const bool red = seat != seats[0];
        CHECK(last.header.payload_type == (red ? 63 : 111));
        CHECK(last.payload.size() == (red ? 9U + 3 * 3 : 3U));
    }
}

TEST_CASE("FanOut: who comes long behind a key frame asks for one [FWD-13]") {
    Call call;
    call.look_on(500);
    call.send(1);
    call.flush();
    call.now_ms += 900;
    call.send(1);
    call.flush();
    const Seat& publisher = *call.seats.front();
    const std::size_t asked = Stage::plis_to(publisher);
    call.now_ms += 1200;
    Seat& late = call.connect();
    call.command(Stage::track_to(*late.peer, MediaKind::kVideo, 700));
    call.run(50);
    CHECK(late.sequences(700).empty());
    CHECK(Stage::plis_to(publisher) == asked + 1);
}

TEST_CASE("FanOut: what came before the home sent less is no beginning for others [DES-43]") {
    Stage stage;
    Seat& first = stage.connect();
    stage.command(Stage::track_to(*first.peer, MediaKind::kVideo, 500, Stage::kOther));
    stage.linked(LinkSource{Stage::kVideo, stage.video_source()});
    stage.linked_video(1, true);
    stage.linked_video(2, false);
    stage.flush();
    REQUIRE(first.sequences(500).size() == 2);
    UpdateDownTrack hidden;
    hidden.down_track = DownTrackId(500);
    hidden.settings.enabled = false;
    stage.command(hidden);
    (void)stage.kept.take<LinkKeyFrame>(Stage::kOther);
    stage.now_ms += 60;  // the stream goes on at its home
    Seat& second = stage.connect();
    stage.command(Stage::track_to(*second.peer, MediaKind::kVideo, 700, Stage::kOther));
    stage.flush();
    CHECK(second.sequences(700).empty());
    CHECK(stage.kept.take<LinkKeyFrame>(Stage::kOther).size() == 1);
}

TEST_CASE("FanOut: nor what came before a mute [IN-43]") {
    Call call;
    call.look_on(500);
    call.send(2);
    call.flush();
    for (const bool muted : {true, false}) {
        MuteReceiver mute;
        mute.receiver = Stage::kVideo;
        mute.muted = muted;
        call.command(mute);
    }
    Seat& late = call.connect();
    call.command(Stage::track_to(*late.peer, MediaKind::kVideo, 700));
    call.flush();
    CHECK(late.sequences(700).empty());
}

TEST_CASE("FanOut: who was there before does not begin again with what was [FWD-17]") {
    Call call;
    call.look_on(500);
    call.send(3);
    call.flush();
    UpdateDownTrack update;
    update.down_track = DownTrackId(500);
    update.settings.enabled = false;
    call.command(update);
    update.settings.enabled = true;
    call.command(update);
    call.flush();
    CHECK(call.seat.sequences(500).size() == 3);
}

TEST_CASE("FanOut: who can not start with what comes asks for a key frame [FWD-13] [IN-08]") {
    Stage stage;
    Seat& seat = stage.connect();
    stage.command(Stage::track_to(*seat.peer, MediaKind::kVideo, 500, Stage::kOther));
    stage.linked(LinkSource{Stage::kVideo, stage.video_source()});
    (void)stage.kept.take<LinkKeyFrame>(Stage::kOther);
    const auto asked_with = [&](std::uint16_t sequence, bool key) {
        stage.now_ms += 2'000;
        stage.linked_video(sequence, key);
        stage.fan_out.deliver(stage.now());
        return stage.kept.take<LinkKeyFrame>(Stage::kOther).size();
    };
    CHECK(asked_with(2, false) == 1);
    CHECK(asked_with(3, true) == 0);
    CHECK(asked_with(4, false) == 0);
    stage.flush();
    CHECK(seat.sequences(500).size() == 2);
}

TEST_CASE("FanOut: a codec that a subscriber does not take is told once [IN-09]") {
    Stage stage;
    Seat& seat = stage.connect();
    stage.command(Stage::track_to(*seat.peer, MediaKind::kVideo, 500, Stage::kOther));
    stage.linked(LinkSource{Stage::kVideo, stage.video_source()});
    stage.linked_video(1, true);
    stage.flush();
    CHECK(stage.take_events<CodecUnsupported>().empty());
    for (std::uint16_t i = 2; i < 8; ++i) {  // the publisher changes over
        stage.linked_video(i, false);
        stage.track(Stage::kVideo).arrived().back().media.codec = Codec::kH264;
    }
    stage.flush();
    const auto told = stage.take_events<CodecUnsupported>();
    REQUIRE(told.size() == 1);
    CHECK(told[0].down_track == DownTrackId(500));
    CHECK(seat.rtp.size() == 1);
}

}  // namespace
}  // namespace confab::sfu
