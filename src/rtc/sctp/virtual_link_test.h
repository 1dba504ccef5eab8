// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two machines joined by a link with delay, loss, reordering and duplicates, in virtual time.
// Only for tests.
#pragma once

#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "base/state/hand_over_testing.h"
#include "base/time.h"
#include "rtc/sctp/types.h"

namespace confab::sctp {

struct LinkOptions {
    double loss = 0;
    double duplicate = 0;
    Duration delay = Duration::millis(20);
    Duration jitter = Duration::zero();  // reorders when larger than the packet spacing
    std::uint64_t seed = 1;
};

// A and B: Association, DataChannels or anything of the same shape. EventType: what both their
// poll_event() give.
template <typename A, typename EventType, typename B = A>
class VirtualLink {
  public:
    VirtualLink(A& a, B& b, const LinkOptions& options)
        : a_(&a), b_(&b), options_(options), rng_(options.seed) {}

    std::function<void(int side, EventType& event)> on_event;
    std::function<bool(int from, BytesView packet)> drop;  // true: lost
    // A machine like that of the side, just made: it takes over at random where HandOvers say so.
    std::function<A()> remake_a;
    std::function<B()> remake_b;

    Timestamp now() const { return now_; }
    void set_loss(double loss) { options_.loss = loss; }
    std::uint64_t packets() const { return packets_; }
    std::size_t largest_packet() const { return largest_; }
    std::uint64_t hash() const { return hash_; }

    // Moves everything that is ready without advancing time; call after using a machine.
    void drain() {
        for (bool more = true; more;) {
            more = false;
            more = drain_one(0, *a_) || more;
            more = drain_one(1, *b_) || more;
        }
    }

    // False when nothing more will ever happen before `end`.
    bool step(Timestamp end) {
        if constexpr (requires(StateWriter out) { a_->save(out); })
            if (remake_a && HandOvers::due()) hand_over(*a_, remake_a(), now_);
        if constexpr (requires(StateWriter out) { b_->save(out); })
            if (remake_b && HandOvers::due()) hand_over(*b_, remake_b(), now_);
        drain();
        Timestamp next = earlier(a_->next_deadline(), b_->next_deadline());
        if (!in_flight_.empty()) next = earlier(next, in_flight_.begin()->first.first);
        if (next > end) return false;
        now_ = std::max(now_, next);
        while (!in_flight_.empty() && in_flight_.begin()->first.first <= now_) {
            auto node = in_flight_.extract(in_flight_.begin());
            if (node.mapped().first == 0) a_->handle_packet(now_, node.mapped().second);
            if (node.mapped().first == 1) b_->handle_packet(now_, node.mapped().second);
            drain();
        }
        if (a_->next_deadline() <= now_) a_->handle_timeout(now_);
        if (b_->next_deadline() <= now_) b_->handle_timeout(now_);
        drain();
        return true;
    }
    void run_for(Duration duration) {
        const Timestamp end = now_ + duration;
        while (step(end)) {
        }
        now_ = end;
    }
    bool run_until(const std::function<bool()>& done, Duration limit) {
        const Timestamp end = now_ + limit;
        while (!done())
            if (!step(end)) return done();
        return true;
    }

  private:
    template <typename Machine>
    bool drain_one(int side, Machine& machine) {
        bool any = false;
        while (auto event = machine.poll_event()) {
            any = true;
            if (on_event) on_event(side, *event);
        }
        while (auto packet = machine.poll_transmit()) {
            any = true;
            carry(side, std::move(*packet));
        }
        return any;
    }
    void carry(int from, Bytes packet) {
        ++packets_;
        largest_ = std::max(largest_, packet.size());
        for (const std::uint8_t byte : packet)
            hash_ = (hash_ ^ byte) * 0x100000001B3ULL;
        if (drop && drop(from, packet)) return;
        if (rng_.unit() < options_.loss) return;
        const int copies = rng_.unit() < options_.duplicate ? 2 : 1;
        for (int i = 0; i < copies; ++i) {
            const Duration extra = Duration::micros(static_cast<std::int64_t>(
                rng_.below(static_cast<std::uint64_t>(options_.jitter.us()) + 1)));
            in_flight_.emplace(std::pair(now_ + options_.delay + extra, ++order_),
                               std::pair(1 - from, packet));
        }
    }

    A* a_;
    B* b_;
    LinkOptions options_;
    Rng rng_;
    Timestamp now_ = Timestamp::micros(1'000'000);
    std::map<std::pair<Timestamp, std::uint64_t>, std::pair<int, Bytes>> in_flight_;
    std::uint64_t order_ = 0;
    std::uint64_t packets_ = 0;
    std::uint64_t hash_ = 0xCBF29CE484222325ULL;
    std::size_t largest_ = 0;
};

}  // namespace confab::sctp
