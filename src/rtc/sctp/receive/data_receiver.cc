// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DATA and FORWARD-TSN from the peer and the window it is given (RFC 9260 §6.2; RFC 3758 §3.6).
#include "rtc/sctp/receive/data_receiver.h"

#include <algorithm>

#include "rtc/sctp/limits.h"

namespace confab::sctp {
namespace {

constexpr std::size_t kUpdate = 8;  // packets

}  // namespace

DataReceiver::DataReceiver(const Config& config)
    : mtu_(config.mtu),
      a_rwnd_(config.a_rwnd),
      streams_(config.streams),
      max_message_size_(config.max_message_size),
      sack_delay_(config.sack_delay),
      reassembly_(config.max_message_size),
      advertised_(config.a_rwnd) {}

void DataReceiver::begin_packet() {
    packet_has_data_ = false;
    immediate_sack_ = false;
}

void DataReceiver::end_packet(Timestamp now) {
    if (packet_has_data_) tracker_.packet_done(now, sack_delay_, immediate_sack_);
}

DataReceiver::Taken DataReceiver::handle_data(const wire::sctp::DataChunk& data, bool immediate,
                                              EventQueue& events) {
    packet_has_data_ = true;
    immediate_sack_ = immediate_sack_ || data.immediate || immediate;
    const std::int64_t tsn = tracker_.unwrap(data.tsn);
    const auto verdict = tracker_.classify(tsn);
    if (verdict == RxTracker::Verdict::kDuplicate) {
        tracker_.note_duplicate(tsn);
        return Taken::kNo;
    }
    // A full window refuses, except what completes the messages that fill it. A peer that fills
    // it with what can never be completed goes beyond the hard limit and is cut off.
    const std::size_t used = held_bytes(events) + data.payload.size() + kItemOverhead;
    const bool completes = tsn == tracker_.cumulative() + 1 && reassembly_.held_bytes() > 0;
    if (verdict == RxTracker::Verdict::kRefused || (used > a_rwnd_ && !completes)) {
        ++chunks_refused_;
        tracker_.request_sack();
        return Taken::kNo;
    }
    if (used > a_rwnd_ + max_message_size_ + kMaxFragments * kItemOverhead)
        return Taken::kOutOfResource;
    tracker_.accept(tsn);
    if (data.stream >= streams_) {
        ++chunks_refused_;
        return Taken::kYes;
    }
    return reassembly_.add(tsn, data, events) ? Taken::kYes : Taken::kMessageTooLarge;
}

bool DataReceiver::handle_forward_tsn(const wire::sctp::ForwardTsnView& forward,
                                      EventQueue& events) {
    packet_has_data_ = true;
    immediate_sack_ = true;  // RFC 3758 §3.6
    const std::int64_t tsn = tracker_.unwrap(forward.new_cumulative_tsn);
    if (tsn > tracker_.cumulative() + kMaxForwardJump) {
        ++chunks_refused_;
        return false;
    }
    if (!tracker_.forward(tsn)) return false;
    reassembly_.forward(tsn, forward, events);
    return true;
}

// A window update once it is worth a packet (RFC 9260 §6.2, RFC 1122 §4.2.3.3): for some packets,
// so that what the peer has to say on other streams than the one that fills it is not late by half
// of it.
void DataReceiver::message_taken(const EventQueue& events) {
    const std::size_t worth = std::min<std::size_t>(a_rwnd_ / 2, advertised_ + kUpdate * mtu_);
    if (advertised_ < a_rwnd_ / 4 && window(events) >= worth) tracker_.request_sack();
}

std::uint32_t DataReceiver::window(const EventQueue& events) const {
    const std::size_t used = held_bytes(events);
    return used < a_rwnd_ ? static_cast<std::uint32_t>(a_rwnd_ - used) : 0;
}

void DataReceiver::write_sack(const EventQueue& events, wire::sctp::PacketWriter& packet) {
    // A window smaller than a packet only invites tiny ones (RFC 9260 §6.2).
    advertised_ = window(events) < mtu_ ? 0 : window(events);
    tracker_.write(packet, static_cast<std::uint32_t>(advertised_));
}

}  // namespace confab::sctp
