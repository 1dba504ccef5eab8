// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The two sides of a connection as bytes (base/state/state.h, docs/design/migration.md), without
// the tracks. Left behind are what waits, for it is sent first, what is being measured of the
// link, which the next feedback tells again, and sums for statistics.
#include "base/state/state.h"

#include <algorithm>

#include "sfu/packet/state_fields.h"
#include "sfu/peer/shard_peer.h"

namespace confab::sfu {
namespace {

constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kMaxChannels = 65'536;
constexpr std::size_t kMaxLost = 3;  // one of each kind
constexpr std::int64_t kMostInDoubt = 1 << 14;

}  // namespace

template <typename Self, typename Io>
void Downlink::fields(Self& self, Io& io) {
    io.field(1, self.transport_sequence_);
    io.field(2, self.next_report_);
    bounded_field(io, 3, self.rtt_, Duration::zero(), kMaxSpan);
}
void Downlink::save(StateWriter& out) const {
    fields(*this, out);
    out.part(4, *bandwidth_);
}
void Downlink::load(StateReader& in) {
    fields(*this, in);
    in.part(4, *bandwidth_);
    moved_here_ = true;
}
// Feedback names numbers by 16 bits: less than half of them, so that they go on for the client.
void Downlink::skip_ahead(std::int64_t each) {
    std::int64_t streams = 0;
    for (const auto& track : tracks_)
        streams += track->down_track.info().rtx_ssrc != 0 ? 2 : 1;
    const std::int64_t all = std::min(each * std::max<std::int64_t>(streams, 1), kMostInDoubt);
    transport_sequence_ = static_cast<std::uint16_t>(transport_sequence_ + all);
}

void Uplink::save(StateWriter& out) const {
    out.part(1, inbound_);
    out.part(2, transport_cc_);
    out.field(3, next_report_);
}
void Uplink::load(StateReader& in) {
    in.part(1, inbound_);
    in.part(2, transport_cc_);
    in.field(3, next_report_);
}

void ShardPeer::save(StateWriter& out) const {
    out.list(1, ufrags, kMaxUfrags,
             [](auto& inner, const auto& ufrag) { inner.field(1, ufrag, kMaxText); });
    out.list(2, channels_, kMaxChannels, [](auto& inner, const Channel& channel) {
        inner.field(1, channel.id);
        inner.field(2, channel.label, kMaxText);
    });
    out.list(3, lost_channels_, kMaxLost, [](auto& inner, const DataChannel& kind) {
        inner.choice(1, kind, DataChannel::kDataTrack);
    });
}
void ShardPeer::load(StateReader& in) {
    in.list(1, ufrags, kMaxUfrags,
            [](auto& inner, auto& ufrag) { inner.field(1, ufrag, kMaxText); });
    in.list(2, channels_, kMaxChannels, [](auto& inner, Channel& channel) {
        inner.field(1, channel.id);
        inner.field(2, channel.label, kMaxText);
        channel.kind = kind_of_label(channel.label);
    });
    in.list(3, lost_channels_, kMaxLost,
            [](auto& inner, DataChannel& kind) { inner.choice(1, kind, DataChannel::kDataTrack); });
}

}  // namespace confab::sfu
