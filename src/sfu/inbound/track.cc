// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/track.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace confab::sfu {

namespace {
unsigned streams_up_to(std::int8_t spatial) {
    return spatial < 0 ? 0 : (2U << spatial) - 1;
}
}  // namespace

void Track::move_home(WorkerIndex home) {
    home_ = home;
    told_home.reset();
    key_frame_came();
}

void Track::remove_subscriber(const DownTrack& down_track) {
    const auto found = std::find_if(subscribers_.begin(), subscribers_.end(),
                                    [&](const auto& s) { return s.down_track == &down_track; });
    if (found == subscribers_.end()) return;
    if (static_cast<std::size_t>(found - subscribers_.begin()) < pass_next_) --pass_next_;
    subscribers_.erase(found);
    CONFAB_DCHECK(pass_next_ <= subscribers_.size());
    if (unused()) forget();
}

void Track::expect(const Expected& one) {
    end_expecting(one.down_track);
    expected_.push_back(one);
    kept_streams_ = static_cast<std::uint8_t>(kept_streams_ | streams_up_to(one.max_spatial));
}

void Track::end_expecting(DownTrackId down_track) {
    std::erase_if(expected_, [&](const Expected& one) { return one.down_track == down_track; });
    if (expected_.empty()) kept_packets_.clear();
    if (unused()) forget();
}

void Track::keep(const PacketPool& pool, const ArrivedPacket& packet) {
    if (kept_packets_.size() == kMaxKept || (pool.crowded() && !kept_packets_.empty()))
        kept_packets_.pop_front();
    kept_packets_.push_back(packet);
}

bool Track::begin_pass() {
    if (passing_) {
        pass_again_ = true;
        return false;
    }
    pass_next_ = 0;
    return passing_ = !subscribers_.empty();
}

const Subscriber* Track::next_of_pass() {
    if (!passing_) return nullptr;
    CONFAB_CHECK(pass_next_ <= subscribers_.size());
    if (pass_next_ < subscribers_.size()) return &subscribers_[pass_next_++];
    pass_next_ = 0;
    passing_ = std::exchange(pass_again_, false) && !subscribers_.empty();
    return next_of_pass();
}

void Track::set_replica(WorkerIndex worker, std::int8_t max_spatial) {
    for (Replica& replica : replicas_) {
        if (replica.worker != worker) continue;
        replica.max_spatial = max_spatial;
        return;
    }
    replicas_.push_back({worker, max_spatial, 0});
}

void Track::remove_replica(WorkerIndex worker) {
    std::erase_if(replicas_, [&](const Replica& r) { return r.worker == worker; });
}

std::int8_t Track::max_wanted() const {
    std::int8_t highest = -1;
    for (const Subscriber& s : subscribers_) {
        const DownTrackSettings& settings = s.down_track->settings();
        if (settings.enabled)
            highest = std::max({highest, static_cast<std::int8_t>(settings.max_spatial),
                                s.down_track->layers().current.spatial});
    }
    for (const Expected& one : expected_)
        highest = std::max(highest, one.max_spatial);
    return highest;
}

bool Track::take_key_frame_request(Timestamp now, std::uint8_t spatial) {
    Timestamp& next = next_request_[spatial % next_request_.size()];
    if (now < next) return false;
    next = now + kRequestInterval;
    return true;
}

void Track::remember(PacketPool& pool, MediaPacket& packet, PacketRef& ref) {
    if (unused() || packet.padding_only) return;
    const std::size_t stream = source_.stream_of(static_cast<std::int8_t>(packet.spatial));
    const auto is_kept = [&] { return (kept_streams_ >> stream & 1) != 0; };
    // A stream begins for a subscriber with a key frame; sound has one, which is kept at once.
    if (packet.arrival >= next_review_ ||
        (!is_kept() && (packet.key_frame || kind_ == MediaKind::kAudio)))
        review_streams(packet.arrival);
    if (!is_kept()) return;
    if (!history_[stream]) history_[stream] = std::make_unique<PacketHistory>(kind_, kept_);
    history_[stream]->add(pool, packet, ref);
}

void Track::review_streams(Timestamp now) {
    unsigned wanted = kind_ == MediaKind::kAudio ? 1 : 0;
    for (const Subscriber& s : subscribers_)
        wanted |= s.down_track->streams();
    for (const Expected& one : expected_)
        wanted |= streams_up_to(one.max_spatial);
    if (now >= next_review_) {
        kept_streams_ = wanted_streams_;
        wanted_streams_ = 0;
        next_review_ = now + kReviewInterval;
    }
    kept_streams_ = static_cast<std::uint8_t>(kept_streams_ | wanted);
    wanted_streams_ = static_cast<std::uint8_t>(wanted_streams_ | wanted);
    for (std::size_t stream = 0; stream < history_.size(); ++stream)
        if ((kept_streams_ >> stream & 1) == 0) {
            history_[stream].reset();
            recent_.clear(stream);
        }
}

void Track::note_recent(const PacketPool& pool, const ArrivedPacket& packet) {
    const std::size_t stream = source_.stream_of(static_cast<std::int8_t>(packet.media.spatial));
    if (pool.crowded())
        recent_.clear();
    else if ((kept_streams_ >> stream & 1) != 0)
        recent_.add(stream, packet);
}

const HistoryEntry* Track::find(std::uint8_t stream, std::int64_t sequence) const {
    if (stream >= history_.size() || !history_[stream]) return nullptr;
    return history_[stream]->find(sequence);
}

void Track::forget() {
    recent_.clear();
    for (auto& history : history_)
        history.reset();
    kept_streams_ = wanted_streams_ = 0;
    next_review_ = {};
}

bool Track::forget_silent(Timestamp now) {
    bool left = false;
    for (std::size_t stream = 0; stream < history_.size(); ++stream) {
        if (!history_[stream]) continue;
        if (!history_[stream]->is_stale(now)) {
            left = true;
            continue;
        }
        history_[stream].reset();
        recent_.clear(stream);
    }
    return left;
}

}  // namespace confab::sfu
