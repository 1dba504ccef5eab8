// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "netem/stream_relay.h"

#include <algorithm>

namespace confab::netem {
namespace {

constexpr std::size_t kLeastBound = 4096;
constexpr std::size_t kCompactAt = 65'536;

}  // namespace

StreamRelay::StreamRelay(Path& path, StreamLimits limits)
    : path_(path), limits_(limits), rng_(path.fork_rng()), cuts_seen_(path.cuts()) {}

std::optional<StreamId> StreamRelay::open(Timestamp now) {
    handle_timeout(now);
    if (path_.conditions().tcp == TcpMode::kRefuse || streams_.size() >= limits_.max_streams) {
        ++counters_.refused;
        return std::nullopt;
    }
    ++counters_.opened;
    return streams_.emplace();
}

// What the wire's queue holds, and what is under way behind it.
std::size_t StreamRelay::bound(Direction direction) const {
    const LinkSpec& spec = path_.spec(direction);
    if (spec.bits_per_second == 0) return limits_.max_octets;
    const Duration flight = spec.delay + spec.jitter;
    const auto octets_in = [&](Duration d) {
        return d.to_seconds() * static_cast<double>(spec.bits_per_second) / 8;
    };
    const double queue =
        spec.queue_bytes > 0 ? static_cast<double>(spec.queue_bytes) : octets_in(spec.queue_time);
    const double sum = queue + octets_in(flight);
    if (sum >= static_cast<double>(limits_.max_octets)) return limits_.max_octets;
    return std::max(static_cast<std::size_t>(sum), std::min(kLeastBound, limits_.max_octets));
}

std::size_t StreamRelay::room(StreamId id, Direction direction) const {
    const Stream* const stream = streams_.find(id);
    if (stream == nullptr || path_.conditions().tcp == TcpMode::kStall) return 0;
    const Half& half = stream->half(direction);
    const std::size_t most = bound(direction);
    return half.ended || half.waiting() >= most ? 0 : most - half.waiting();
}

Timestamp StreamRelay::arrival(Timestamp now, Direction direction, std::size_t size) {
    const LinkSpec& spec = path_.spec(direction);
    Timestamp sent = now;
    if (spec.bits_per_second > 0) {
        Timestamp& free = wire_free_[direction == Direction::kUp ? 0 : 1];
        const std::uint64_t us = size * 8'000'000ULL / spec.bits_per_second;
        free = std::max(free, now) + Duration::micros(static_cast<std::int64_t>(us));
        sent = free;
    }
    const Duration least = std::max(spec.delay - spec.jitter, Duration::zero());
    if (spec.jitter == Duration::zero()) return sent + spec.delay;
    return sent + least + (spec.delay + spec.jitter - least).scaled(rng_.unit());
}

void StreamRelay::handle_bytes(Timestamp now, StreamId id, Direction direction, BytesView bytes) {
    Stream* const stream = streams_.find(id);
    if (stream == nullptr) return;
    Half& half = stream->half(direction);
    if (half.begin >= kCompactAt || half.begin == half.bytes.size()) {
        half.bytes.erase(half.bytes.begin(),
                         half.bytes.begin() + static_cast<std::ptrdiff_t>(half.begin));
        half.begin = 0;
    }
    half.bytes.insert(half.bytes.end(), bytes.begin(), bytes.end());
    while (!bytes.empty()) {
        const std::size_t size = std::min(bytes.size(), kSegment);
        half.pieces.push_back({arrival(now, direction, size), size});
        bytes = bytes.subspan(size);
    }
}

void StreamRelay::handle_end(Timestamp now, StreamId id, Direction direction) {
    Stream* const stream = streams_.find(id);
    if (stream == nullptr) return;
    Half& half = stream->half(direction);
    if (half.ended) return;
    half.ended = true;
    half.end_at = arrival(now, direction, 0);
}

void StreamRelay::handle_timeout(Timestamp now) {
    path_.handle_timeout(now);
    if (path_.cuts() == cuts_seen_) return;
    cuts_seen_ = path_.cuts();
    const std::size_t before = resets_.size();
    streams_.for_each([&](StreamId id, const Stream&) { resets_.push_back(id); });
    counters_.cut += resets_.size() - before;
    for (std::size_t i = before; i < resets_.size(); ++i)
        streams_.erase(resets_[i]);
}

bool StreamRelay::stands_still(Timestamp now, Direction direction) const {
    return path_.conditions().tcp == TcpMode::kStall || now < path_.outage_until(direction);
}

BytesView StreamRelay::due(Timestamp now, StreamId id, Direction direction) {
    Stream* const stream = streams_.find(id);
    if (stream == nullptr || stands_still(now, direction)) return {};
    Half& half = stream->half(direction);
    while (!half.pieces.empty() && half.pieces.front().at <= now) {
        half.ready += half.pieces.front().size;
        half.pieces.pop_front();
    }
    return BytesView(half.bytes).subspan(half.begin, half.ready);
}

void StreamRelay::consume(StreamId id, Direction direction, std::size_t size) {
    Stream* const stream = streams_.find(id);
    if (stream == nullptr) return;
    Half& half = stream->half(direction);
    size = std::min(size, half.ready);
    half.begin += size;
    half.ready -= size;
    (direction == Direction::kUp ? counters_.octets_up : counters_.octets_down) += size;
}

bool StreamRelay::has_ended(Timestamp now, StreamId id, Direction direction) const {
    const Stream* const stream = streams_.find(id);
    if (stream == nullptr || stands_still(now, direction)) return false;
    const Half& half = stream->half(direction);
    return half.ended && half.waiting() == 0 && half.end_at <= now;
}

std::optional<StreamId> StreamRelay::poll_reset() {
    if (resets_.empty()) return std::nullopt;
    const StreamId id = resets_.front();
    resets_.pop_front();
    return id;
}

Timestamp StreamRelay::deadline_of(Timestamp now, const Half& half, Direction direction) const {
    Timestamp at = half.pieces.empty() ? Timestamp::never() : half.pieces.front().at;
    if (half.pieces.empty() && half.ended) at = half.end_at;
    const Timestamp outage = path_.outage_until(direction);
    // What came due during the outage is written at its end.
    if (now < outage && (half.ready > 0 || !at.is_never())) return outage;
    return at > now ? at : Timestamp::never();
}

Timestamp StreamRelay::next_deadline(Timestamp now) const {
    Timestamp next = path_.next_deadline();
    if (path_.conditions().tcp == TcpMode::kStall) return next;
    streams_.for_each([&](StreamId, const Stream& stream) {
        for (const Direction d : {Direction::kUp, Direction::kDown})
            next = earlier(next, deadline_of(now, stream.half(d), d));
    });
    return next;
}

}  // namespace confab::netem
