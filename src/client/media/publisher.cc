// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/media/publisher.h"

#include <algorithm>

#include "client/media/clip/clip_source.h"
#include "wire/rtp/rtx.h"

namespace confab::client {
namespace {
constexpr Duration kReportInterval = Duration::seconds(1);
constexpr std::size_t kMaxCompound = 1100;
}  // namespace

void Publisher::add_track(Timestamp now, const TrackPlan& plan) {
    auto track = std::make_unique<Track>();
    track->plan = plan;
    // Frames of different tracks do not start together.
    const Timestamp start = now + Duration::micros(static_cast<std::int64_t>(rng_.below(20'000)));
    if (plan.clip)
        track->encoder = std::make_unique<ClipSource>(plan.clip, start, rng_.fork());
    else
        track->encoder = std::make_unique<Encoder>(plan, start, rng_.fork());
    track->next_report = start + Duration::millis(static_cast<std::int64_t>(rng_.below(1000)));
    for (const LayerPlan& layer : plan.layers) {
        Stream stream;
        stream.plan = layer;
        // In the lower half, as SRTP receivers guess the roll-over counter from the first packet
        // (RFC 3711 §3.3.1); now and then so that the number wraps soon.
        stream.sequence = rng_.below(8) == 0 ? static_cast<std::uint16_t>(0xFF00 + rng_.below(128))
                                             : static_cast<std::uint16_t>(rng_.below(0x8000));
        stream.rtx_sequence = static_cast<std::uint16_t>(rng_.below(0x8000));
        stream.history.resize(kHistory);
        track->streams.push_back(std::move(stream));
    }
    tracks_.push_back(std::move(track));
}

void Publisher::remove_track(std::uint32_t number) {
    std::erase_if(tracks_, [&](const auto& t) { return t->plan.number == number; });
}

void Publisher::set_muted(std::uint32_t number, bool muted) {
    for (const auto& track : tracks_) {
        if (track->plan.number != number) continue;
        track->muted = muted;
        // An encoder that starts again starts with a key frame.
        if (!muted) track->encoder->request_key_frame();
    }
}

void Publisher::set_layer(std::uint32_t number, std::size_t layer, bool wanted) {
    for (const auto& track : tracks_)
        if (track->plan.number == number && track->plan.follows_quality)
            track->encoder->set_layer(layer, wanted);
}

void Publisher::set_speaking(bool speaking) {
    for (const auto& track : tracks_)
        track->encoder->set_speaking(speaking);
}

bool Publisher::has_ended(std::uint32_t number) const {
    for (const auto& track : tracks_)
        if (track->plan.number == number) return track->encoder->next_frame().is_never();
    return false;
}

std::uint64_t Publisher::key_frames() const {
    std::uint64_t sum = 0;
    for (const auto& track : tracks_)
        if (track->plan.kind == MediaKind::kVideo) sum += track->encoder->key_frames();
    return sum;
}

std::pair<Publisher::Track*, Publisher::Stream*> Publisher::find(std::uint32_t ssrc) {
    for (const auto& track : tracks_)
        for (Stream& stream : track->streams)
            if (stream.plan.ssrc == ssrc) return {track.get(), &stream};
    return {nullptr, nullptr};
}

// ---------------------------------------------------------------- sending

void Publisher::add_extensions(const Track& track, const Stream& stream, bool rtx,
                               wire::ExtensionWriter& out) {
    const bool known = rtx ? stream.rtx_known : stream.known;
    if (!known && !track.plan.announce_ssrcs) {
        out.add(kMidExtension, as_bytes(track.plan.mid));
        if (!stream.plan.rid.empty())
            out.add(rtx ? kRepairedRidExtension : kRidExtension, as_bytes(stream.plan.rid));
    }
    out.add_transport_sequence(kTransportCcExtension, transport_sequence_++);
}

void Publisher::send_packet(Track& track, Stream& stream, EncodedPacket packet) {
    wire::RtpHeader header;
    const bool audio = track.plan.kind == MediaKind::kAudio;
    header.payload_type = audio ? kOpusType : kVp8Type;
    header.ssrc = stream.plan.ssrc;
    header.sequence = stream.sequence++;
    header.timestamp = packet.timestamp;
    header.marker = packet.marker;
    wire::ExtensionWriter extensions;
    add_extensions(track, stream, false, extensions);
    if (audio) extensions.add_audio_level(kAudioLevelExtension, {true, packet.audio_level});
    connection_.send_rtp(header, extensions, packet.payload);
    ++counters_.packets;
    ++stream.packets;
    stream.octets += static_cast<std::uint32_t>(packet.payload.size());
    stream.history[header.sequence % kHistory] = {header.sequence, true, std::move(packet)};
}

void Publisher::resend(Track& track, Stream& stream, std::uint16_t sequence) {
    const Sent& sent = stream.history[sequence % kHistory];
    if (!sent.used || sent.sequence != sequence || stream.plan.rtx_ssrc == 0) return;
    wire::RtpHeader header;
    header.payload_type = kVp8RtxType;
    header.ssrc = stream.plan.rtx_ssrc;
    header.sequence = stream.rtx_sequence++;
    header.timestamp = sent.packet.timestamp;
    header.marker = sent.packet.marker;
    wire::ExtensionWriter extensions;
    add_extensions(track, stream, true, extensions);
    Bytes payload(sent.packet.payload.size() + wire::kRtxOsnSize);
    ByteWriter out(payload);
    wire::write_rtx(out, sequence, sent.packet.payload);
    connection_.send_rtp(header, extensions, payload);
    ++counters_.resent;
}

void Publisher::send_frame(Timestamp now, Track& track) {
    // A browser's encoder gets no pictures then: the next one follows the last one sent.
    if (track.muted && !track.plan.sends_while_muted) return track.encoder->skip_frame();
    auto packets = track.encoder->encode(now);
    if (!connection_.can_send()) {
        // As if sent and lost: pictures and packets go on counting together.
        for (const EncodedPacket& packet : packets)
            ++track.streams[packet.layer].sequence;
        // Encoders start when the connection is up: with a key frame, clips from their beginning.
        track.encoder->start_again();
        return;
    }
    for (EncodedPacket& packet : packets) {
        Stream& stream = track.streams[packet.layer];
        send_packet(track, stream, std::move(packet));
    }
}

void Publisher::send_reports(Timestamp now, Track& track) {
    track.next_report = now + kReportInterval;
    std::array<std::uint8_t, kMaxCompound> buffer;
    ByteWriter out(buffer);
    for (std::size_t i = 0; i < track.streams.size(); ++i) {
        const Stream& stream = track.streams[i];
        if (stream.packets == 0) continue;
        wire::SenderReport report;
        report.ssrc = stream.plan.ssrc;
        report.ntp = NtpTime::from_unix(wall_at_zero_ + (now - Timestamp{}));
        report.rtp_time = track.encoder->rtp_time(now, i);
        report.packet_count = stream.packets;
        report.octet_count = stream.octets;
        (void)wire::write_sender_report(out, report);
    }
    if (out.ok()) connection_.send_rtcp(out.written());
}

// ---------------------------------------------------------------- feedback

void Publisher::handle_report(const wire::ReportBlocks& blocks) {
    ++counters_.reports;
    for (std::size_t i = 0; i < blocks.size(); ++i)
        for (const auto& track : tracks_)
            for (Stream& stream : track->streams) {
                if (stream.plan.ssrc == blocks[i].ssrc) stream.known = true;
                if (stream.plan.rtx_ssrc == blocks[i].ssrc) stream.rtx_known = true;
            }
}

void Publisher::handle_block(Timestamp, const wire::RtcpBlock& block) {
    if (const auto report = wire::parse_receiver_report(block))
        return handle_report(report->blocks);
    if (const auto nack = wire::parse_nack(block)) {
        const auto [track, stream] = find(nack->media_ssrc);
        if (stream == nullptr) return;
        ++counters_.nacks;
        Track& of = *track;
        Stream& from = *stream;
        nack->for_each([&](std::uint16_t sequence) { resend(of, from, sequence); });
        return;
    }
    if (const auto pli = wire::parse_pli(block)) {
        const auto [track, stream] = find(pli->media_ssrc);
        if (track == nullptr) return;
        ++counters_.plis;
        track->encoder->request_key_frame();
        return;
    }
    if (wire::parse_transport_feedback(block)) ++counters_.transport_feedback;
}

// ---------------------------------------------------------------- time

void Publisher::handle_timeout(Timestamp now) {
    for (const auto& track : tracks_) {
        while (now >= track->encoder->next_frame())
            send_frame(now, *track);
        if (now >= track->next_report) send_reports(now, *track);
    }
}

Timestamp Publisher::next_deadline() const {
    Timestamp deadline = Timestamp::never();
    for (const auto& track : tracks_)
        deadline = earlier(deadline, earlier(track->encoder->next_frame(), track->next_report));
    return deadline;
}

}  // namespace confab::client
