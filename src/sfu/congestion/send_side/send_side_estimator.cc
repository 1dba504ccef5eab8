// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/congestion/send_side/send_side_estimator.h"

#include <algorithm>
#include <array>

namespace confab::sfu {

// ------------------------------------------------------------------ what was sent, and what became

void SendSideEstimator::packets_sent(std::span<const SentPacket> packets) {
    for (const SentPacket& packet : packets) {
        gcc_.handle_sent(packet.at, packet.bytes);
        // Of probes the time counts: what else was sent is of the last second.
        const std::uint32_t bytes = packet.probe == 0 ? packet.bytes : 0;
        sent_.add(packet.at - Timestamp(), bytes);
        sound_.add(packet.at - Timestamp(), packet.sound ? bytes : 0);
        if (packet.repeat && !packet.sound) repeats_.add(packet.at - Timestamp(), bytes);
    }
    // They are seldom: time goes on with all that is sent.
    if (!packets.empty()) repeats_.add(packets.back().at - Timestamp(), 0);
}

void SendSideEstimator::handle_feedback(std::span<const PacketResult> packets, Timestamp now) {
    std::array<bwe::PacketFeedback, 128> batch;
    while (!packets.empty()) {
        const std::size_t count = std::min(packets.size(), batch.size());
        for (std::size_t i = 0; i < count; ++i) {
            const PacketResult& p = packets[i];
            batch[i] = {p.sent.at, p.arrival, p.sent.bytes, p.received, p.late};
            if (p.received) arrived_.add(p.arrival, p.sent.bytes);
        }
        gcc_.handle_feedback(std::span(batch).first(count), now);
        packets = packets.subspan(count);
    }
    last_feedback_ = now;
    watch(now);
}

bool SendSideEstimator::recently_overused(Timestamp now) const {
    const Timestamp last = gcc_.last_overuse();
    return !last.is_never() && now - last < kRecent;
}

// Less is sent already than what leaves the queue.
bool SendSideEstimator::draining() const {
    return sent_.bits_per_second() < kCommitBelow * arrived_.bits_per_second(4);
}

bool SendSideEstimator::exceeds(Duration queue) const {
    const Duration standing = gcc_.standing_delay();
    return standing > queue && standing > excused_ + kSomeQueue && !is_one_burst(standing);
}

// On a narrow link one picture takes longer than the window of the standing delay: a queue of less
// than a packet is that, however long it takes.
bool SendSideEstimator::is_one_burst(Duration standing) const {
    const double rate = std::max(gcc_.acknowledged().value_or(0), arrived_.bits_per_second(4));
    return standing < kAnyBurst && rate * standing.to_seconds() < kOnePacket * 8;
}

bool SendSideEstimator::queue_stays(Timestamp now) const {
    if (draining()) return false;
    if (!long_since_.is_never() && now - long_since_ >= kLongFor) return true;
    return recently_overused(now) && exceeds(kSomeQueue);
}

bool SendSideEstimator::losing() const {
    const bwe::LossBased& losses = gcc_.losses();
    const double own = kMoreThanOwn * own_loss_ + std::min(own_loss_, kBeyondOwn);
    if (losses.observations() < kEnoughLosses || losses.loss() < own) return false;
    // What has just begun is not observed yet.
    const double sent = std::min(sent_.bits_per_second(), losses.last_rate());
    const auto limit = losses.limit();
    return limit && *limit < kCommitBelow * sent;
}

void SendSideEstimator::watch_losses() {
    const bwe::LossBased& losses = gcc_.losses();
    if (losses.observations() < kEnoughLosses) return;
    if (loss_before_ > 0 && losses.loss() > kHelped * loss_before_)
        own_loss_ = std::max(own_loss_, losses.loss());
    loss_before_ = 0;
    if (gcc_.standing_delay() <= kSomeQueue && !losing())
        own_loss_ += kOwnWeight * (losses.loss() - own_loss_);
}

void SendSideEstimator::watch_queue(Timestamp now) {
    const Duration standing = gcc_.standing_delay();
    if (now < excuses_until_)
        excused_ = std::max(excused_, standing);
    else if (standing <= kSomeQueue || now >= excused_until_)
        excused_ = Duration::zero();
    if (!exceeds(kLongQueue))
        long_since_ = Timestamp::never();
    else if (long_since_.is_never())
        long_since_ = now;
}

void SendSideEstimator::watch(Timestamp now) {
    watch_queue(now);
    if (!probe_) watch_losses();
    const bool trouble = queue_stays(now) || losing();
    if (trouble) trouble_ = now;
    if (probe_) {
        // What grows now is the probe's own queue.
        const bool full = gcc_.standing_delay() > kLongQueue || gcc_.probe_lost_much();
        if (full && !probe_->congested) news_ = true;
        probe_->congested |= full;
        news_ = news_ || goal_reached();
        return;
    }
    if (trouble && now >= next_cut_) news_ = true;
}

void SendSideEstimator::note_others(std::uint64_t video, Timestamp now) {
    const double sent = sent_.bits_per_second(10);
    if (sent <= 0) return;  // not known yet
    // What is sent again because a link is too narrow is sent no more when less is sent.
    const double once = sent - sound_.bits_per_second(10) - repeats_.bits_per_second(10);
    other_.note(once, static_cast<double>(video), now);
}

void SendSideEstimator::handle_usage(std::uint64_t video, bool changed, Timestamp now) {
    if (changed) other_.note_change(now);
    least_usage_ = std::min(least_usage_, video);
    if (!congested_ && !probe_) note_others(video, now);
}

// ------------------------------------------------------------------ the capacity

// What the link takes, as of the last moments, while a queue stands: the filter of the acknowledged
// rate lags behind a drop, and for seconds behind much more than before.
double SendSideEstimator::arriving() const {
    const double filtered = gcc_.acknowledged().value_or(bwe::AimdRateControl::kMax);
    const double now = arrived_.bits_per_second(4);
    if (now <= 0) return filtered;
    return filtered < kFarBehind * now ? now : std::min(filtered, now);
}

std::uint64_t SendSideEstimator::video_of(double bits_per_second) const {
    const double video = (bits_per_second - sound_.bits_per_second()) / (1 + other_.share());
    return static_cast<std::uint64_t>(
        std::clamp(video, 1.0, static_cast<double>(kUnlimitedCapacity)));
}

// What can't be cut any further stays above a capacity without having grown.
bool SendSideEstimator::outgrown(std::uint64_t video) const {
    return video > capacity_ &&
           kCommitBelow * static_cast<double>(video) > static_cast<double>(least_usage_);
}

void SendSideEstimator::reset() {
    probe_.reset();
    capacity_ = kUnlimitedCapacity;
    congested_ = found_room_ = false;
    long_since_ = trouble_ = Timestamp::never();
    gcc_.forget_losses();
}

LinkEstimator::Change SendSideEstimator::handle_report(const DownlinkReport& report,
                                                       Timestamp now) {
    const bool queue = queue_stays(now);
    if (probe_ || now < next_cut_ || (!queue && !losing())) return Change::kNone;
    note_others(report.expected_usage, now);
    double rate = bwe::AimdRateControl::kMax;
    if (queue) rate = kBackOff * arriving();
    if (losing()) {
        rate = std::min(rate, gcc_.loss_limit().value_or(rate));
        loss_before_ = queue ? 0 : gcc_.losses().loss();
    }
    next_cut_ = now + rtt_ + kReaction;
    congested_ = true;
    found_room_ = false;
    const std::uint64_t capacity = video_of(rate);
    const auto usage = static_cast<double>(report.expected_usage);
    // What leaves room for all that is sent is no news, nor is the same again, unless pictures have
    // outgrown what was found.
    const bool known = capacity >= capacity_ && !outgrown(report.expected_usage);
    if (static_cast<double>(capacity) > kCommitBelow * usage || known) return Change::kNone;
    capacity_ = capacity;
    least_usage_ = report.expected_usage;
    gcc_.forget_losses();
    return Change::kCommitted;
}

LinkEstimator::Change SendSideEstimator::handle_timeout(Timestamp now) {
    if (!congested_ || now < next_deadline()) return Change::kNone;
    congested_ = false;
    return Change::kCleared;
}

Timestamp SendSideEstimator::next_deadline() const {
    if (news_) return Timestamp();
    return congested_ ? trouble_ + kCalm : Timestamp::never();
}

// ------------------------------------------------------------------ probes

void SendSideEstimator::begin_probe(std::uint64_t goal, Timestamp now) {
    const double usual = std::max(own_loss_, gcc_.losses().loss());
    probe_ = Probe{goal, usual, false, Timestamp::never(), Timestamp::never()};
    gcc_.begin_probe(now);
}

Timestamp SendSideEstimator::no_probe_before() const {
    const Timestamp judged = failed_at_ + kJudged;
    if (!long_since_.is_never()) return std::max(judged, long_since_ + kLongFor * 2);
    if (excused_ > kSomeQueue) return std::max(judged, excused_until_ + kLongFor * 2);
    return judged;
}

bool SendSideEstimator::probe_lost() const {
    return gcc_.probe_loss() > kMoreThanOwn * probe_->usual_loss + kProbeLoss;
}

bool SendSideEstimator::goal_reached() const {
    if (!probe_ || probe_->due.is_never() || probe_lost()) return false;
    const auto result = gcc_.probe_result();
    return result && !result->saturated &&
           static_cast<double>(video_of(result->bits_per_second)) >=
               kEnough * static_cast<double>(probe_->goal);
}

void SendSideEstimator::probe_is_out(Timestamp now, Duration rtt) {
    if (!probe_ || !probe_->due.is_never()) return;
    gcc_.end_probe(now);
    probe_->out = now;
    probe_->due = now + std::clamp(rtt * kSettleRtts, kSettleMin, kSettleMax);
}

// Who tells seldom may not have told of its last packets yet.
bool SendSideEstimator::end_is_untold(Timestamp now) const {
    const bool told = !last_feedback_.is_never() && last_feedback_ >= probe_->out + rtt_;
    return !told && !probe_->congested && !goal_reached() && now < probe_->out + kSettleMax;
}

std::optional<ProbeResult> SendSideEstimator::poll_probe_result(Timestamp now) {
    if (!probe_ || (now < probe_->due && !goal_reached())) return std::nullopt;
    if (end_is_untold(now)) {
        probe_->due = now + kSettleMin;
        return std::nullopt;
    }
    const auto result = gcc_.probe_result();
    ProbeResult out;
    if (result) {
        const bool lost = probe_lost() && !result->saturated;
        const double rate =
            result->bits_per_second * (lost ? bwe::ProbeBitrate::kOfSaturated : 1.0);
        out.highest = video_of(rate);
        const bool gained = capacity_<kUnlimitedCapacity&& static_cast<double>(out.highest)> kGain *
                            static_cast<double>(capacity_);
        const bool full = result->saturated || lost || probe_->congested;
        if (!full)
            out.verdict = ProbeVerdict::kSuccess;
        else
            out.verdict = gained ? ProbeVerdict::kLimitFound : ProbeVerdict::kCongested;
        if (gained || !full) {
            gcc_.set_rate(rate, now);
            capacity_ = std::max(capacity_, out.highest);
        }
    } else if (probe_->congested) {
        out.verdict = ProbeVerdict::kCongested;
    }
    found_room_ = result && !result->saturated && out.verdict == ProbeVerdict::kSuccess;
    gcc_.forget_losses();  // they were the probe's
    if (out.verdict != ProbeVerdict::kSuccess) {
        failed_at_ = now;
        excused_ = gcc_.standing_delay();
        excused_until_ = now + kProbeQueue;
        excuses_until_ = now + kProbeHeard;
        long_since_ = Timestamp::never();
    }
    probe_.reset();
    return out;
}

}  // namespace confab::sfu
