// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Everybody in a room as a join lists them (other_participants), encoded in pages. A join of many
// costs what has changed since the last one: pages are kept until somebody in them changes, and are
// the same objects in every join response, so that the driver compresses each once. Participants
// stand in the order in which they came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "room/participant/participant.h"
#include "room/scope/types.h"

namespace confab::room {

class RosterPages {
  public:
    // A page is made anew for each change in it; of small pages there are more to send.
    static constexpr std::size_t kMaxOnPage = 16;

    // It came, or others see it otherwise now; who is hidden stands on no page.
    void changed(Participant& p);
    void remove(const Participant& p);
    // All pages, on which `reader` is left out; shown(participant) is one entry.
    template <typename Shown>
    std::vector<EncodedOthers> list(const Participant& reader, Shown&& shown);
    std::size_t size() const { return pages_.size(); }

  private:
    struct Page {
        std::vector<Participant*> members;
        EncodedOthers encoded;  // nothing: to be made
    };
    using Place = std::list<Page>::iterator;

    void join_next(Place page);
    template <typename Shown>
    static EncodedOthers encode(const Page& page, const Participant* reader, Shown& shown);

    std::list<Page> pages_;
    std::map<std::uint64_t, Place> places_;  // by the number of a participant
};

template <typename Shown>
std::vector<EncodedOthers> RosterPages::list(const Participant& reader, Shown&& shown) {
    std::vector<EncodedOthers> result;
    result.reserve(pages_.size());
    const auto own = places_.find(reader.number);
    for (Page& page : pages_) {
        if (own != places_.end() && &page == &*own->second) {
            if (page.members.size() > 1) result.push_back(encode(page, &reader, shown));
            continue;
        }
        if (!page.encoded) page.encoded = encode(page, nullptr, shown);
        result.push_back(page.encoded);
    }
    return result;
}

template <typename Shown>
EncodedOthers RosterPages::encode(const Page& page, const Participant* reader, Shown& shown) {
    std::string text;
    for (Participant* member : page.members)
        if (member != reader) text += shown(*member);
    return EncodedOthers(std::move(text));
}

}  // namespace confab::room
