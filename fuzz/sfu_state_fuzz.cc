// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as the state of a down-track, of a published track or of a subscriber's link: what is
// taken is written and taken again and says the same, what it makes sends no number twice, and no
// link stays narrow for ever (07 SIO-11, 02 FWD-18, TRAP-14).
// Input: 1 byte kind, the state; packets and reports come by themselves.
// fuzz: modules sfu
#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <set>

#include "base/state/state.h"
#include "rtc/rtp/transport_cc_responder.h"
#include "sfu/congestion/layer_cost.h"
#include "sfu/congestion/shared_link.h"
#include "sfu/forward/down_track.h"
#include "sfu/inbound/inbound_table.h"
#include "sfu/inbound/source_monitor.h"

using namespace confab;
using namespace confab::sfu;

namespace {

constexpr std::size_t kKinds = 6;

void require(bool condition) {
    if (!condition) std::abort();
}

// ---------------------------------------------------------------- a down-track

AddDownTrack subscription(Codec codec) {
    AddDownTrack out;
    out.kind = kind_of(codec);
    out.ssrc = Ssrc(1);
    out.rtx_ssrc = Ssrc(2);
    out.codecs = {{codec, PayloadType(96), PayloadType(97), 90'000, true}};
    out.extensions.playout_delay = 5;
    if (out.kind == MediaKind::kVideo) out.playout_delay = PlayoutDelayLimits{};
    out.early_media = true;
    return out;
}

MediaPacket packet_of(Codec codec, int step) {
    static const std::array<std::uint8_t, 20> kPayload{};
    MediaPacket packet;
    packet.codec = codec;
    packet.payload = kPayload;
    packet.sequence = 0x1'0000 + step;
    packet.timestamp = 0x1'0000'0000 + std::int64_t{step} * 3000;
    packet.key_frame = step % 10 == 0;
    packet.frame_start = packet.frame_end = packet.marker = true;
    packet.late = step % 7 == 6;
    packet.vp8.size = 1;
    packet.vp8.extended = packet.vp8.has_picture_id = step % 2 == 0;
    packet.vp8.picture_id = static_cast<std::uint16_t>(step);
    return packet;
}

void forward(DownTrack& track, Codec codec, Timestamp now) {
    std::set<std::int64_t> sent;
    const auto note = [&sent](std::int64_t number) { require(sent.insert(number).second); };
    track.set_writable(now);
    for (int step = 0; step < 60; ++step) {
        now = now + Duration::millis(33);
        std::array<ForwardedPacket, DownTrack::kMaxPerPacket> out;
        const std::size_t count = track.forward(packet_of(codec, step), now, out);
        for (std::size_t i = 0; i < count; ++i)
            note(out[i].sequence);
        // Those that waited may have been sent, for all that their state says.
        while (const auto own = track.poll_transmit())
            if (step > 0) note(own->packet.sequence);
        while (track.poll_event()) {
        }
        (void)track.poll_key_frame_request(now);
        (void)track.sender_report(now);
        wire::ReportBlock block;
        block.highest_sequence = static_cast<std::uint32_t>(step);
        block.last_sr = static_cast<std::uint32_t>(step);
        (void)track.handle_report(block, now);
        if (step % 5 == 0) (void)track.handle_pli(now);
        if (step % 9 == 0) (void)track.write_padding(1, true);
        if (step == 50) track.close(now, true);
        if (now >= track.next_deadline()) track.handle_timeout(now);
    }
}

void down_track(Codec codec, BytesView state, Timestamp now) {
    SourceState source;
    source.codec = codec;
    source.available = 7;
    Rng rng(1);
    const AddDownTrack config = subscription(codec);
    DownTrack track(config, source, rng);
    if (!import_state(track, state, now)) return;
    const Bytes again = export_state(track, now);
    DownTrack other(config, source, rng);
    require(import_state(other, again, now));
    require(export_state(other, now) == again);
    StateAccess<DownTrack>::skip_ahead(other, 1000);
    forward(track, codec, now);
    forward(other, codec, now);
}

// ---------------------------------------------------------------- a published track

struct Home {
    explicit Home(const AddReceiver& config) : receiver(config), monitor(config.kind, false) {
        table.add(receiver);
    }
    void save(StateWriter& out) const {
        out.part(1, receiver);
        out.part(2, table);
        out.part(3, monitor);
        out.part(4, source);
        out.part(5, feedback);
    }
    void load(StateReader& in) {
        in.part(1, receiver);
        in.part(2, table);
        in.part(3, monitor);
        in.part(4, source);
        in.part(5, feedback);
    }
    Receiver receiver;
    InboundTable table;
    SourceMonitor monitor;
    SourceState source;
    rtp::TransportCcResponder feedback{7};
};

void publish(Home& home, Timestamp now) {
    for (std::uint32_t step = 0; step < 60; ++step) {
        now = now + Duration::millis(20);
        Bytes bytes(100);
        ByteWriter out(bytes);
        wire::RtpHeader header;
        header.payload_type = 96;
        header.sequence = static_cast<std::uint16_t>(step * 37);
        header.timestamp = step * 3000;
        header.ssrc = 0x1000 + step % 2;
        wire::write_rtp_header(out, header);
        out.bytes(
            Bytes{0x10, static_cast<std::uint8_t>(step % 2), 0, 0, 0x9D, 1, 0x2A, 1, 0, 1, 0});
        bytes.resize(out.size());
        const auto view = wire::parse_rtp(bytes).value();
        home.feedback.received(now, header.sequence, header.ssrc, true);
        bool is_new = false;
        if (const InboundRoute route = home.table.resolve(view, now, is_new); route && !route.rtx)
            if (const auto media = route.stream->receive(now, view))
                (void)home.monitor.packet(*media, home.source);
        (void)home.monitor.handle_timeout(now, home.source);
        Bytes buffer(4000);
        ByteWriter told(buffer);
        for (const auto& stream : home.receiver.streams()) {
            (void)stream->write_nack(now, told);
            (void)stream->write_pli(now, told);
            (void)stream->report_block(now);
            (void)stream->take_round();
            (void)stream->audio_level().level(now);
        }
        if (home.feedback.due(now)) (void)home.feedback.write(now, told);
    }
    (void)home.receiver.ends();
}

void published(BytesView state, Timestamp now) {
    AddReceiver config;
    config.receiver = ReceiverId(5);
    config.kind = MediaKind::kVideo;
    config.codecs = {{Codec::kVp8, PayloadType(96), PayloadType(97), 90'000, true}};
    config.layers = {{"", 0, {}, {}, 0, 0}};
    const auto home = std::make_unique<Home>(config);
    if (!import_state(*home, state, now)) return;
    const Bytes again = export_state(*home, now);
    const auto other = std::make_unique<Home>(config);
    require(import_state(*other, again, now));
    require(export_state(*other, now) == again);
    publish(*home, now);
}

// ---------------------------------------------------------------- a link

void link(BytesView state, Timestamp now) {
    const std::unique_ptr<BandwidthPort> port = make_bandwidth({.send_side = true});
    if (!import_state(*port, state, now)) return;
    const Bytes again = export_state(*port, now);
    const std::unique_ptr<BandwidthPort> other = make_bandwidth({.send_side = true});
    require(import_state(*other, again, now));
    require(export_state(*other, now) == again);
    // A camera that was cut; wide reports are all the feedback there is, or all that is left.
    SourceState source;
    source.codec = Codec::kVp8;
    source.available = 7;
    source.max_seen = {2, 0};
    for (std::size_t s = 0; s < source.bitrate.size(); ++s)
        source.bitrate[s] = {std::uint64_t{150'000} << s, 0, 0, 0};
    VideoDemand demand;
    demand.source = &source;
    demand.max = kTopLayer;
    demand.cap = {0, 0};
    demand.deficient = true;
    VideoShare share = share_before(demand);
    port->set_limit(0);
    for (int step = 0; step < 2000 && share.deficient; ++step) {
        now = now + Duration::millis(200);
        port->handle_remb(20'000'000, now);
        (void)port->allocate(std::span(&demand, 1), std::span(&share, 1), now);
        (void)port->poll_probe(now);
        demand.packets += 20;
    }
    require(!share.deficient);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Timestamp now = Timestamp::micros(1'000'000'000'000);
    if (size == 0) return 0;
    const BytesView state(data + 1, size - 1);
    constexpr std::array kCodecs{Codec::kVp8, Codec::kVp9, Codec::kOpus, Codec::kH264};
    static_assert(kCodecs.size() + 2 == kKinds);
    const std::size_t kind = data[0] % kKinds;
    if (kind < kCodecs.size())
        down_track(kCodecs[kind], state, now);
    else if (kind == kCodecs.size())
        published(state, now);
    else
        link(state, now);
    return 0;
}
