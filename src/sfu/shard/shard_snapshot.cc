// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/shard_snapshot.h"

#include "sfu/peer/shard_peer.h"

namespace confab::sfu {

void ShardSnapshot::merge(const ShardSnapshot& other) {
    static_assert(sizeof(ShardSnapshot) == 43 * sizeof(std::uint64_t), "a new one is added here");
    peers += other.peers;
    receivers += other.receivers;
    tracks += other.tracks;
    down_tracks += other.down_tracks;
    pool_bytes += other.pool_bytes;
    packets_in_use += other.packets_in_use;
    timers += other.timers;
    unknown_datagrams += other.unknown_datagrams;
    rtp_in += other.rtp_in;
    rtp_out += other.rtp_out;
    bytes_in += other.bytes_in;
    rtp_bytes_out += other.rtp_bytes_out;
    rtp_bytes_in += other.rtp_bytes_in;
    rtx_in += other.rtx_in;
    rtx_bytes_in += other.rtx_bytes_in;
    rtx_out += other.rtx_out;
    rtx_bytes_out += other.rtx_bytes_out;
    rtp_levelled += other.rtp_levelled;
    srtp_failures += other.srtp_failures;
    unvalidated += other.unvalidated;
    unknown_kind += other.unknown_kind;
    before_keys += other.before_keys;
    srtp_throttled += other.srtp_throttled;
    rtp_malformed += other.rtp_malformed;
    rtp_repeated += other.rtp_repeated;
    rtcp_malformed += other.rtcp_malformed;
    rtp_unknown_ssrc += other.rtp_unknown_ssrc;
    links_dropped += other.links_dropped;
    nacks_in += other.nacks_in;
    nacks_out += other.nacks_out;
    plis_in += other.plis_in;
    plis_out += other.plis_out;
    firs_in += other.firs_in;
    events_dropped += other.events_dropped;
    data_dropped += other.data_dropped;
    limits.merge(other.limits);
    data_tracks.merge(other.data_tracks);
}

void ShardSnapshot::add(const ShardPeer& peer) {
    const PeerCounters& c = peer.counters();
    rtp_in += c.rtp_in;
    rtp_out += c.rtp_out;
    rtp_bytes_out += c.rtp_bytes_out;
    rtp_bytes_in += c.rtp_bytes_in;
    rtx_in += c.rtx_in;
    rtx_bytes_in += c.rtx_bytes_in;
    rtx_out += c.rtx_out;
    rtx_bytes_out += c.rtx_bytes_out;
    rtp_levelled += c.rtp_levelled;
    nacks_out += c.nacks_out;
    plis_out += c.plis_out;
    rtp_unknown_ssrc += c.rtp_unknown_ssrc;
    rtp_malformed += c.rtp_malformed;
    rtp_repeated += c.rtp_repeated;
    rtcp_malformed += c.rtcp_malformed;
    const peer::TransportCounters transport = peer.transport().counters();
    srtp_failures += transport.srtp_failures;
    unvalidated += transport.unvalidated_path;
    unknown_kind += transport.unknown_kind;
    before_keys += transport.before_keys;
    srtp_throttled += transport.throttled;
}

}  // namespace confab::sfu
