// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/manager/placement.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace confab::room {

Placement::Placement(std::size_t workers, std::size_t room_share, std::size_t first)
    : room_share_(std::max<std::size_t>(room_share, 1)),
      first_(first % std::max<std::size_t>(workers, 1)),
      workers_(std::max<std::size_t>(workers, 1)) {}

void Placement::set_load(sfu::WorkerIndex worker, double busy) {
    if (worker >= workers_.size()) return;
    workers_[worker].busy = std::clamp(busy, 0.0, 1.0);
    workers_[worker].taken_since = 0;
}

double Placement::load(const Worker& worker) {
    return worker.busy + kJoinCost * static_cast<double>(worker.taken_since);
}

// By tenths of load first: less than that is noise, and participants tell more.
bool Placement::is_better(std::size_t a, std::size_t b) const {
    const auto rank = [&](std::size_t i) {
        return std::tuple(std::floor(load(workers_[i]) * 10), workers_[i].participants,
                          (i + workers_.size() - first_) % workers_.size());
    };
    return rank(a) < rank(b);
}

std::size_t Placement::choose(const std::vector<std::size_t>& present) const {
    std::size_t best = workers_.size();
    for (std::size_t i = 0; i < present.size(); ++i) {
        if (present[i] == 0 || present[i] >= room_share_ || load(workers_[i]) > kBusy) continue;
        if (best == workers_.size() || is_better(i, best)) best = i;
    }
    if (best < workers_.size()) return best;
    best = 0;
    for (std::size_t i = 1; i < workers_.size(); ++i)
        if (is_better(i, best)) best = i;
    return best;
}

Placement::Seat Placement::take(const std::string& room) {
    std::vector<std::size_t>& present = rooms_[room];
    present.resize(workers_.size());
    return sit(room, choose(present));
}

Placement::Seat Placement::keep(const std::string& room, sfu::WorkerIndex worker) {
    return sit(room, std::min<std::size_t>(worker, workers_.size() - 1));
}

Placement::Seat Placement::beside(sfu::WorkerIndex worker) {
    Seat seat;
    seat.worker_ = worker;
    return seat;
}

Placement::Seat Placement::sit(const std::string& room, std::size_t worker) {
    std::vector<std::size_t>& present = rooms_[room];
    present.resize(workers_.size());
    ++present[worker];
    ++workers_[worker].participants;
    ++workers_[worker].taken_since;
    Seat seat;
    seat.of_ = this;
    seat.room_ = room;
    seat.worker_ = static_cast<sfu::WorkerIndex>(worker);
    return seat;
}

// ---------------------------------------------------------------- seats

Placement::Seat::Seat(Seat&& other) noexcept
    : of_(std::exchange(other.of_, nullptr)),
      room_(std::move(other.room_)),
      worker_(other.worker_) {}

Placement::Seat& Placement::Seat::operator=(Seat&& other) noexcept {
    if (this == &other) return *this;
    release();
    of_ = std::exchange(other.of_, nullptr);
    room_ = std::move(other.room_);
    worker_ = other.worker_;
    return *this;
}

void Placement::Seat::release() {
    Placement* const of = std::exchange(of_, nullptr);
    if (of == nullptr) return;
    --of->workers_[worker_].participants;
    const auto room = of->rooms_.find(room_);
    --room->second[worker_];
    const bool empty = std::all_of(room->second.begin(), room->second.end(),
                                   [](std::size_t count) { return count == 0; });
    if (empty) of->rooms_.erase(room);
}

}  // namespace confab::room
