// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rooms that are here and that Redis gives to another node (03 NODE-16). Of two nodes with one room
// the one keeps it that Redis names, if it lives: what an old snapshot of Redis says of nodes that
// are gone ends no call. A machine of one thread.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "cluster/nodes/node_table.h"

namespace confab::control {

class RoomCopies {
  public:
    static constexpr std::size_t kMax = 100'000;  // beyond, the next look at Redis tells again

    struct Copy {
        std::string room;
        std::string holder;
    };

    // Somebody has to see to it that the table is read again.
    void note(Timestamp now, const std::string& room, const std::string& holder);
    // Those to end here: their holder lives, by records that were read since. A room of a holder
    // that is dead by then is left to the reconciler; one that may live waits.
    std::vector<Copy> take(const cluster::nodes::NodeTable& table);
    bool is_empty() const { return copies_.empty(); }

  private:
    struct Noted {
        std::string holder;
        Timestamp at;
    };
    std::map<std::string, Noted> copies_;  // by room
};

}  // namespace confab::control
