// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A published track at its home as bytes (base/state/state.h; 02 FWD-18): its streams, which SSRC
// is whose, and which layers flow.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/state/state.h"
#include "sfu/inbound/inbound_table.h"
#include "sfu/inbound/source_monitor.h"
#include "sfu/packet/state_fields.h"

namespace confab::sfu {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMaxKnown = 1024;  // SSRCs of a connection
constexpr std::uint64_t kMaxCount = std::uint64_t{1} << 60;

}  // namespace

// ---------------------------------------------------------------- tracks

void Receiver::save(StateWriter& out) const {
    state_version(out, kVersion);
    out.field(2, muted_);
    out.field(3, reported_started_);
    out.field(4, worst_loss_);
    for (std::size_t s = 0; s < before_.size(); ++s)
        if (before_[s])
            out.record(5, [&](StateWriter& inner) {
                inner.field(1, static_cast<std::uint8_t>(s));
                inner.part(2, *before_[s]);
            });
    for (const auto& stream : streams_)
        out.record(6, [&](StateWriter& inner) {
            inner.field(1, stream->rid(), 255);
            inner.field(2, stream->ssrc().value());
            inner.part(3, *stream);
        });
    out.part(7, unmuted_);
    out.field(8, wanted_);
    out.part(9, missing_layers_);
    out.choice(10, config_.codecs.front().codec, Codec::kAv1);
    out.choice(11, other_, Codec::kAv1);
    out.field(12, other_since_);
    out.field(13, reported_size_);
}

void Receiver::load(StateReader& in) {
    state_version(in, kVersion);
    in.field(2, muted_);
    in.field(3, reported_started_);
    in.field(4, worst_loss_);
    before_ = {};
    std::vector<bool> ends;
    in.list(5, ends, before_.size(), [this](StateReader& inner, auto&&) {
        std::uint8_t spatial = 0;
        bounded_field(inner, 1, spatial, 0, kMaxSpatialLayers - 1);
        if (!inner.ok()) return;
        before_[spatial] = std::make_unique<StreamEnd>(no_end(config_));
        inner.part(2, *before_[spatial]);
    });
    std::vector<bool> streams;
    in.list(6, streams, kMaxSpatialLayers, [this](StateReader& inner, auto&&) {
        std::string rid;
        std::uint32_t ssrc = 0;
        inner.field(1, rid, 255);
        inner.field(2, ssrc);
        const ReceiveLayer* layer = find_layer(rid);
        if (!inner.ok() || layer == nullptr) return;
        inner.require(find_by_spatial(layer->spatial) == nullptr);
        streams_.push_back(std::make_unique<InboundStream>(config_, *layer, Ssrc(ssrc)));
        inner.part(3, *streams_.back());
    });
    in.part(7, unmuted_);
    in.field(8, wanted_);
    in.part(9, missing_layers_);
    // Its worker may have seen another codec come than control knows of yet (IN-09).
    Codec first = config_.codecs.front().codec;
    in.choice(10, first, Codec::kAv1);
    auto& codecs = config_.codecs;
    const auto found = std::find_if(codecs.begin(), codecs.end(),
                                    [first](const ReceiveCodec& c) { return c.codec == first; });
    if (found != codecs.end()) std::rotate(codecs.begin(), found, found + 1);
    in.choice(11, other_, Codec::kAv1);
    in.field(12, other_since_);
    in.field(13, reported_size_);
}

void InboundTable::save(StateWriter& out) const {
    for (const Known& known : known_)
        out.record(1, [&known](StateWriter& inner) {
            inner.field(1, known.ssrc);
            inner.field(2, known.receiver->id().value());
            inner.field(3, known.spatial);
            inner.field(4, known.rtx);
        });
    out.list(2, retired_, kMaxRetired, [](auto& inner, auto& one) {
        inner.field(1, one.ssrc);
        inner.field(2, one.since);
    });
}

void InboundTable::load(StateReader& in) {
    std::vector<bool> entries;
    in.list(1, entries, kMaxKnown, [this](StateReader& inner, auto&&) {
        Known known;
        std::uint64_t id = 0;
        inner.field(1, known.ssrc);
        inner.field(2, id);
        bounded_field(inner, 3, known.spatial, 0, 7);
        inner.field(4, known.rtx);
        for (Receiver* receiver : receivers_)
            if (receiver->id() == ReceiverId(id)) known.receiver = receiver;
        const auto place = at_or_behind(known.ssrc);
        // One SSRC is of one stream.
        inner.require(place == known_.end() || place->ssrc != known.ssrc);
        if (inner.ok() && known.receiver != nullptr) known_.insert(place, known);
    });
    in.list(2, retired_, kMaxRetired, [](StateReader& inner, Retired& one) {
        inner.field(1, one.ssrc);
        inner.field(2, one.since);
        inner.require(!one.since.is_never());
    });
}

// ---------------------------------------------------------------- layers that flow

template <typename Self, typename Io>
void LayerFps::fields(Self& self, Io& io) {
    io.field(1, self.known_);
    io.field(2, self.started_);
    bounded_field(io, 3, self.highest_, 0, kMaxTemporalLayers - 1);
    line_field(io, 4, self.first_);
    line_field(io, 5, self.last_);
    io.field(6, self.frames_);
    std::uint8_t tag = 7;
    for (auto& count : self.count_)
        io.field(tag++, count);
    for (auto& fps : self.fps_)
        real_field(io, tag++, fps);
}
void LayerFps::save(StateWriter& out) const {
    fields(*this, out);
}
void LayerFps::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void StreamTracker::fields(Self& self, Io& io) {
    io.choice(1, self.state_, State::kPaused);
    io.field(2, self.packets_);
    io.field(3, self.good_);
    io.field(4, self.poor_);
    io.field(5, self.cycle_end_);
}
void StreamTracker::save(StateWriter& out) const {
    fields(*this, out);
}
void StreamTracker::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void BitrateMeter::fields(Self& self, Io& io) {
    io.field(1, self.started_);
    io.field(2, self.since_);
    std::uint8_t tag = 3;
    for (auto& bytes : self.bytes_)
        bounded_field(io, tag++, bytes, 0, std::uint64_t{1} << 40);
    for (auto& rate : self.rates_)
        bounded_field(io, tag++, rate, 0, std::uint64_t{1} << 40);
    if constexpr (Io::kReads) io.require(!self.since_.is_never());
}
void BitrateMeter::save(StateWriter& out) const {
    fields(*this, out);
}
void BitrateMeter::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void SourceMonitor::fields(Self& self, Io& io) {
    bounded_field(io, 1, self.all_packets_, 0, kMaxCount);
    bounded_field(io, 2, self.lowest_packets_, 0, kMaxCount);
    bounded_field(io, 3, self.produced_, 0, (1U << kMaxSpatialLayers) - 1);
    bounded_field(io, 4, self.wanted_, -1, kMaxSpatialLayers - 1);
    std::uint8_t tag = 5;
    for (auto& layer : self.layers_)
        io.record(tag++, [&layer](auto& inner) {
            inner.part(1, layer.tracker);
            inner.part(2, layer.meter);
            inner.part(3, layer.fps);
            bounded_field(inner, 4, layer.all_before, 0, kMaxCount);
            bounded_field(inner, 5, layer.lowest_before, 0, kMaxCount);
        });
}
void SourceMonitor::save(StateWriter& out) const {
    fields(*this, out);
}
void SourceMonitor::load(StateReader& in) {
    fields(*this, in);
}

}  // namespace confab::sfu
