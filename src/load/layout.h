// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which tracks a subscriber shows, and how large: all audio, and as many videos as its layout has
// places (05 C.4). Who has a place keeps it until it leaves. In the speaker layout one picture is
// large: that of the newest speaker that is shown.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "load/options.h"

namespace confab::load {

std::size_t slots(Layout layout);

struct Size {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    bool operator==(const Size&) const = default;
};

// A track of somebody else in the room.
struct OfferedTrack {
    std::string sid;
    std::string participant_sid;
    bool video = false;
};

class Watching {
  public:
    explicit Watching(Layout layout) : layout_(layout) {}

    // What has to be said to the server after the room has changed.
    struct Changes {
        std::vector<std::string> subscribe;
        std::map<std::string, Size> sizes;  // of videos, by track sid
        bool empty() const { return subscribe.empty() && sizes.empty(); }
    };
    Changes offered(const std::vector<OfferedTrack>& tracks);
    Changes speaks(const std::string& participant_sid);

    std::size_t wanted() const { return audio_.size() + shown_.size(); }
    Size size_of(const std::string& track_sid) const;

  private:
    struct Shown {
        OfferedTrack track;
        Size size;
    };
    void resize(Changes& changes);

    Layout layout_;
    std::set<std::string> audio_;
    std::vector<Shown> shown_;
    std::string speaker_;  // participant sid
};

}  // namespace confab::load
