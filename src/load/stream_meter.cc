// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/stream_meter.h"

#include <algorithm>
#include <utility>

namespace confab::load {
namespace {

// Of gaps that are freezes, in pictures (or pieces of sound).
constexpr std::int64_t kFreezeIntervals = 3;
constexpr Duration kLongestInterval = Duration::seconds(1);
// Where a server changes from one layer to another RTP times hardly advance: 60 pictures a second,
// or 10 ms of sound, are the least that is believed.
constexpr Duration kShortestPicture = Duration::micros(16'667);
constexpr Duration kShortestSound = Duration::millis(10);

}  // namespace

// ---------------------------------------------------------------- packets

bool StreamMeter::receive(const PacketSeen& packet) {
    const bool first = !unwrapper_.started();
    const std::int64_t highest = first ? 0 : unwrapper_.highest();
    const std::int64_t sequence = unwrapper_.unwrap(packet.sequence);
    if (!first && sequence <= highest && !fill(sequence)) {
        ++figures_.repeated;
        return false;
    }
    if (!first && sequence > highest + 1) note_gap(packet.arrival, highest + 1, sequence);
    if (first) begin(packet.arrival);
    figures_.last = packet.arrival;
    ++figures_.packets;
    figures_.bytes += packet.size;
    if (first || sequence > highest) note_picture(packet);
    return sampled();
}

void StreamMeter::begin(Timestamp now) {
    figures_.first = now;
    if (kind_ == client::MediaKind::kAudio) return;
    key_frame_wanted_ = true;
    key_frame_at_ = now + kKeyFrameAgain;
    set_deadline();
}

bool StreamMeter::sampled() {
    if (state_ == State::kForeign) return false;
    // What is missing may break pictures until a key frame, which is to be seen.
    if (state_ != State::kFlowing || (!missing_.empty() && kind_ == client::MediaKind::kVideo))
        return true;
    if (--until_sample_ > 0) return false;
    until_sample_ = std::max(1U, sample_);
    return true;
}

void StreamMeter::note_gap(Timestamp now, std::int64_t from, std::int64_t to) {
    figures_.missing += static_cast<std::uint64_t>(to - from);
    if (to - from > kMaxGap) return lose(now, static_cast<std::uint64_t>(to - from), picture_at_);
    for (std::int64_t sequence = from; sequence < to; ++sequence)
        missing_.push_back({sequence, now, now + kFirstAsk});
    if (missing_.size() > kMaxMissing) {
        const std::size_t over = missing_.size() - kMaxMissing;
        const Timestamp since = missing_.front().noticed;
        missing_.erase(missing_.begin(), missing_.begin() + static_cast<std::ptrdiff_t>(over));
        lose(now, over, since);
    }
    set_deadline();
}

bool StreamMeter::fill(std::int64_t sequence) {
    const auto found = std::ranges::find(missing_, sequence, &Missing::sequence);
    if (found == missing_.end()) return false;
    missing_.erase(found);
    set_deadline();
    return true;
}

bool StreamMeter::repaired(Timestamp now, std::uint16_t sequence) {
    if (!unwrapper_.started() || !fill(unwrapper_.peek(sequence))) return false;
    ++figures_.repaired;
    ++figures_.packets;
    figures_.last = now;
    return true;
}

// Pictures by their RTP times: those that a layer with fewer of them has not are not missed.
void StreamMeter::note_picture(const PacketSeen& packet) {
    if (picture_seen_ && packet.rtp_time == picture_time_) return;
    const bool again = std::exchange(picture_seen_, true);
    const std::uint32_t ticks = packet.rtp_time - std::exchange(picture_time_, packet.rtp_time);
    const Timestamp before = std::exchange(picture_at_, packet.arrival);
    if (!again) return;
    const std::int64_t micros = std::int64_t{ticks} * 1'000'000 / client::clock_rate(kind_);
    const bool audio = kind_ == client::MediaKind::kAudio;
    const Duration interval = std::clamp(
        Duration::micros(micros), audio ? kShortestSound : kShortestPicture, kLongestInterval);
    const Duration gap = packet.arrival - before;
    if (interval_ > Duration::zero() && gap > interval_ * kFreezeIntervals) {
        if (audio) {
            ++figures_.audio_gaps;
        } else if (state_ == State::kFlowing) {
            ++figures_.freezes;
            figures_.frozen = figures_.frozen + (gap - interval_);
            counted_before_ = unwrapper_.highest();
        }
    }
    // One gap hardly changes it, a lower rate soon does.
    interval_ = interval_ == Duration::zero()
                    ? interval
                    : (interval_ * 7 + std::min(interval, interval_ * kFreezeIntervals)) / 8;
}

// ---------------------------------------------------------------- contents

void StreamMeter::stamped(Timestamp arrival, const client::MediaStamp& stamp) {
    if (!stamp.key) return;
    if (state_ == State::kFlowing) {
        whole_from_ = unwrapper_.highest();
        whole_at_ = arrival;
        return;
    }
    if (state_ == State::kBroken) figures_.frozen = figures_.frozen + (arrival - broken_at_);
    state_ = State::kFlowing;
    key_frame_wanted_ = false;
    set_deadline();
}

void StreamMeter::unstamped() {
    if (state_ != State::kStart || ++foreign_ < kMaxForeign) return;
    state_ = State::kForeign;
    key_frame_wanted_ = false;
    set_deadline();
}

// ---------------------------------------------------------------- losses

void StreamMeter::lose(Timestamp now, std::uint64_t count, Timestamp since) {
    figures_.lost += count;
    if (kind_ == client::MediaKind::kAudio || state_ != State::kFlowing) return;
    ++figures_.freezes;
    break_chain(now, since);
}

// What follows the first lost packet can not be decoded.
void StreamMeter::break_chain(Timestamp now, Timestamp since) {
    state_ = State::kBroken;
    broken_at_ = since;
    key_frame_wanted_ = true;
    key_frame_at_ = now;
    set_deadline();
}

void StreamMeter::give_up_old(Timestamp now) {
    const auto is_old = [&](const Missing& one) { return now - one.noticed >= kPatience; };
    const auto first = std::ranges::find_if(missing_, is_old);
    if (first == missing_.end()) return;
    const Missing oldest = *first;
    const std::int64_t newest = std::ranges::max(missing_, {}, [&](const Missing& one) {
                                    return is_old(one) ? one.sequence : -1;
                                }).sequence;
    const auto old = static_cast<std::uint64_t>(std::erase_if(missing_, is_old));
    if (state_ != State::kFlowing || kind_ == client::MediaKind::kAudio)
        return lose(now, old, oldest.noticed);
    figures_.lost += old;
    // The picture stood still there, which is one freeze.
    if (oldest.sequence >= counted_before_) ++figures_.freezes;
    if (newest >= whole_from_) return break_chain(now, oldest.noticed);
    // A key frame came meanwhile.
    figures_.frozen = figures_.frozen + std::max(whole_at_ - oldest.noticed, Duration::zero());
}

void StreamMeter::handle_timeout(Timestamp now) {
    if (now < next_) return;
    give_up_old(now);
    set_deadline();
}

// ---------------------------------------------------------------- the end

bool StreamMeter::has_stopped(Timestamp now) const {
    if (!unwrapper_.started() || state_ == State::kForeign) return false;
    const bool video = kind_ == client::MediaKind::kVideo;
    const Duration longest = std::max(kStopped, interval_ * kFreezeIntervals);
    if (video && state_ == State::kStart) return now - figures_.first > longest;
    return now - picture_at_ > longest;
}

void StreamMeter::note_stopped(Timestamp now) {
    figures_.stopped = 1;
    if (kind_ == client::MediaKind::kAudio) {
        ++figures_.audio_gaps;
    } else if (state_ != State::kBroken) {
        ++figures_.freezes;
        const Timestamp since = state_ == State::kStart ? figures_.first : picture_at_ + interval_;
        figures_.frozen = figures_.frozen + (now - since);
    }
}

void StreamMeter::finish(Timestamp now, bool there) {
    give_up_old(now);
    missing_.clear();
    if (there && has_stopped(now)) note_stopped(now);
    if (state_ == State::kBroken) figures_.frozen = figures_.frozen + (now - broken_at_);
    next_ = Timestamp::never();
}

std::vector<std::uint16_t> StreamMeter::take_asks(Timestamp now) {
    std::vector<std::uint16_t> asks;
    for (Missing& one : missing_) {
        if (now < one.ask_at) continue;
        one.ask_at = now + kAskAgain;
        asks.push_back(static_cast<std::uint16_t>(one.sequence));
    }
    figures_.asks += asks.size();
    set_deadline();
    return asks;
}

bool StreamMeter::take_key_frame_request(Timestamp now) {
    if (!key_frame_wanted_ || now < key_frame_at_) return false;
    key_frame_at_ = now + kKeyFrameAgain;
    ++figures_.key_asks;
    set_deadline();
    return true;
}

void StreamMeter::set_deadline() {
    next_ = key_frame_wanted_ ? key_frame_at_ : Timestamp::never();
    for (const Missing& one : missing_)
        next_ = earlier(next_, earlier(one.ask_at, one.noticed + kPatience));
}

}  // namespace confab::load
