// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is published goes on elsewhere as it would have here (02 FWD-18, 07 SIO-11): of two homes
// with the same packets one is replaced all the time by what its bytes make.
#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/state/hand_over_testing.h"
#include "rtc/rtp/transport_cc_responder.h"
#include "sfu/inbound/inbound_table.h"
#include "sfu/inbound/inbound_testing.h"
#include "sfu/inbound/source_monitor.h"

using namespace confab;
using namespace confab::sfu;
using namespace confab::sfu::inbound_test;

namespace {

// All that the worker of a publisher has of one track.
struct Home {
    explicit Home(const AddReceiver& config)
        : receiver(std::make_unique<Receiver>(config)), monitor(config.kind, false) {
        table.add(*receiver);
        source.codec = config.codecs.front().codec;
        source.clock_rate = config.codecs.front().clock_rate;
    }
    void save(StateWriter& out) const {
        out.part(1, *receiver);
        out.part(2, table);
        out.part(3, monitor);
        out.part(4, source);
        out.part(5, feedback);
    }
    void load(StateReader& in) {
        in.part(1, *receiver);
        in.part(2, table);
        in.part(3, monitor);
        in.part(4, source);
        in.part(5, feedback);
    }

    std::unique_ptr<Receiver> receiver;
    InboundTable table;
    SourceMonitor monitor;
    SourceState source;
    rtp::TransportCcResponder feedback{7};
};

struct Heard {
    bool is_new = false;
    std::optional<MediaPacket> media;
    bool changed = false;
    bool operator==(const Heard& o) const {
        if (is_new != o.is_new || changed != o.changed || media.has_value() != o.media.has_value())
            return false;
        if (!media) return true;
        return media->sequence == o.media->sequence && media->timestamp == o.media->timestamp &&
               media->late == o.media->late && media->spatial == o.media->spatial &&
               media->temporal == o.media->temporal && media->key_frame == o.media->key_frame &&
               media->padding_only == o.media->padding_only &&
               media->audio_level == o.media->audio_level;
    }
};

Heard hear(Home& home, Timestamp now, Bytes bytes) {
    Heard heard;
    const auto view = wire::parse_rtp(bytes).value();
    home.feedback.received(now, view.header.sequence, view.header.ssrc, view.header.marker);
    const InboundRoute route = home.table.resolve(view, now, heard.is_new);
    if (!route) return heard;
    heard.media =
        route.rtx ? route.stream->receive_rtx(now, view, bytes) : route.stream->receive(now, view);
    if (heard.media) heard.changed = home.monitor.packet(*heard.media, home.source);
    return heard;
}

// What a publisher is told, as it is on the wire.
Bytes told(Home& home, Timestamp now) {
    Bytes buffer(4000);
    ByteWriter out(buffer);
    for (const auto& stream : home.receiver->streams()) {
        (void)stream->write_nack(now, out);
        (void)stream->write_pli(now, out);
        if (const auto block = stream->report_block(now))
            (void)wire::write_receiver_report(out, 1, std::span(&*block, 1));
        const StreamRound round = stream->take_round();
        out.u32(static_cast<std::uint32_t>(round.packets));
        out.u32(static_cast<std::uint32_t>(round.lost));
        out.u32(static_cast<std::uint32_t>(stream->audio_level().level(now) * 1e6));
    }
    if (home.feedback.due(now)) (void)home.feedback.write(now, out);
    buffer.resize(out.size());
    return buffer;
}

struct Sender {
    std::uint16_t sequence = 65'300;
    std::uint32_t timestamp = 0xFFFF'0000;
    std::uint32_t ssrc = 0;
    std::string rid;
};

void live(AddReceiver config, std::uint64_t seed) {
    config.receiver = ReceiverId(5);
    Rng rng(seed);
    const bool video = config.kind == MediaKind::kVideo;
    Home stays(config);
    auto moves = std::make_unique<Home>(config);
    std::vector<Sender> senders(config.layers.size());
    for (std::size_t i = 0; i < senders.size(); ++i) {
        senders[i].ssrc = static_cast<std::uint32_t>(0x1000 * (i + 1));
        senders[i].rid = config.layers[i].rid;
    }
    std::vector<Bytes> delayed;
    int moved = 0;
    int heard = 0;
    Timestamp now = at_ms(100'000);
    const auto feed = [&](const Bytes& bytes) {
        const Heard a = hear(stays, now, bytes);
        REQUIRE(hear(*moves, now, bytes) == a);
        heard += a.media ? 1 : 0;
    };
    for (int step = 0; step < 500; ++step) {
        now = now + Duration::millis(20);
        if (rng.below(3) == 0) {
            auto fresh = std::make_unique<Home>(config);
            const Bytes state = export_state(*moves, now);
            REQUIRE(import_state(*fresh, state, now));
            REQUIRE(export_state(*fresh, now) == state);
            moves = std::move(fresh);
            ++moved;
        }
        const bool key = rng.below(20) == 0;
        for (Sender& sender : senders) {
            if (rng.below(200) == 0) sender.sequence += 300;   // an outage
            if (rng.below(200) == 0) sender.sequence -= 5000;  // it counts anew
            if (rng.below(300) == 0) sender.ssrc += 1, sender.timestamp += 1'000'000;
            wire::RtpHeader header;
            header.payload_type = video ? 96 : 111;
            header.ssrc = sender.ssrc;
            header.sequence = sender.sequence++;
            header.timestamp = sender.timestamp += video ? 1800 : 960;
            header.marker = true;
            Bytes payload = video ? (key ? vp8_key() : vp8_delta()) : Bytes{1, 2, 3, 4};
            if (rng.below(10) == 0) payload.clear();
            Bytes packet(300);
            ByteWriter out(packet);
            wire::ExtensionWriter extensions;
            extensions.add(4, as_bytes(config.mid));
            if (!sender.rid.empty()) extensions.add(5, as_bytes(sender.rid));
            extensions.add_audio_level(1, {true, static_cast<std::uint8_t>(rng.below(60))});
            header.has_extension = true;
            if (payload.empty()) header.padding_size = 9;
            wire::write_rtp_header(out, header);
            (void)extensions.write(out);
            out.bytes(payload);
            if (payload.empty()) wire::write_rtp_padding(out, 9);
            packet.resize(out.size());
            const std::uint64_t fate = rng.below(15);
            if (fate == 0)
                delayed.push_back(packet);
            else if (fate > 1)
                feed(packet);
            if (fate == 2) feed(packet);  // twice
            if (rng.below(40) == 0) {
                wire::SenderReport report;
                report.ssrc = sender.ssrc;
                report.ntp = NtpTime() + Duration::micros(now.us());
                report.rtp_time = sender.timestamp;
                for (Home* home : {&stays, moves.get()})
                    if (const InboundRoute route = home->table.find(sender.ssrc))
                        route.stream->receive_sender_report(now, report);
            }
        }
        if (rng.below(5) == 0)
            for (const Bytes& packet : std::exchange(delayed, {}))
                feed(packet);
        if (rng.below(50) == 0) {
            const auto spatial = static_cast<std::uint8_t>(rng.below(3));
            for (Home* home : {&stays, moves.get()})
                if (InboundStream* stream = home->receiver->find_by_spatial(spatial))
                    stream->request_key_frame();
        }
        if (rng.below(60) == 0) {
            const bool muted = !stays.receiver->muted();
            for (Home* home : {&stays, moves.get()}) {
                home->receiver->set_muted(now, muted);
                home->monitor.set_muted(muted, home->source);
            }
        }
        REQUIRE(stays.monitor.next_deadline() == moves->monitor.next_deadline());
        const bool changed = stays.monitor.handle_timeout(now, stays.source);
        REQUIRE(moves->monitor.handle_timeout(now, moves->source) == changed);
        REQUIRE(stays.source.available == moves->source.available);
        REQUIRE(stays.source.bitrate == moves->source.bitrate);
        REQUIRE(stays.source.fps == moves->source.fps);
        if (rng.below(20) == 0)
            REQUIRE(stays.receiver->take_unmuted(now) == moves->receiver->take_unmuted(now));
        if (rng.below(4) == 0) REQUIRE(told(stays, now) == told(*moves, now));
    }
    CHECK(moved > 100);
    CHECK(heard > 300);
}

AddReceiver simulcast() {
    AddReceiver config = video_receiver();
    config.mid = "0";
    config.extensions.mid = 4;
    config.extensions.rid = 5;
    config.extensions.repaired_rid = 6;
    config.layers = {{"q", 0, {}, {}, 0, 0}, {"h", 1, {}, {}, 0, 0}, {"f", 2, {}, {}, 0, 0}};
    return config;
}

}  // namespace

TEST_CASE("Receiver: goes on elsewhere as it would have here, VP8 simulcast [FWD-18] [SIO-11]") {
    for (std::uint64_t seed = 0; seed < 10; ++seed)
        live(simulcast(), seed);
}

TEST_CASE("Receiver: goes on elsewhere as it would have here, Opus [FWD-18] [SIO-11]") {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        AddReceiver config = audio_receiver(false);
        config.mid = "1";
        config.extensions.mid = 4;
        live(config, seed);
    }
}

