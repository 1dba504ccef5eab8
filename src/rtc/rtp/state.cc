// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is known of incoming streams, as bytes (base/state/state.h).
#include "base/state/state.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/state/bounds.h"
#include "rtc/rtp/audio_level.h"
#include "rtc/rtp/nack_tracker.h"
#include "rtc/rtp/padding_compactor.h"
#include "rtc/rtp/pli_throttle.h"
#include "rtc/rtp/reception_stats.h"
#include "rtc/rtp/transport_cc_responder.h"

namespace confab::rtp {
namespace {

constexpr Duration kMaxRtt = Duration::seconds(10);
constexpr std::uint64_t kMaxCount = std::uint64_t{1} << 60;

// A list in an array of which `size` are used.
template <typename Array, typename Body>
void save_first(StateWriter& out, std::uint8_t tag, const Array& array, std::size_t size,
                Body&& body) {
    for (std::size_t i = 0; i < size; ++i)
        out.record(tag, [&](StateWriter& inner) { body(inner, array[i]); });
}
template <typename Array, typename Body>
std::size_t load_first(StateReader& in, std::uint8_t tag, Array& array, Body&& body) {
    std::vector<typename Array::value_type> values;
    in.list(tag, values, array.size(), body);
    std::copy(values.begin(), values.end(), array.begin());
    return values.size();
}

}  // namespace

// ---------------------------------------------------------------- repair

template <typename Self, typename Io>
void NackTracker::fields(Self& self, Io& io) {
    bounded_field(io, 1, self.rtt_, Duration::zero(), kMaxRtt);
    bounded_field(io, 2, self.abandoned_, 0, kMaxCount);
    const auto missing = [](auto& inner, auto& one) {
        line_field(inner, 1, one.sequence);
        inner.field(2, one.since);
        inner.field(3, one.next_try);
        inner.field(4, one.tries);
        if constexpr (Io::kReads) inner.require(!one.since.is_never() && one.tries <= kMaxTries);
    };
    if constexpr (Io::kReads) {
        self.size_ = load_first(io, 3, self.list_, missing);
        for (std::size_t i = 1; i < self.size_; ++i)
            io.require(self.list_[i - 1].sequence < self.list_[i].sequence);
    } else {
        save_first(io, 3, self.list_, self.size_, missing);
    }
}
void NackTracker::save(StateWriter& out) const {
    fields(*this, out);
}
void NackTracker::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void PaddingCompactor::fields(Self& self, Io& io) {
    line_field(io, 1, self.floor_);
    line_field(io, 2, self.start_);
    line_field(io, 3, self.offset_);
    const auto range = [](auto& inner, auto& one) {
        line_field(inner, 1, one.end);
        line_field(inner, 2, one.offset);
    };
    if constexpr (Io::kReads) {
        self.size_ = load_first(io, 4, self.ranges_, range);
        for (std::size_t i = 0; i < self.size_; ++i) {
            const Range& one = self.ranges_[i];
            const Range next =
                i + 1 < self.size_ ? self.ranges_[i + 1] : Range{self.start_, self.offset_};
            io.require(one.end <= next.end && one.offset <= next.offset);
        }
        io.require(self.floor_ <= self.start_);
    } else {
        save_first(io, 4, self.ranges_, self.size_, range);
    }
}
void PaddingCompactor::save(StateWriter& out) const {
    fields(*this, out);
}
void PaddingCompactor::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void PliThrottle::fields(Self& self, Io& io) {
    io.field(1, self.requested_);
    io.field(2, self.sent_before_);
    io.field(3, self.last_sent_);
    io.field(4, self.seeder_next_);
    io.field(5, self.seeder_end_);
    io.field(6, self.key_frame_seen_);
    if constexpr (Io::kReads) io.require(!self.last_sent_.is_never());
}
void PliThrottle::save(StateWriter& out) const {
    fields(*this, out);
}
void PliThrottle::load(StateReader& in) {
    fields(*this, in);
}

// ---------------------------------------------------------------- reports

template <typename Self, typename Io>
void ReceptionStats::fields(Self& self, Io& io) {
    io.field(1, self.started_);
    if (!self.started_) return;
    line_field(io, 2, self.first_);
    line_field(io, 3, self.highest_);
    bounded_field(io, 4, self.packets_, 0, kMaxCount);
    bounded_field(io, 5, self.bytes_, 0, kMaxCount);
    line_field(io, 6, self.jitter_scaled_);
    // By the clock of the owner, whose zero is nobody else's.
    const std::int64_t clock = io.now().us() * self.clock_rate_ / 1'000'000;
    std::int64_t transit = self.last_transit_ - clock;
    line_field(io, 7, transit);
    if constexpr (Io::kReads) self.last_transit_ = transit + clock;
    line_field(io, 8, self.last_jitter_timestamp_);
    bounded_field(io, 9, self.reported_expected_, 0, kMaxCount);
    bounded_field(io, 10, self.reported_packets_, 0, kMaxCount);
    bounded_field(io, 11, self.window_start_.expected, 0, kMaxCount);
    bounded_field(io, 12, self.window_start_.packets, 0, kMaxCount);
    bounded_field(io, 13, self.window_start_.bytes, 0, kMaxCount);
    io.field(14, self.last_sr_);
    io.field(15, self.last_sr_arrival_);
    if constexpr (Io::kReads)
        io.require(self.first_ <= self.highest_ + 1 && !self.last_sr_arrival_.is_never());
}
void ReceptionStats::save(StateWriter& out) const {
    fields(*this, out);
}
void ReceptionStats::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void AudioLevel::fields(Self& self, Io& io) {
    bounded_field(io, 1, self.observed_, Duration::zero(), kMaxSpan);
    bounded_field(io, 2, self.active_, Duration::zero(), kMaxSpan);
    bounded_field(io, 3, self.loudest_, 0, 127);
    real_field(io, 4, self.smoothed_);
    io.field(5, self.last_update_);
    io.field(6, self.updated_);
    if constexpr (Io::kReads) io.require(!self.last_update_.is_never());
}
void AudioLevel::save(StateWriter& out) const {
    fields(*this, out);
}
void AudioLevel::load(StateReader& in) {
    fields(*this, in);
}

// ---------------------------------------------------------------- transport-wide feedback

template <typename Self, typename Io>
void TransportCcResponder::fields(Self& self, Io& io) {
    io.field(1, self.sender_ssrc_);
    io.field(2, self.media_ssrc_);
    io.field(3, self.feedback_count_);
    io.field(4, self.marker_);
    io.field(5, self.reported_before_);
    io.field(6, self.last_report_);
    io.part(7, self.unwrapper_);
    std::int64_t clock = io.now().us() + self.clock_.us();
    bounded_field(io, 8, clock, -kMaxLine / 2, kMaxLine / 2);
    if constexpr (Io::kReads) {
        self.clock_ = Duration::micros(clock - io.now().us());
        io.require(!self.last_report_.is_never());
    }
}
void TransportCcResponder::save(StateWriter& out) const {
    fields(*this, out);
    if (held_)
        save_first(out, 9, *held_, size_, [this](StateWriter& inner, const auto& one) {
            line_field(inner, 1, one.sequence);
            if (one.arrival) inner.field(2, *one.arrival - clock_);
        });
    if (next_) line_field(out, 10, *next_);
}
void TransportCcResponder::load(StateReader& in) {
    fields(*this, in);
    std::vector<wire::TransportArrival> held;
    in.list(9, held, kMaxHeld, [this](StateReader& inner, auto& one) {
        line_field(inner, 1, one.sequence);
        Timestamp arrival = Timestamp::never();
        since_field(inner, 2, arrival);
        if (inner.ok()) one.arrival = arrival + clock_;
    });
    for (std::size_t i = 1; i < held.size(); ++i)
        in.require(held[i - 1].sequence < held[i].sequence);
    in.field(10, next_);
    if (next_) in.require(*next_ >= -kMaxLine && *next_ <= kMaxLine);
    if (held.empty()) return;
    held_ = std::make_unique<std::array<wire::TransportArrival, kMaxHeld>>();
    std::copy(held.begin(), held.end(), held_->begin());
    size_ = held.size();
}

}  // namespace confab::rtp
