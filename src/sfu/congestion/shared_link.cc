// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 BWE-01, BWE-03, BWE-06 to BWE-10. One call of allocate() handles, in this order, what changed
// of the tracks, a report, and what time brings; then caps and state are made to agree.
#include "sfu/congestion/shared_link.h"

#include <algorithm>
#include <array>
#include <utility>

#include "sfu/congestion/layer_cost.h"

namespace confab::sfu {

void SharedLink::set_limit(std::uint64_t bits_per_second) {
    bits_per_second = std::min(bits_per_second, kUnlimited);
    if (bits_per_second == limit_) return;
    limit_ = bits_per_second;
    share_all_ = true;
}

bool SharedLink::allocate(std::span<const VideoDemand> demands, std::span<VideoShare> shares,
                          Timestamp now) {
    const std::size_t count = std::min({demands.size(), shares.size(), kMaxTracks});
    const TrackList tracks{demands.first(count), shares.first(count)};
    struct Before {
        Layer cap;
        bool deficient = false;
    };
    std::array<Before, kMaxTracks> before;
    for (std::size_t i = 0; i < count; ++i)
        before[i] = {shares[i].cap, shares[i].deficient};

    note_changes(tracks, now);
    take_report(tracks, now);
    (void)estimator().handle_timeout(now);
    finish(tracks);
    watch_pause(tracks, now);
    run_probe(tracks, now);
    finish(tracks);

    bool changed = false;
    for (std::size_t i = 0; i < count; ++i)
        changed |= before[i].cap != shares[i].cap || before[i].deficient != shares[i].deficient;
    handle_usage(usage_of(tracks), changed, now);
    return changed;
}

// ------------------------------------------------------------------ tracks

bool SharedLink::shares_optimally() const {
    if (!options_.enabled) return limit_ == 0;
    return limit_ == 0 && !deficient_ && !estimator().congested();
}

void SharedLink::note_changes(const TrackList& tracks, Timestamp now) {
    const bool freed = tracks.size() < track_count_;
    track_count_ = tracks.size();
    for (std::size_t i = 0; i < tracks.size(); ++i)
        note_change(tracks, i, now);
    // Nothing is probed below a limit: what takes more or less now is noticed here.
    if (limit_ > 0 && usage_of(tracks) > limit_) share_all_ = true;
    if (limit_ > 0 && !share_all_) boost(tracks, limit_, kRoomForStep);
    if (share_all_) {
        share_all_ = false;
        stop_probe(now);
        share_all(tracks, rule());
    } else if (freed && !shares_optimally()) {
        boost(tracks, capacity());
    }
}

void SharedLink::note_change(const TrackList& tracks, std::size_t index, Timestamp now) {
    VideoShare& share = tracks.shares[index];
    const DemandSignature seen = signature_of(tracks.demands[index]);
    const DemandSignature old = share.seen;
    const bool known = share.known;
    if (known && seen == old) return;
    share.seen = seen;
    share.known = true;
    if (!known) {
        share.packets = tracks.demands[index].packets;
        share.nack_repeats = tracks.demands[index].nack_repeats;
    }
    // It takes nothing, before or after: the layers of a picture that is not shown end no probe.
    if (known && old.muted && seen.muted) return;
    if (shares_optimally()) {
        open_up(share);
    } else if (limit_ > 0 ||
               (known && (old.priority != seen.priority || old.exempt != seen.exempt))) {
        share_all_ = true;
    } else {
        stop_probe(now);
        share_one(tracks, index, known && !old.muted ? share.sent : kNoLayer, rule());
    }
}

// ------------------------------------------------------------------ feedback

void SharedLink::take_report(const TrackList& tracks, Timestamp now) {
    DownlinkReport report;
    if (!take_news(report)) return;
    for (std::size_t i = 0; i < tracks.size(); ++i) {
        const VideoDemand& d = tracks.demands[i];
        VideoShare& share = tracks.shares[i];
        report.packets += d.packets - std::exchange(share.packets, d.packets);
        report.repeated_nacks += d.nack_repeats - std::exchange(share.nack_repeats, d.nack_repeats);
    }
    report.expected_usage = usage_of(tracks);
    if (!options_.enabled) return;
    if (estimator().handle_report(report, now) != LinkEstimator::Change::kCommitted) return;
    commit(estimator().capacity());
    note_relapse(now);
    if (limit_ == 0) share_all(tracks, rule());
}

void SharedLink::commit(std::uint64_t capacity) {
    capacity_ = std::max(capacity, options_.min_capacity);
}

void SharedLink::note_relapse(Timestamp now) {
    if (gained_.is_never()) return;
    if (now - gained_ < kHolds)
        regulator_.note_relapse(now);
    else
        regulator_.note_held();
    gained_ = Timestamp::never();
}

// With everything paused nothing reaches the subscriber that could raise its estimate: after a
// while what was heard before is forgotten, and a probe may try (BWE-08).
void SharedLink::watch_pause(const TrackList& tracks, Timestamp now) {
    if (!options_.allow_pause || !deficient_ || !estimator().congested() || usage_of(tracks) > 0) {
        paused_since_ = Timestamp::never();
        return;
    }
    if (paused_since_.is_never()) paused_since_ = now;
    if (now - paused_since_ < options_.paused_min_wait) return;
    estimator().reset();
    paused_since_ = Timestamp::never();
}

// ------------------------------------------------------------------ probes

bool SharedLink::may_probe(Timestamp now) const {
    return deficient_ && limit_ == 0 && !estimator().congested() && !estimator().probing() &&
           regulator_.ready(now) && now >= retry_after_ && now >= estimator().no_probe_before();
}

void SharedLink::start_probe(const TrackList& tracks, Timestamp now) {
    const auto step = next_probe_step(tracks);
    if (!step) {
        retry_after_ = now + kRetry;
        return;
    }
    if (options_.probe_mode == ProbeMode::kMedia) return try_step(tracks, *step, now);
    const std::uint64_t least =
        std::max(step->more * options_.probe_overage_percent / 100, options_.probe_min_bps);
    const std::uint64_t most =
        std::max(least, missing_bits(tracks) * options_.probe_overage_percent / 100);
    const std::uint64_t increase = std::min(least * regulator_.multiple(), most);
    probe_began_ = now;
    probe_asked_ = probe_sent_ = 0;
    if (++cluster_ == 0) ++cluster_;
    const std::uint64_t usage = usage_of(tracks);
    const std::uint64_t at_once =
        std::max(estimator().most_to_probe(), usage + kLeastProbe) - usage;
    prober_.start(std::min(increase, at_once), regulator_.duration(), now,
                  regulator_.plan().between);
    probe_goal_ = usage + increase;
    estimator().begin_probe(probe_goal_, now);
}

// The next layer itself shows whether the link takes it.
void SharedLink::try_step(const TrackList& tracks, const ProbeStep& step, Timestamp now) {
    settle_on(tracks.demands[step.index], tracks.shares[step.index], step.layer);
    estimator().reset();
    regulator_.note_stopped(now);
    gained_ = now;
}

// Nothing is sent, and there was nothing to probe with: each picture that is left was paused before
// its first packet, so that there is none to repeat or to put padding behind.
bool SharedLink::had_no_probe(const TrackList& tracks) const {
    return probe_asked_ > 0 && probe_sent_ == 0 && usage_of(tracks) == 0;
}

void SharedLink::stop_probe(Timestamp) {
    if (!estimator().probing()) return;
    prober_.stop();
    estimator().abort_probe();
    regulator_.note_stopped(probe_began_);
}

void SharedLink::run_probe(const TrackList& tracks, Timestamp now) {
    if (may_probe(now)) start_probe(tracks, now);
    if (!estimator().probing()) return;
    prober_.handle_timeout(now);
    // Nothing more is to be learnt once it went wrong or has shown enough.
    if (estimator().probe_congested() || estimator().goal_reached()) prober_.stop();
    if (prober_.running()) return;
    estimator().probe_is_out(now, rtt_);
    const auto result = estimator().poll_probe_result(now);
    if (!result) return;
    const auto step = had_no_probe(tracks) ? next_probe_step(tracks) : std::nullopt;
    if (step) return try_step(tracks, *step, now);
    regulator_.note(result->verdict, probe_began_);
    std::uint64_t room = 0;
    if (result->verdict == ProbeVerdict::kSuccess || result->verdict == ProbeVerdict::kLimitFound) {
        commit(std::max(capacity_, result->highest));
        room = capacity();
    } else if (result->verdict == ProbeVerdict::kCongested) {
        // The limit is where it was; bitrates may have fallen since it was shared.
        room = std::min(capacity(), result->highest);
    }
    const std::uint64_t before = usage_of(tracks);
    boost(tracks, room, kRoomForStep);
    if (usage_of(tracks) <= before) return;
    gained_ = now;
    regulator_.note_gain();
}

std::size_t SharedLink::poll_probe(Timestamp now) {
    const bool probed = prober_.running();
    const std::size_t bytes = prober_.poll(now);
    probe_asked_ += bytes;
    // The time to settle begins with the last round.
    if (probed && !prober_.running()) estimator().probe_is_out(now, rtt_);
    return bytes;
}

// ------------------------------------------------------------------ state

// Everything is sent whole again: the link is not the limit any more (BWE-08).
void SharedLink::rest() {
    prober_.stop();
    estimator().reset();
    regulator_.reset();
    capacity_ = kUnlimited;
    paused_since_ = Timestamp::never();
}

void SharedLink::finish(const TrackList& tracks) {
    bool any = false;
    for (std::size_t i = 0; i < tracks.size(); ++i) {
        const VideoDemand& d = tracks.demands[i];
        VideoShare& share = tracks.shares[i];
        // Layers may have come or gone, or turned out to add nothing.
        if (!is_managed(d))
            open_up(share);
        else
            settle_on(d, share, share.cap);
        share.sent = layer_under(d, share.cap);
        any |= share.deficient;
    }
    const bool was = std::exchange(deficient_, any);
    // Where nothing could be cut, what was found of the link ends with its congestion.
    const bool calm = capacity_ < kUnlimited && !estimator().congested();
    if (!any && (was || calm)) rest();
}

Timestamp SharedLink::next_deadline() const {
    Timestamp next = estimator().next_deadline();
    if (!paused_since_.is_never()) next = earlier(next, paused_since_ + options_.paused_min_wait);
    if (estimator().probing()) {
        next = earlier(next, prober_.next_deadline());
        next = earlier(next, estimator().probe_deadline());
    } else if (deficient_ && limit_ == 0 && !estimator().congested()) {
        next = earlier(next,
                       std::max({regulator_.next(), retry_after_, estimator().no_probe_before()}));
    }
    return next;
}

}  // namespace confab::sfu
