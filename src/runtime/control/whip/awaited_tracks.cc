// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/whip/awaited_tracks.h"

namespace confab::control {

std::vector<std::string> AwaitedTracks::look(const Find& find) {
    missing_.clear();
    std::vector<std::string> wanted;
    for (const api::WhipTrackName& name : names_) {
        const room::NamedTracks found = find(name);
        if (found.subscribed) continue;
        missing_.push_back(name);
        // One for each name: further ones would take the sections of other names.
        if (!found.sids.empty()) wanted.push_back(found.sids.front());
    }
    return wanted;
}

bool AwaitedTracks::bound(const Find& find) {
    missing_.clear();
    for (const api::WhipTrackName& name : names_)
        if (!find(name).bound) missing_.push_back(name);
    return missing_.empty();
}

std::string AwaitedTracks::missing() const {
    std::string text;
    for (const api::WhipTrackName& name : missing_)
        text.append(text.empty() ? "" : ", ").append(name.identity + "/" + name.track);
    return text;
}

}  // namespace confab::control
