// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Peers that left this worker for another one (02 MC-20): what their clients still send here waits
// until they are there, and goes after them from then on.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "rtc/ice/path.h"
#include "sfu/packet/packet_pool.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

class Departures {
  public:
    // Datagrams that wait for one peer; more are lost, as in a full socket.
    static constexpr std::size_t kMaxHeld = 512;

    struct Held {
        ice::Path path;
        Timestamp arrival;
        PacketRef packet;
    };
    // Where something for it goes: to `to`, or it waits.
    struct Way {
        PeerId peer;
        WorkerIndex to = 0;
        bool waits = false;
    };

    void add(PeerId peer, WorkerIndex to, const std::vector<std::string>& ufrags,
             const std::vector<ice::Path>& paths);
    // It never came here, or left before, and these names lead to it at `to`, too.
    void add_names(PeerId peer, WorkerIndex to, const std::vector<std::string>& ufrags);
    std::optional<Way> find(std::string_view ufrag) const;
    // Only of one that is not there yet: later its path is known as another worker's.
    std::optional<Way> find(const ice::Path& path) const;
    void hold(PeerId peer, Held datagram);
    // It is at `at`. What waited for it, in order; nothing if it went elsewhere since.
    std::vector<Held> arrived(PeerId peer, WorkerIndex at);
    // Whether it was known. What waited comes back, if it is asked for.
    bool end(PeerId peer, std::vector<Held>* waited = nullptr);

  private:
    struct Departed {
        WorkerIndex to = 0;
        bool there = false;
        std::vector<std::string> ufrags;
        std::vector<ice::Path> paths;
        std::vector<Held> held;
    };
    void forget_paths(const Departed& departed);

    std::unordered_map<PeerId, Departed> peers_;
    // Names that begin with our letter and are of peers that left.
    std::unordered_map<std::string, PeerId> names_;
    std::unordered_map<ice::Path, PeerId> paths_;
};

}  // namespace confab::sfu