TEST_CASE("Receiver: state that does not fit is refused, whatever octet is changed [SIO-11]") {
    const AddReceiver config = simulcast();
    Home home(config);
    Timestamp now = at_ms(100'000);
    for (std::uint16_t i = 0; i < 30; ++i) {
        now = now + Duration::millis(33);
        PacketSpec spec;
        spec.sequence = static_cast<std::uint16_t>(i * 2);
        spec.timestamp = i * 3000U;
        spec.payload = i == 0 ? vp8_key() : vp8_delta();
        const Bytes bytes = build(spec);
        InboundStream* stream = home.receiver->attach("q", Ssrc(kSsrc));
        (void)stream->receive(now, wire::parse_rtp(bytes).value());
    }
    const Bytes state = export_state(home, now);
    int refused = 0;
    for (std::size_t at = 0; at < state.size(); ++at)
        for (const int change : {1, 0x40, 0xFF}) {
            Bytes changed = state;
            changed[at] = static_cast<std::uint8_t>(changed[at] ^ change);
            Home fresh(config);
            if (!import_state(fresh, changed, now)) {
                ++refused;
                continue;
            }
            const Bytes again = export_state(fresh, now);
            Home other(config);
            REQUIRE(import_state(other, again, now));
            REQUIRE(export_state(other, now) == again);
            PacketSpec spec;
            spec.sequence = 60;
            spec.payload = vp8_delta();
            const Bytes bytes = build(spec);
            if (InboundStream* stream = fresh.receiver->find_by_spatial(0))
                (void)stream->receive(now, wire::parse_rtp(bytes).value());
            (void)told(fresh, now);
        }
    CHECK(refused > 20);
}

TEST_CASE(
    "TransportCcResponder: reports go on by the clock that they began with [FWD-18] [IN-07]") {
    // Another host, whose clock says something else.
    rtp::TransportCcResponder before(7);
    const auto report = [](rtp::TransportCcResponder& responder, Timestamp now) {
        Bytes buffer(1000);
        ByteWriter out(buffer);
        REQUIRE(responder.write(now, out));
        wire::RtcpReader reader(out.written());
        const auto feedback = wire::parse_transport_feedback(reader.next().value()).value();
        wire::TransportStatusCursor cursor(feedback);
        Duration last;
        while (const auto status = cursor.next())
            if (status->received) last = status->arrival;
        return last;
    };
    for (std::uint16_t i = 0; i < 30; ++i)
        before.received(at_ms(5000 + i), i, 1, false);
    rtp::TransportCcResponder after(9);
    const Bytes state = export_state(before, at_ms(5030));
    REQUIRE(import_state(after, state, at_ms(900'030)));
    REQUIRE(after.held() == 30);
    CHECK(report(after, at_ms(900'040)) == report(before, at_ms(5040)));
    for (std::uint16_t i = 30; i < 60; ++i) {
        before.received(at_ms(5050 + i), i, 1, false);
        after.received(at_ms(900'050 + i), i, 1, false);
    }
    CHECK(report(after, at_ms(900'200)) == report(before, at_ms(5200)));
}
