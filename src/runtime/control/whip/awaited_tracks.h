// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tracks that have to be in the one answer of a WHIP session (01 CON-62). Its participant is in the
// room already, so that whoever publishes them may come because of it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/whip/whip_client_info.h"
#include "room/subscribe/subscriptions.h"

namespace confab::control {

class AwaitedTracks {
  public:
    using Find = std::function<room::NamedTracks(const api::WhipTrackName& name)>;

    explicit AwaitedTracks(std::vector<api::WhipTrackName> names) : names_(std::move(names)) {}

    // One track of each name that is there and not subscribed to yet; they are to be asked for.
    // What was there before may have gone.
    std::vector<std::string> look(const Find& find);
    // By the last look.
    bool subscribed() const { return missing_.empty(); }
    // Whether all have a section of the answer.
    bool bound(const Find& find);
    // What the last call missed.
    std::string missing() const;
    std::size_t size() const { return names_.size(); }

  private:
    std::vector<api::WhipTrackName> names_;
    std::vector<api::WhipTrackName> missing_;
};

}  // namespace confab::control
