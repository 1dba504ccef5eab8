// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The offering side as bytes: a client is offered the same by one that stays and by one that moves
// all the time (07 SIO-11, TST7-04).
#include "base/state/state.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/rng.h"
#include "base/state/hand_over_testing.h"
#include "rtc/sdp/negotiator.h"
#include "rtc/sdp/offer/offers_testing.h"
#include "rtc/sdp/state_fields.h"

namespace confab::sdp {
namespace {

using namespace testing;

constexpr Timestamp kNow = Timestamp::micros(5'000'000);

OffererConfig config(std::uint64_t session_id = 7) {
    OffererConfig out;
    out.codecs = default_codecs();
    out.session_id = session_id;
    out.session_version = session_id;
    return out;
}

struct Twins {
    void move() { hand_over(moves, Offerer(config(99)), kNow); }
    void offer() {
        const Offer one = stays.make_offer(local_transport());
        const Offer other = moves.make_offer(local_transport());
        CHECK(one.sdp == other.sdp);
        CHECK(one.mid_to_track_id == other.mid_to_track_id);
        offered = one.sdp;
    }
    void answer(Rng& rng) {
        Description answer = accept(parse(offered).value());
        for (MediaSection& section : answer.sections) {
            if (!section.is_rtp() || section.codecs.size() < 2) continue;
            if (rng.below(4) == 0) section.codecs.erase(section.codecs.begin());
            if (rng.below(20) == 0) section.port = 0;
        }
        const auto one = stays.apply_answer(write(answer));
        const auto other = moves.apply_answer(write(answer));
        REQUIRE(one.has_value() == other.has_value());
        if (!one) return;
        CHECK(one->bound == other->bound);
        CHECK(one->remote.local_setup == other->remote.local_setup);
        bound += one->bound.size();
    }
    void check() const {
        CHECK(stays.needs_offer() == moves.needs_offer());
        CHECK(stays.has_outstanding_offer() == moves.has_outstanding_offer());
    }

    Offerer stays{config()};
    Offerer moves{config()};
    std::string offered;
    std::size_t bound = 0;
};

void step(Twins& twins, Rng& rng) {
    const std::uint64_t id = 1 + rng.below(8);
    switch (rng.below(5)) {
        case 0:
            for (Offerer* one : {&twins.stays, &twins.moves})
                one->add_sender(sender(id, id % 2 == 0 ? Kind::kAudio : Kind::kVideo));
            break;
        case 1:
            for (Offerer* one : {&twins.stays, &twins.moves})
                one->remove_sender(id);
            break;
        case 2:
            if (twins.stays.has_outstanding_offer()) twins.answer(rng);
            break;
        default:
            twins.offer();
    }
    twins.check();
    if (rng.below(3) == 0) twins.move();
}

struct Forged {
    struct Section {
        Kind kind = Kind::kAudio;
        std::string mid = "0";
        std::optional<std::uint64_t> sender = {};
    };
    std::vector<Section> sections;
    std::vector<Sender> senders;
    bool outstanding = false;
    std::size_t offered = 0;

    bool taken() const {
        StateWriter out(kNow);
        out.field(1, 1U);
        out.list(4, sections, 0, [](StateWriter& inner, const Section& section) {
            inner.choice(1, section.kind, Kind::kApplication);
            inner.field(2, section.mid, 0);
            inner.field(4, section.sender);
        });
        sender_list(out, 5, senders);
        out.field(7, outstanding);
        out.field(8, offered);
        Offerer offerer(config());
        return import_state(offerer, out.view(), kNow);
    }
};

}  // namespace

TEST_CASE("Offerer state: one that moves all the time offers the same [SIO-11] [MC-20]") {
    std::size_t bound = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        CAPTURE(seed);
        Twins twins;
        Rng rng(seed);
        for (int i = 0; i < 60; ++i)
            step(twins, rng);
        bound += twins.bound;
    }
    CHECK(bound > 1000);
}

TEST_CASE("Offerer state: cut off anywhere it is refused or whole, and never more [SIO-11]") {
    Twins twins;
    Rng rng(3);
    for (int i = 0; i < 40; ++i)
        step(twins, rng);
    const Bytes state = export_state(twins.moves, kNow);
    REQUIRE(state.size() > 500);
    std::size_t taken = 0;
    for (std::size_t size = 0; size < state.size(); ++size) {
        Offerer offerer(config());
        taken += import_state(offerer, BytesView(state).first(size), kNow) ? 1U : 0U;
    }
    CHECK(taken < 60);
}

TEST_CASE("Offerer state: what can not be is refused [SIO-11]") {
    const Sender alice = sender(1, Kind::kAudio);
    CHECK(Forged{}.taken());
    CHECK(Forged{{{}, {Kind::kApplication, "1"}}, {}, true, 2}.taken());
    CHECK(Forged{{{Kind::kAudio, "0", 1}}, {alice}}.taken());
    // Sections are numbered.
    CHECK_FALSE(Forged{{{}, {}}, {}}.taken());
    CHECK_FALSE(Forged{{{Kind::kAudio, "1"}}, {}}.taken());
    // One data section, and nothing is sent on it.
    CHECK_FALSE(Forged{{{Kind::kApplication, "0"}, {Kind::kApplication, "1"}}, {}}.taken());
    CHECK_FALSE(Forged{{{Kind::kApplication, "0", 1}}, {alice}}.taken());
    // A sender that is not there, is there twice, is of another kind.
    CHECK_FALSE(Forged{{{Kind::kAudio, "0", 2}}, {alice}}.taken());
    CHECK_FALSE(Forged{{}, {alice, alice}}.taken());
    CHECK_FALSE(Forged{{{Kind::kVideo, "0", 1}}, {alice}}.taken());
    // More was offered than there is.
    CHECK_FALSE(Forged{{{}}, {}, true, 2}.taken());
}

}  // namespace confab::sdp
