// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// On which media worker a participant lives. A small room stays together, so that its packets cross
// no ring; a large one, or one whose worker is busy, goes on to others participant by participant
// (02 DES-40). Input are the newest figures of the workers and the seats taken so far.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sfu/shard/commands.h"

namespace confab::room {

class Placement {
  public:
    // A worker that works more than this share of its time takes nobody new while others can.
    static constexpr double kBusy = 0.7;
    // What a participant will cost, until figures show it.
    static constexpr double kJoinCost = 0.002;
    // Participants of one room on one worker before others take part.
    static constexpr std::size_t kRoomShare = 64;

    // A participant's place, given back when it goes; the placement outlives it.
    class Seat {
      public:
        Seat() = default;
        Seat(Seat&& other) noexcept;
        Seat& operator=(Seat&& other) noexcept;
        ~Seat() { release(); }
        sfu::WorkerIndex worker() const { return worker_; }

      private:
        friend class Placement;
        void release();
        Placement* of_ = nullptr;
        std::string room_;
        sfu::WorkerIndex worker_ = 0;
    };

    // `first`: where the first of equals is. Control shards do not know each other's seats; each
    // begins at another worker, so that a few rooms do not all meet on one.
    explicit Placement(std::size_t workers, std::size_t room_share = kRoomShare,
                       std::size_t first = 0);
    Placement(const Placement&) = delete;
    Placement& operator=(const Placement&) = delete;

    // The share of time that a worker has been busy of late, 0 to 1.
    void set_load(sfu::WorkerIndex worker, double busy);
    Seat take(const std::string& room);
    // For somebody who comes with its connections: where it is.
    Seat keep(const std::string& room, sfu::WorkerIndex worker);
    // For somebody without connections, whose tracks are of that worker: costs nothing there.
    static Seat beside(sfu::WorkerIndex worker);
    std::size_t participants(sfu::WorkerIndex worker) const {
        return workers_[worker].participants;
    }

  private:
    struct Worker {
        double busy = 0;
        std::size_t participants = 0;
        std::size_t taken_since = 0;  // not in `busy` yet
    };
    static double load(const Worker& worker);
    bool is_better(std::size_t a, std::size_t b) const;
    std::size_t choose(const std::vector<std::size_t>& present) const;
    Seat sit(const std::string& room, std::size_t worker);

    std::size_t room_share_;
    std::size_t first_;
    std::vector<Worker> workers_;
    std::map<std::string, std::vector<std::size_t>> rooms_;  // participants by worker
};

}  // namespace confab::room
