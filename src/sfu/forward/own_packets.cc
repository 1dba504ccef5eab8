// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/forward/own_packets.h"

#include <cstdint>

namespace confab::sfu {
OwnPackets::OwnPackets(const AddDownTrack& config, Rng& rng) : kind_(config.kind) {
    if (const SendCodec* opus = find_codec(config.codecs, Codec::kOpus)) opus_ = opus->pt;
    if (config.encrypted) trailer_ = config.sif_trailer;
    if (config.early_media) early_ = EarlyMedia(rng);
}

// ------------------------------------------------------------------ blank frames

bool OwnPackets::prepare_blank(const Forwarder& stream) {
    return blank_.prepare(stream.sent_codec(), opus_, trailer_);
}

void OwnPackets::start_blank(Forwarder& stream, int frames, Timestamp now) {
    if (!stream.numbers().started() || !prepare_blank(stream)) return;
    blank_.start(frames, now);
    handle_timeout(stream, now);
}

void OwnPackets::push_blank(Forwarder& stream, std::int64_t timestamp) {
    const BytesView payload = blank_.payload();
    (void)waiting_.push({stream.blank_frame(timestamp, payload), payload});
}

void OwnPackets::send_blank(Forwarder& stream, Timestamp now) {
    const Munger& numbers = stream.numbers();
    // A frame that was left open ends first, at its own time.
    if (!numbers.last_marker()) push_blank(stream, numbers.last_timestamp());
    push_blank(stream,
               stream.next_own_time(now) + BlankFrames::ticks(kind_, stream.source().clock_rate));
}

// ------------------------------------------------------------------ early media

void OwnPackets::set_writable(const Forwarder& stream, Timestamp now) {
    if (!stream.numbers().started()) early_.start(now);
}

void OwnPackets::send_early(Forwarder& stream, Timestamp now) {
    if (stream.placed()) early_.stop();
    if (!early_.take_due(now, stream.closing())) return;
    const bool video = kind_ == MediaKind::kVideo;
    const bool ready = stream.ensure_codec();
    if (stream.closing() || !ready || (!video && !prepare_blank(stream))) return;
    if (!stream.numbers().started()) stream.start_own(early_.sequence(), early_.timestamp(), now);
    if (video)
        push_padding(stream, true);
    else
        push_blank(stream, stream.next_own_time(now));
}

// ------------------------------------------------------------------ padding

void OwnPackets::push_padding(Forwarder& stream, bool frame_ended) {
    (void)waiting_.push({stream.padding(frame_ended, kPaddingOctets), kPaddingOctets});
}

std::size_t OwnPackets::write_padding(Forwarder& stream, std::size_t packets) {
    std::size_t count = 0;
    for (; count < packets && !waiting_.full(); ++count)
        push_padding(stream, stream.numbers().last_marker());
    return count;
}

// ------------------------------------------------------------------ time

void OwnPackets::handle_timeout(Forwarder& stream, Timestamp now) {
    send_early(stream, now);
    if (waiting_.size() > kMaxWaiting / 2) return;
    if (blank_.take_due(now, BlankFrames::interval(kind_))) send_blank(stream, now);
}

}  // namespace confab::sfu
