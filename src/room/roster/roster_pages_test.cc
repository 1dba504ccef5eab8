// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/roster/roster_pages.h"

#include <doctest/doctest.h>

#include <set>

#include "base/rng.h"
#include "base/text.h"
#include "room/roster/part_testing.h"

namespace confab::room {
namespace {

struct World : testing::PartWorld {
    std::vector<EncodedOthers> list(const Participant& reader) {
        return roster.pages().list(reader, [&](Participant& p) -> const std::string& {
            ++encoded;
            return p.shown = p.identity() + "," + p.info.metadata() + ";";
        });
    }
    std::string text(const Participant& reader) {
        std::string all;
        for (const EncodedOthers& page : list(reader))
            all += *page;
        return all;
    }
    int encoded = 0;  // entries that a page was made of
};

}  // namespace

TEST_CASE("RosterPages: everybody else in order, as they are now, nobody hidden [SIG-132]") {
    World w;
    Participant& ann = w.join("ann", 1);
    CHECK(w.list(ann).empty());
    Participant& bob = w.join("bob", 2);
    Participant& cleo = w.join("cleo", 3);
    CHECK(w.text(ann) == "bob,;cleo,;");
    CHECK(w.text(cleo) == "ann,;bob,;");
    bob.info.set_metadata("new");
    w.roster.shown_otherwise(bob);
    CHECK(w.text(ann) == "bob,new;cleo,;");
    bob.info.mutable_permission()->set_hidden(true);
    w.roster.shown_otherwise(bob);
    CHECK(w.text(ann) == "cleo,;");
    CHECK(w.text(bob) == "ann,;cleo,;");  // it sees all
    bob.info.mutable_permission()->set_hidden(false);
    w.roster.shown_otherwise(bob);
    CHECK(w.text(ann) == "cleo,;bob,new;");
    w.roster.remove(cleo);
    w.roster.shown_otherwise(cleo);  // told of its end when it is out
    CHECK(w.text(ann) == "bob,new;");
    JoinParams hidden = testing::test_join("r", "ghost");
    hidden.grants.video->hidden = true;
    (void)w.join(hidden, 4);
    CHECK(w.text(ann) == "bob,new;");
}

TEST_CASE("RosterPages: what a join makes anew does not grow with the room [SIG-30]") {
    World w;
    std::vector<Participant*> all;
    for (std::size_t i = 0; i < 1'000; ++i) {
        all.push_back(&w.join("p" + std::to_string(i), i + 1));
        w.encoded = 0;
        const auto pages = w.list(*all.back());
        // Its own page without it, and the one before, when it was filled up by the one before.
        CHECK(w.encoded <= 2 * static_cast<int>(RosterPages::kMaxOnPage));
        CHECK(pages.size() <= i / RosterPages::kMaxOnPage + 1);
    }
    const auto before = w.list(*all.back());
    w.roster.shown_otherwise(*all[100]);
    const auto after = w.list(*all.back());
    REQUIRE(before.size() == after.size());
    std::size_t same = 0;
    for (std::size_t i = 0; i < before.size(); ++i)
        same += static_cast<std::size_t>(before[i] == after[i]);
    CHECK(same == before.size() - 2);  // the reader's own page is made for it
}

TEST_CASE("RosterPages: as a list of all, whoever comes, changes, hides and goes") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        World w;
        Rng rng(seed);
        Participant& reader = w.join("reader", 1);
        std::vector<Participant*> here;
        for (std::uint64_t step = 0; step < 600; ++step) {
            const bool grows = step % 200 < 120;
            const std::uint64_t what = rng.u32() % 10;
            if (here.empty() || what < (grows ? 6 : 2)) {
                here.push_back(&w.join("p" + std::to_string(step), step + 2));
                continue;
            }
            const std::size_t who = rng.u32() % here.size();
            Participant& p = *here[who];
            if (what < 8) {
                w.roster.remove(p);
                here.erase(here.begin() + static_cast<std::ptrdiff_t>(who));
            } else {
                p.info.set_metadata(std::to_string(step));
                p.info.mutable_permission()->set_hidden(what == 8);
                w.roster.shown_otherwise(p);
            }
            if (step % 7 == 0) (void)w.list(reader);
            w.roster.finish_turn([](const Participant&) { return Timestamp::never(); });
        }
        std::multiset<std::string> expected;
        for (const Participant* p : here)
            if (!p->hidden()) expected.insert(p->identity() + "," + p->info.metadata());
        std::multiset<std::string> listed;
        const std::string all = w.text(reader);
        for (const std::string_view entry : split(all, ';'))
            if (!entry.empty()) listed.emplace(entry);
        CHECK(listed == expected);
        CHECK(w.roster.pages().size() <= (expected.size() + 1) / 6 + 1);
    }
}

}  // namespace confab::room
