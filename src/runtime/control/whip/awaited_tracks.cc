// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/whip/awaited_tracks.h"

#include <utility>

namespace confab::control {

void AwaitedTracks::drop_those_there(Wait& wait) const {
    std::erase_if(wait.missing, [&](const auto& name) { return is_there_(wait.room, name); });
}

void AwaitedTracks::wait(const std::string& room, std::vector<api::WhipTrackName> names,
                         Done done) {
    Wait wait{room, std::move(names), std::move(done), net::EventLoop::now() + patience_};
    drop_those_there(wait);
    if (wait.missing.empty()) return wait.done({});
    waits_.push_back(std::move(wait));
    if (waits_.size() == 1) timer_.set(net::EventLoop::now() + kLookEvery, [this] { look(); });
}

void AwaitedTracks::look() {
    const Timestamp now = net::EventLoop::now();
    // A reply may make further requests wait: they are looked at next time.
    std::list<Wait> over;
    for (auto at = waits_.begin(); at != waits_.end();) {
        drop_those_there(*at);
        const auto next = std::next(at);
        if (at->missing.empty() || now >= at->until) over.splice(over.end(), waits_, at);
        at = next;
    }
    if (!waits_.empty()) timer_.set(now + kLookEvery, [this] { look(); });
    for (Wait& wait : over)
        wait.done(std::move(wait.missing));
}

}  // namespace confab::control
