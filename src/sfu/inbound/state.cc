// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A published stream at its home as bytes (base/state/state.h; 02 FWD-18): where its numbers and
// times stand, what is asked for again and reported on. The packets that were kept stay behind.
#include "base/state/state.h"

#include <algorithm>
#include <array>
#include <memory>

#include "sfu/inbound/inbound_stream.h"
#include "sfu/packet/state_fields.h"

namespace confab::sfu {
namespace {

// ---------------------------------------------------------------- dependency descriptors

template <typename Io, typename S>
void size_fields(Io& io, S& size) {
    io.field(1, size.width);
    io.field(2, size.height);
}

template <typename Io, typename T>
void template_fields(Io& io, T& one) {
    bounded_field(io, 1, one.spatial_id, 0, wire::kMaxDdSpatialLayers - 1);
    bounded_field(io, 2, one.temporal_id, 0, wire::kMaxDdTemporalLayers - 1);
    bounded_field(io, 3, one.frame_diff_count, 0, wire::kMaxDdFrameDiffs);
    io.field(4, one.frame_diffs);
    io.field(5, one.chain_diffs);
    std::uint64_t dtis = 0;
    for (std::size_t t = 0; t < wire::kMaxDdDecodeTargets; ++t)
        dtis |= static_cast<std::uint64_t>(one.dtis[t]) << (2 * t);
    io.field(6, dtis);
    if constexpr (Io::kReads)
        for (std::size_t t = 0; t < wire::kMaxDdDecodeTargets; ++t)
            one.dtis.set(t, static_cast<wire::Dti>(dtis >> (2 * t) & 3));
}

template <typename Io, typename S>
void structure_fields(Io& io, S& s) {
    bounded_field(io, 1, s.template_id_offset, 0, wire::kMaxDdTemplates - 1);
    bounded_field(io, 2, s.template_count, 0, wire::kMaxDdTemplates);
    bounded_field(io, 3, s.decode_target_count, 0, wire::kMaxDdDecodeTargets);
    bounded_field(io, 4, s.chain_count, 0, wire::kMaxDdChains);
    bounded_field(io, 5, s.spatial_layer_count, 0, wire::kMaxDdSpatialLayers);
    bounded_field(io, 6, s.resolution_count, 0, wire::kMaxDdSpatialLayers);
    io.field(7, s.target_chain);
    io.field(8, s.target_spatial);
    io.field(9, s.target_temporal);
    if constexpr (Io::kReads) {
        const auto below = [](const auto& all, std::size_t most) {
            return std::all_of(all.begin(), all.end(), [most](auto one) { return one < most; });
        };
        io.require(below(s.target_chain, wire::kMaxDdChains) &&
                   below(s.target_spatial, wire::kMaxDdSpatialLayers) &&
                   below(s.target_temporal, wire::kMaxDdTemporalLayers));
    }
    std::uint8_t tag = 10;
    for (auto& size : s.resolutions)
        io.record(tag++, [&size](auto& inner) { size_fields(inner, size); });
    tag = 20;
    for (std::size_t i = 0; i < std::min<std::size_t>(s.template_count, s.templates.size()); ++i)
        io.record(tag++, [&](auto& inner) { template_fields(inner, s.templates[i]); });
}

template <typename Io, typename D>
void dependency_fields(Io& io, D& state) {
    io.record(1, [&state](auto& inner) { structure_fields(inner, state.structure); });
    line_field(io, 2, state.structure_sequence);
    io.field(3, state.without_structure);
    io.record(4, [&state](auto& inner) {
        std::uint8_t tag = 1;
        for (auto& frame : state.recent) {
            inner.record(tag++, [&frame](auto& fields) {
                fields.field(1, frame.number);
                bounded_field(fields, 2, frame.temporal, 0, wire::kMaxDdTemporalLayers - 1);
                fields.field(3, frame.known);
            });
        }
    });
}

// ---------------------------------------------------------------- streams

template <typename Io, typename C>
void counter_fields(Io& io, C& counters) {
    io.field(1, counters.duplicates);
    io.field(2, counters.too_late);
    io.field(3, counters.padding_only);
    io.field(4, counters.malformed);
    io.field(5, counters.wrong_codec);
    io.field(6, counters.repaired);
    io.field(7, counters.nacks);
    io.field(8, counters.plis);
    io.field(9, counters.out_of_order);
    io.field(10, counters.restarts);
}

template <typename Io, typename R>
void round_fields(Io& io, R& round) {
    io.field(1, round.packets);
    io.field(2, round.lost);
    io.field(3, round.out_of_order);
    io.field(4, round.jitter);
    io.field(5, round.rtt);
}

template <typename Io, typename R>
void report_fields(Io& io, R& report) {
    std::uint64_t ntp = report.ntp.value();
    io.field(1, ntp);
    if constexpr (Io::kReads) report.ntp = NtpTime(ntp);
    line_field(io, 2, report.rtp_time);
    since_field(io, 3, report.arrival);
}

}  // namespace

template <typename Self, typename Io>
void SequenceLine::fields(Self& self, Io& io) {
    io.part(1, self.index_);
    line_field(io, 2, self.to_index_);
    bounded_field(io, 3, self.to_line_, 0, kMaxLine);
    line_field(io, 4, self.first_);
    io.maybe(5, self.before_, [](auto& inner, auto& range) {
        line_field(inner, 1, range.first);
        line_field(inner, 2, range.last);
    });
    line_field(io, 6, self.expected_);
    // Whole cycles: the low 16 bits are those of the packets.
    if constexpr (Io::kReads) io.require(self.to_line_ % 0x1'0000 == 0);
}
void SequenceLine::save(StateWriter& out) const {
    fields(*this, out);
}
void SequenceLine::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void TimeLine::fields(Self& self, Io& io) {
    io.field(1, self.started_);
    if (!self.started_) return;
    line_field(io, 2, self.highest_);
    since_field(io, 3, self.heard_);
}
void TimeLine::save(StateWriter& out) const {
    fields(*this, out);
}
void TimeLine::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void StreamEnd::fields(Self& self, Io& io) {
    line_field(io, 1, self.next);
    io.part(2, self.stats);
    io.part(3, self.timestamp);
    line_field(io, 4, self.time_shift);
}
void StreamEnd::save(StateWriter& out) const {
    fields(*this, out);
}
void StreamEnd::load(StateReader& in) {
    fields(*this, in);
}

}  // namespace confab::sfu

namespace confab {

using sfu::InboundStream;

template <typename Self, typename Io>
void StateAccess<InboundStream>::fields(Self& self, Io& io) {
    io.field(1, self.started_);
    io.choice(2, self.last_codec_, sfu::Codec::kAv1);
    io.part(3, self.sequence_);
    io.part(4, self.timestamp_);
    line_field(io, 5, self.time_shift_);
    constexpr std::size_t kWindow = InboundStream::kWindow;
    std::array<std::uint8_t, kWindow / 8> seen{};
    for (std::size_t i = 0; i < kWindow; ++i)
        if (self.seen_[i]) seen[i / 8] = static_cast<std::uint8_t>(seen[i / 8] | 1U << (i % 8));
    io.field(6, seen);
    if constexpr (Io::kReads)
        for (std::size_t i = 0; i < kWindow; ++i)
            self.seen_[i] = (seen[i / 8] >> (i % 8) & 1) != 0;
    io.part(7, self.compactor_);
    io.part(8, self.nack_);
    io.part(9, self.pli_);
    io.field(10, self.key_frame_wanted_);
    io.field(11, self.repair_awaited_);
    io.field(12, self.pli_allowed_);
    io.part(13, self.stats_);
    io.part(14, self.audio_level_);
    line_field(io, 15, self.last_level_timestamp_);
    io.record(16, [&self](auto& inner) { sfu::dependency_fields(inner, self.dependency_); });
    io.record(17, [&self](auto& inner) { sfu::size_fields(inner, self.frame_size_); });
    io.maybe(18, self.sender_report_,
             [](auto& inner, auto& report) { sfu::report_fields(inner, report); });
    io.record(19, [&self](auto& inner) { sfu::counter_fields(inner, self.counters_); });
    io.record(20, [&self](auto& inner) { sfu::round_fields(inner, self.round_); });
    io.field(21, self.out_of_order_told_);
}

void StateAccess<InboundStream>::save(const InboundStream& stream, StateWriter& out) {
    fields(stream, out);
    if (stream.before_) out.part(22, *stream.before_);
    out.field(23, stream.given_up_);
}

void StateAccess<InboundStream>::load(InboundStream& stream, StateReader& in) {
    fields(stream, in);
    in.record(22, [&stream](StateReader& inner) {
        stream.before_ = std::make_unique<sfu::StreamEnd>(sfu::no_end(stream.receiver_));
        stream.before_->load(inner);
    });
    in.field(23, stream.given_up_);
    in.require(stream.started_ == stream.sequence_.started());
    // What is missing and what was left out lies behind what came.
    const std::int64_t next = stream.sequence_.started() ? stream.sequence_.highest() + 1 : 0;
    in.require(stream.compactor_.open_from() <= next);
    in.require(stream.nack_.missing() == 0 ||
               (stream.started_ && stream.nack_.newest_missing() < next));
}

}  // namespace confab
