// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/reception.h"

#include <algorithm>
#include <array>

#include "wire/rtcp/rtcp.h"
#include "wire/rtp/rtp.h"
#include "wire/rtp/rtp_extensions.h"
#include "wire/rtp/rtx.h"
#include "wire/video/vp8.h"

namespace confab::load {
namespace {

constexpr std::uint32_t kOurSsrc = 1;
constexpr std::uint64_t kPlenty = 100'000'000;  // bits a second: we never hold the sender back
constexpr std::size_t kMaxCompound = 1200;
// Behind the descriptor (RFC 6386 §9.1): the frame tag, and in key frames start code and size.
constexpr std::size_t kFrameTag = 3;
constexpr std::size_t kKeyFrameHeader = 10;

std::uint8_t fraction(std::uint64_t lost, std::uint64_t expected) {
    return expected == 0
               ? 0
               : static_cast<std::uint8_t>(std::min<std::uint64_t>(255, lost * 256 / expected));
}

}  // namespace

std::optional<client::MediaStamp> stamp_of(client::MediaKind kind, BytesView payload) {
    if (kind == client::MediaKind::kAudio) return client::read_stamp(payload);
    const auto descriptor = wire::parse_vp8(payload);
    if (!descriptor) return std::nullopt;
    BytesView frame = payload.subspan(descriptor->size);
    if (descriptor->start_of_partition && !frame.empty()) {
        const std::size_t header = (frame[0] & 1) == 0 ? kKeyFrameHeader : kFrameTag;
        if (frame.size() < header) return std::nullopt;
        frame = frame.subspan(header);
    }
    return client::read_stamp(frame);
}

// ---------------------------------------------------------------- streams

void Reception::set_streams(const client::RemoteStreams& streams) {
    for (Stream& stream : streams_)
        stream.there = stream.track_sid.empty() || streams.contains(stream.track_sid);
    for (const auto& [sid, remote] : streams) {
        Stream* stream = find(remote.ssrc);
        if (stream == nullptr) {
            if (streams_.size() >= kMaxStreams) continue;
            streams_.push_back({remote.ssrc, 0, {}, StreamMeter(remote.kind, sample_)});
            stream = &streams_.back();
        }
        stream->track_sid = sid;
        stream->rtx_ssrc = remote.rtx_ssrc;
        stream->there = true;
    }
}

Reception::Stream* Reception::find(std::uint32_t ssrc) {
    if (last_found_ < streams_.size() && streams_[last_found_].ssrc == ssrc)
        return &streams_[last_found_];
    const auto found = std::ranges::find(streams_, ssrc, &Stream::ssrc);
    if (found == streams_.end()) return nullptr;
    last_found_ = static_cast<std::size_t>(found - streams_.begin());
    return &*found;
}

Reception::Stream* Reception::find_repairs(std::uint32_t ssrc) {
    const auto found = std::ranges::find(streams_, ssrc, &Stream::rtx_ssrc);
    return found == streams_.end() || ssrc == 0 ? nullptr : &*found;
}

// Media can be faster than the description that tells of it.
Reception::Stream* Reception::begin(std::uint32_t ssrc, std::uint8_t payload_type) {
    const bool audio = payload_type == client::kOpusType;
    if (streams_.size() >= kMaxStreams || ssrc == 0 || (!audio && payload_type != client::kVp8Type))
        return nullptr;
    const auto kind = audio ? client::MediaKind::kAudio : client::MediaKind::kVideo;
    streams_.push_back({ssrc, 0, {}, StreamMeter(kind, sample_)});
    return &streams_.back();
}

// ---------------------------------------------------------------- packets

bool Reception::look(Timestamp arrival, BytesView packet) {
    const auto peek = wire::peek_rtp(packet);
    if (!peek) return false;
    note_transport(arrival, packet, peek->ssrc);
    if (next_report_.is_never()) {
        next_report_ = arrival + kReportInterval;
        sooner_ = true;
    }
    Stream* stream = find(peek->ssrc);
    if (stream == nullptr) {
        if (find_repairs(peek->ssrc) != nullptr) return true;
        stream = begin(peek->ssrc, peek->payload_type);
        if (stream == nullptr) return false;
    }
    const bool wanted = stream->meter.receive(
        {arrival, peek->sequence, load_be32(packet.data() + 4), packet.size()});
    sooner_ = sooner_ || stream->meter.next_deadline() < told_;
    return wanted;
}

// The extensions of SRTP packets are in the clear (RFC 3711 §3.1).
void Reception::note_transport(Timestamp arrival, BytesView packet, std::uint32_t ssrc) {
    constexpr std::uint8_t kHasExtension = 0x10;
    if ((packet[0] & kHasExtension) == 0) return;
    ByteReader in(packet);
    in.skip(wire::kRtpFixedHeaderSize + std::size_t{4} * (packet[0] & 0x0FU));
    const std::uint16_t profile = in.u16();
    const BytesView block = in.bytes(std::size_t{4} * in.u16());
    if (!in.ok()) return;
    wire::ExtensionReader extensions(profile, block);
    while (const auto element = extensions.next()) {
        if (element->id != client::kTransportCcExtension) continue;
        if (const auto sequence = wire::read_transport_sequence(element->data))
            transport_.received(arrival, *sequence, ssrc, (packet[1] & 0x80) != 0);
        if (next_transport_.is_never()) {
            next_transport_ = arrival + rtp::TransportCcResponder::kInterval;
            sooner_ = true;
        }
        return;
    }
}

void Reception::take(Timestamp now, Timestamp arrival, BytesView packet) {
    const auto rtp = wire::parse_rtp(packet);
    if (!rtp || rtp->payload.empty()) return;
    ++decrypted_;
    if (Stream* const stream = find(rtp->header.ssrc)) {
        const auto stamp = stamp_of(stream->meter.kind(), rtp->payload);
        if (!stamp) return stream->meter.unstamped();
        stream->meter.stamped(arrival, *stamp);
        add_latency(*stream, arrival, *stamp);
    } else if (Stream* const of = find_repairs(rtp->header.ssrc)) {
        const auto repair = wire::parse_rtx(rtp->payload);
        if (!repair || repair->payload.empty() ||
            !of->meter.repaired(now, repair->original_sequence))
            return;
        // All of them are decrypted; they are to weigh as much as the others.
        if (repairs_++ % std::max(1U, sample_) != 0) return;
        if (const auto stamp = stamp_of(of->meter.kind(), repair->payload))
            add_latency(*of, arrival, *stamp);
    }
}

void Reception::add_latency(const Stream& stream, Timestamp arrival,
                            const client::MediaStamp& stamp) {
    const Duration latency = arrival - stamp.capture;
    latency_.add(latency);
    if (arrival - stream.meter.figures().first >= kSettled) settled_latency_.add(latency);
}

// ---------------------------------------------------------------- feedback

Timestamp Reception::next_deadline() {
    Timestamp deadline = earlier(next_report_, next_transport_);
    for (const Stream& stream : streams_)
        deadline = earlier(deadline, stream.meter.next_deadline());
    told_ = deadline;
    sooner_ = false;
    return deadline;
}

void Reception::handle_timeout(Timestamp now, client::Connection& connection) {
    if (now >= next_report_) {
        next_report_ = now + kReportInterval;
        send_reports(connection);
    }
    if (transport_.due(now)) {
        std::array<std::uint8_t, kMaxCompound> buffer;
        ByteWriter out(buffer);
        if (transport_.write(now, out)) connection.send_rtcp(out.written());
    }
    if (now >= next_transport_)
        next_transport_ = transport_.held() == 0 ? Timestamp::never()
                                                 : now + rtp::TransportCcResponder::kInterval;
    for (Stream& stream : streams_)
        stream.meter.handle_timeout(now);
    send_asks(now, connection);
}

void Reception::send_reports(client::Connection& connection) {
    std::vector<wire::ReportBlock> blocks;
    std::vector<std::uint32_t> ssrcs;
    for (Stream& stream : streams_) {
        if (!stream.meter.started() || blocks.size() == wire::kMaxReportBlocks) continue;
        const StreamFigures& figures = stream.meter.figures();
        const std::uint64_t lost = figures.lost - std::exchange(stream.reported_lost, figures.lost);
        const std::uint64_t came =
            figures.packets - std::exchange(stream.reported_packets, figures.packets);
        wire::ReportBlock block;
        block.ssrc = stream.ssrc;
        block.fraction_lost = fraction(lost, lost + came);
        block.cumulative_lost = static_cast<std::int32_t>(figures.lost);
        block.highest_sequence = stream.meter.highest_sequence();
        blocks.push_back(block);
        ssrcs.push_back(stream.ssrc);
    }
    if (blocks.empty()) return;
    std::array<std::uint8_t, kMaxCompound> buffer;
    ByteWriter out(buffer);
    (void)wire::write_receiver_report(out, kOurSsrc, blocks);
    (void)wire::write_remb(out, kOurSsrc, kPlenty, ssrcs);
    if (out.ok()) connection.send_rtcp(out.written());
}

void Reception::send_asks(Timestamp now, client::Connection& connection) {
    for (Stream& stream : streams_) {
        if (now < stream.meter.next_deadline()) continue;
        std::array<std::uint8_t, kMaxCompound> buffer;
        ByteWriter out(buffer);
        (void)wire::write_receiver_report(out, kOurSsrc, {});
        const std::size_t empty = out.size();
        (void)wire::write_nack(out, kOurSsrc, stream.ssrc, stream.meter.take_asks(now));
        if (stream.meter.take_key_frame_request(now))
            (void)wire::write_pli(out, {kOurSsrc, stream.ssrc});
        if (out.ok() && out.size() > empty) connection.send_rtcp(out.written());
    }
}

// ---------------------------------------------------------------- results

void Reception::finish(Timestamp now) {
    for (Stream& stream : streams_)
        stream.meter.finish(now, stream.there);
}

bool Reception::decodes() const {
    return std::ranges::any_of(streams_, [](const Stream& s) { return s.meter.decodes(); });
}

std::size_t Reception::flowing() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(streams_, [](const Stream& s) { return s.meter.started(); }));
}

StreamFigures Reception::total() const {
    StreamFigures total;
    for (const Stream& stream : streams_)
        total.add(stream.meter.figures());
    return total;
}

std::vector<TrackRow> Reception::rows(const std::string& identity) const {
    std::vector<TrackRow> rows;
    rows.reserve(streams_.size());
    for (const Stream& stream : streams_)
        rows.push_back({identity, stream.track_sid, stream.meter.kind(), stream.meter.figures()});
    return rows;
}

}  // namespace confab::load
