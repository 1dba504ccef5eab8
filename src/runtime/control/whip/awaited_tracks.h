// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Requests that wait until tracks are published: a WHIP session gets one answer, so what it wants
// to receive has to be there before it joins (01 CON-62). Only for the thread of its loop.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <vector>

#include "api/whip/whip_client_info.h"
#include "base/callback.h"
#include "base/time.h"
#include "runtime/net/event_loop.h"

namespace confab::control {

class AwaitedTracks {
  public:
    static constexpr Duration kPatience = Duration::seconds(5);
    static constexpr Duration kLookEvery = Duration::millis(50);
    // Whether a participant of the room publishes a track of that name.
    using IsThere = std::function<bool(const std::string& room, const api::WhipTrackName& name)>;
    // With those that did not come: none when all are there.
    using Done = Callback<std::vector<api::WhipTrackName>>;

    AwaitedTracks(net::EventLoop& loop, IsThere is_there, Duration patience = kPatience)
        : loop_(loop), is_there_(std::move(is_there)), patience_(patience), timer_(loop) {}

    // `done` is called at once when nothing is missing, else within the patience.
    void wait(const std::string& room, std::vector<api::WhipTrackName> names, Done done);
    std::size_t waiting() const { return waits_.size(); }

  private:
    struct Wait {
        std::string room;
        std::vector<api::WhipTrackName> missing;
        Done done;
        Timestamp until;
    };
    void look();
    void drop_those_there(Wait& wait) const;

    net::EventLoop& loop_;
    IsThere is_there_;
    Duration patience_;
    std::list<Wait> waits_;
    net::EventLoop::Timer timer_;
};

}  // namespace confab::control
