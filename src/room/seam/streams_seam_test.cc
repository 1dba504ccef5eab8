// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One stream to a subscriber out of those of a publisher: numbers, times, descriptors and
// extensions through changes of layers, mutes and pauses: 02 §4.1.
#include <doctest/doctest.h>

#include <set>

#include "room/seam/call_seam_testing.h"
#include "wire/video/vp8.h"

namespace confab::room::testing {
namespace {

using R = livekit::SignalResponse;

CallPlan simulcast() {
    CallPlan plan;
    plan.rids = {"q", "h", "f"};
    return plan;
}

// Layers whose clocks have nothing in common but the reports; a frame of each is one packet, with a
// full descriptor. Key frames as the publisher is asked for them, as libwebrtc makes them: on all.
struct Camera : SeamCall {
    explicit Camera(const CallPlan& plan = simulcast()) : SeamCall(plan) {
        streams.reserve(3);
        for (std::size_t i = 0; i < 3; ++i) {
            streams.push_back(stream(100 + static_cast<std::uint32_t>(i), plan.rids[i]));
            streams[i].timestamp = static_cast<std::uint32_t>(1'000'000'000 * i + 17);
            streams[i].sequence = static_cast<std::uint16_t>(20'000 * i + 5);
        }
    }
    void play(int ticks) {
        for (int n = 0; n < ticks; ++n, ++tick) {
            take_requests();
            for (std::size_t i = 0; i < 3; ++i) {
                Stream& s = streams[i];
                s.timestamp += 33 * 90;
                if (tick % 15 == 0 && reported.contains(i)) report(s);
                if (!enabled.contains(i)) continue;
                send(s.packet(payload(i, key.erase(i) > 0)));
            }
            run(33);
        }
    }
    Bytes payload(std::size_t layer, bool is_key) {
        const int picture = tick + static_cast<int>(3'000 * layer);
        const int temporal = is_key ? 0 : (tick % 2);
        Bytes out{0x90,
                  0xF0,
                  static_cast<std::uint8_t>(0x80 | (picture >> 8 & 0x7F)),
                  static_cast<std::uint8_t>(picture),
                  static_cast<std::uint8_t>(tick / 2 + 50 * static_cast<int>(layer)),
                  static_cast<std::uint8_t>(temporal << 6 | 0x20)};
        out.insert(out.end(), {static_cast<std::uint8_t>(is_key ? 0 : 1), 0, 0, 0x9D, 0x01, 0x2A,
                               64, 0, 48, 0});
        out.resize(300, static_cast<std::uint8_t>(layer << 4 | static_cast<std::size_t>(temporal)));
        return out;
    }
    void take_requests() {
        const auto all = told_by(publisher(), wire::parse_pli);
        if (answers && all.size() > requests_) key = enabled;
        requests_ = all.size();
    }
    void want(livekit::VideoQuality quality, std::uint32_t fps = 0) {
        wish([&](livekit::UpdateTrackSettings& settings) {
            settings.set_quality(quality);
            settings.set_fps(fps);
        });
    }
    int last_layer() { return heard().back().payload.back() >> 4; }

    std::vector<Stream> streams;
    int tick = 0;
    bool answers = true;
    std::set<std::size_t> enabled{0, 1, 2};
    std::set<std::size_t> reported{0, 1, 2};
    std::set<std::size_t> key{0, 1, 2};

  private:
    std::size_t requests_ = 0;
};

// Numbers without a hole, times that go on with the clock.
void check_line(const std::vector<ReceivedRtp>& heard, std::int64_t slack_ms = 40) {
    for (std::size_t i = 1; i < heard.size(); ++i) {
        CAPTURE(i);
        CHECK(heard[i].sequence == static_cast<std::uint16_t>(heard[i - 1].sequence + 1));
        const auto step = static_cast<std::int32_t>(heard[i].timestamp - heard[i - 1].timestamp);
        const std::int64_t passed = heard[i].ms - heard[i - 1].ms;
        CHECK(step > 0);
        CHECK(std::abs(step - passed * 90) <= slack_ms * 90);
    }
}

// Picture ids and TL0PICIDX grow by one at most, KEYIDX too.
void check_descriptors(const std::vector<ReceivedRtp>& heard) {
    for (std::size_t i = 1; i < heard.size(); ++i) {
        CAPTURE(i);
        const auto before = wire::parse_vp8(heard[i - 1].payload).value();
        const auto after = wire::parse_vp8(heard[i].payload).value();
        CHECK(((after.picture_id - before.picture_id) & 0x7F) == 1);
        CHECK(((after.tl0_pic_idx - before.tl0_pic_idx) & 0xFF) <= 1);
    }
}

}  // namespace

TEST_CASE(
    "Streams: layers follow each other on one line of numbers and times "
    "[FWD-01] [FWD-02] [FWD-03] [FWD-05] [FWD-06] [outside]") {
    Camera c;
    c.play(60);
    REQUIRE(c.last_layer() == 2);
    int changes = 0;
    for (const auto quality : {livekit::LOW, livekit::HIGH, livekit::MEDIUM, livekit::LOW,
                               livekit::MEDIUM, livekit::HIGH}) {
        c.want(quality);
        c.play(60);
        CHECK(c.last_layer() == static_cast<int>(quality));
        ++changes;
    }
    const auto heard = c.heard();
    check_line(heard);
    check_descriptors(heard);
    int switches = 0;
    for (std::size_t i = 1; i < heard.size(); ++i) {
        const auto frame = wire::parse_vp8(heard[i].payload).value();
        if (heard[i].payload.back() >> 4 == heard[i - 1].payload.back() >> 4) continue;
        ++switches;
        CHECK(frame.key_frame);  // nothing else can be decoded
    }
    CHECK(switches >= changes);
}

TEST_CASE("Streams: no change to a layer whose clock is not known [FWD-02] [outside]") {
    Camera c;
    c.reported = c.enabled = {1, 2};
    c.play(60);
    REQUIRE(c.last_layer() == 2);
    c.enabled = {0, 1, 2};
    c.want(livekit::LOW);
    c.play(90);
    CHECK(c.last_layer() > 0);  // its key frames were refused, the picture goes on
    c.reported = {0, 1, 2};
    c.play(60);
    CHECK(c.last_layer() == 0);
    check_line(c.heard());
}

TEST_CASE("Streams: a layer that the pacer still trickles waits [FWD-03] [outside]") {
    Camera c;
    c.want(livekit::LOW);
    c.play(60);
    REQUIRE(c.last_layer() == 0);
    // Its frames are those of 200 ms ago, by its own reports.
    c.streams[2].timestamp -= 200 * 90;
    c.reported = {0, 1};
    c.enabled = {0, 2};
    wire::SenderReport late;
    late.ssrc = c.streams[2].ssrc;
    late.ntp = NtpTime::from_unix(c.wall());
    late.rtp_time = c.streams[2].timestamp + 200 * 90;
    c.tell(c.receiver.peer, [&](ByteWriter& out) { return wire::write_sender_report(out, late); });
    c.want(livekit::HIGH);
    c.play(60);
    CHECK(c.last_layer() == 0);
    c.streams[2].timestamp += 200 * 90;  // it has caught up
    c.play(60);
    CHECK(c.last_layer() == 2);
    check_line(c.heard());
}

TEST_CASE(
    "Streams: what is left out leaves no hole, what was lost does; late packets find their place "
    "[FWD-04] [FWD-06] [SUB-03] [outside]") {
    Camera c;
    c.enabled = {2};
    c.play(90);
    c.want(livekit::HIGH, 12);  // half of its frames are enough
    c.play(30);
    const std::size_t from = c.heard().size();
    // Every second frame is of temporal layer 1 and left out.
    c.play(2);
    REQUIRE(c.heard().size() == from + 1);
    // A packet that will be late, one that is lost, and one of a layer that is left out.
    if (c.tick % 2 == 1) c.play(1);
    Stream& s = c.streams[2];
    s.timestamp += 33 * 90;
    const Bytes late = s.packet(c.payload(2, false));
    ++c.tick;
    c.play(3);
    c.send(late, 5);
    (void)s.packet(c.payload(2, false));
    ++c.tick;
    c.play(5);
    const auto heard = c.heard();
    std::set<std::uint16_t> numbers;
    for (const ReceivedRtp& packet : heard) {
        CHECK(numbers.insert(packet.sequence).second);
        if (&packet - heard.data() >= static_cast<std::ptrdiff_t>(from))
            CHECK((packet.payload.back() & 15) == 0);
    }
    // One hole, of the packet that never came.
    const auto span = static_cast<std::uint16_t>(*numbers.rbegin() - *numbers.begin());
    CHECK(span + 1U == numbers.size() + 1);
}

TEST_CASE(
    "Streams: extensions are written anew, nothing of the publisher's header goes on "
    "[FWD-09] [PAC-01] [IN-40] [outside]") {
    SeamCall c;
    Stream camera = c.stream(77);
    REQUIRE(camera.ids.abs_capture_time != 0);
    const std::uint64_t captured = 0xEEAA'8125'9EAA'2DE2;
    for (int i = 0; i < 60; ++i) {
        if (i % 15 == 0) c.report(camera);
        Bytes capture(16);
        store_be64(capture.data(), captured + static_cast<std::uint64_t>(i));
        camera.once = {{camera.ids.abs_capture_time, capture},
                       {camera.ids.transport_cc, Bytes{0, static_cast<std::uint8_t>(i)}},
                       {14, Bytes{1, 2, 3}}};
        camera.csrcs = {4, 5};
        c.send(camera.packet(vp8_payload(i == 0, 0, 300), true, i % 5 == 0 ? 9 : 0), 33);
        camera.timestamp += 3000;
    }
    const auto heard = c.heard();
    REQUIRE(heard.size() == 60);
    const auto check = [&](const ReceivedRtp& packet, std::uint64_t number) {
        const auto view = wire::parse_rtp(packet.packet).value();
        CHECK(view.header.csrc_count == 0);
        CHECK(view.header.padding_size == 0);
        std::set<std::uint8_t> ids;
        wire::ExtensionReader reader(view.header);
        while (const auto element = reader.next()) {
            ids.insert(element->id);
            if (element->id == c.down.extensions.abs_capture_time) {
                const auto time = wire::read_abs_capture_time(element->data).value();
                CHECK(time.capture_ntp == captured + number);
                CHECK_FALSE(time.clock_offset.has_value());
            }
            if (element->id == c.down.extensions.abs_send_time) {
                // Stamped when it leaves.
                const NtpTime sent = NtpTime::from_unix(UnixTime::seconds(1'700'000'000) +
                                                        Duration::millis(packet.ms));
                const auto off = static_cast<std::int32_t>(
                    wire::read_abs_send_time(element->data).value() - wire::to_abs_send_time(sent));
                CHECK(std::abs(off) <= 2 * 262);  // ms
            }
        }
        std::set<std::uint8_t> expected{c.down.extensions.abs_capture_time};
        for (const std::uint8_t id :
             {c.down.extensions.abs_send_time, c.down.extensions.transport_cc})
            if (id != 0) expected.insert(id);
        CHECK(ids == expected);
    };
    for (std::size_t i = 1; i < heard.size(); ++i)
        check(heard[i], i);
    c.ask_again({heard[50].sequence});
    c.run(50);
    REQUIRE(c.copies().size() == 1);
    check(c.copies()[0], 50);
}

TEST_CASE("Streams: the playout delay is asked for until a report has it [IN-41] [outside]") {
    using Limits = sfu::PlayoutDelayLimits;
    const Limits bounded{Duration::millis(100), Duration::millis(2'000)};
    // Without bounds pictures are shown as they come.
    for (const std::optional<Limits> limits :
         {std::optional<Limits>(), std::optional(bounded), std::optional(Limits{})}) {
        CallPlan plan;
        const bool configured = limits.has_value();
        plan.config.room.playout_delay = limits;
        SeamCall c(plan);
        CHECK((c.down.extensions.playout_delay != 0) == configured);
        Stream camera = c.stream(77);
        const auto play = [&](int frames, bool key) {
            for (int i = 0; i < frames; ++i) {
                c.send(camera.packet(vp8_payload(key && i == 0, 0, 300)), 33);
                camera.timestamp += 3000;
            }
        };
        const auto delays = [&](std::size_t from) {
            std::size_t count = 0;
            const auto heard = c.heard();
            for (std::size_t i = from; i < heard.size(); ++i) {
                const auto value = wire::find_extension(wire::parse_rtp(heard[i].packet).value(),
                                                        c.down.extensions.playout_delay);
                if (!value) continue;
                ++count;
                const auto delay = wire::read_playout_delay(*value).value();
                CHECK(delay.min * 10 == limits->min.ms());
                CHECK(delay.max * 10 == limits->max.ms());
            }
            return count;
        };
        play(30, true);
        CHECK(delays(0) == (configured ? 30 : 0));
        wire::ReportBlock block;
        block.ssrc = c.down.ssrc.value();
        block.highest_sequence = c.heard().back().sequence;
        c.tell(c.down.peer, [&](ByteWriter& out) {
            return wire::write_receiver_report(out, 1, std::span(&block, 1));
        });
        const std::size_t from = c.heard().size();
        play(30, false);
        CHECK(delays(from) <= 1);
    }
}

TEST_CASE(
    "Streams: behind a mute and a pause of the picture comes a key frame, and time goes on "
    "[FWD-03] [FWD-15] [FWD-17] [outside]") {
    for (const bool by_publisher : {true, false}) {
        CAPTURE(by_publisher);
        Camera c;
        c.play(60);
        const auto mute = [&](bool on) {
            if (by_publisher)
                c.mute(on);
            else
                c.wish([&](livekit::UpdateTrackSettings& settings) {
                    settings.set_disabled(on);
                    settings.set_quality(livekit::HIGH);
                });
        };
        mute(true);
        c.run(150);
        const std::size_t before = c.heard().size();
        if (by_publisher) c.enabled = {};  // its clock goes on
        c.play(150);
        CHECK(c.heard().size() == before);  // no frame, and none of our own
        mute(false);
        c.enabled = {0, 1, 2};
        c.answers = false;
        c.key = {};
        c.play(10);
        CHECK(c.heard().size() == before);
        c.answers = true;
        c.play(60);
        const auto heard = c.heard();
        REQUIRE(heard.size() > before + 20);
        CHECK(wire::parse_vp8(heard[before].payload).value().key_frame);
        // As far behind as is borne after a mute.
        check_line(heard, 200);
        check_descriptors(heard);
    }
}

}  // namespace confab::room::testing
