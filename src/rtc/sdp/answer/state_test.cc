// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The answering side as bytes: a client's offers are answered twice, once by one that moves all the
// time, and come to the same (07 SIO-11, TST7-04).
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

AnswererConfig config(bool single) {
    AnswererConfig out;
    out.publish_codecs = default_codecs();
    out.subscribe_codecs = default_codecs();
    out.single = single;
    out.session_id = 42;
    out.session_version = 1000;
    return out;
}

// Another owner's: what is not a setting comes by the state.
AnswererConfig elsewhere(bool single) {
    AnswererConfig out = config(single);
    out.session_id = 43;
    out.session_version = 1;
    return out;
}

// A client that changes its mind about everything, by a seed.
class Client {
  public:
    explicit Client(std::uint64_t seed) : rng_(seed) {}

    void change() {
        const std::size_t i = rng_.below(sections_.size() + 1);
        if (i == sections_.size()) {
            add();
        } else if (rng_.below(6) == 0) {
            turn_off(sections_[i]);
        } else if (sections_[i].is_rtp() && !sections_[i].rejected()) {
            turn(sections_[i]);
        }
        if (rng_.below(8) == 0) ufrag_ = "remote" + std::to_string(rng_.below(100));
    }
    std::string offer() const {
        Description offer = offer_of(sections_, ufrag_);
        return write(offer);
    }
    std::vector<PendingTrack> announced() {
        std::vector<PendingTrack> result;
        for (std::uint64_t n = rng_.below(3); n > 0; --n) {
            const bool video = rng_.below(2) == 0;
            const std::string cid = "t" + std::to_string(rng_.below(sections_.size() + 1));
            result.push_back(pending(cid, video ? Kind::kVideo : Kind::kAudio,
                                     {video ? "video/vp8" : "audio/opus"}));
            result.back().codec_cids = {cid};
            result.back().stereo = rng_.below(2) == 0;
        }
        return result;
    }
    Rng& rng() { return rng_; }

  private:
    void add() {
        if (sections_.size() >= 12) return;
        const std::string mid = std::to_string(sections_.size());
        sections_.push_back(rng_.below(8) == 0 ? data(mid) : media(mid));
    }
    MediaSection media(const std::string& mid) {
        const auto direction = static_cast<Direction>(rng_.below(4));
        const std::string track = sends(direction) ? "t" + mid : "";
        return rng_.below(2) == 0 ? audio(mid, direction, track) : video(mid, direction, track);
    }
    void turn(MediaSection& section) {
        section.direction = static_cast<Direction>(rng_.below(4));
        section.msid.reset();
        if (sends(section.direction)) section.msid = Msid{"s", "t" + std::to_string(rng_.below(9))};
    }
    // One that is off comes back as any other.
    void turn_off(MediaSection& section) {
        if (section.rejected()) {
            section = media(section.mid + "r");
            return;
        }
        section.port = 0;
        section.direction = Direction::kInactive;
    }

    Rng rng_;
    std::vector<MediaSection> sections_;
    std::string ufrag_ = "remote";
};

struct Twins {
    explicit Twins(bool is_single)
        : single(is_single), stays(config(single)), moves(stays_copy()) {}
    Answerer stays_copy() const { return Answerer(config(single)); }
    void move() { hand_over(moves, Answerer(elsewhere(single)), kNow); }

    void answer(const std::string& offer, const std::vector<PendingTrack>& announced) {
        const auto one = stays.answer(offer, announced, local_transport());
        const auto other = moves.answer(offer, announced, local_transport());
        REQUIRE(one.has_value() == other.has_value());
        if (!one) {
            CHECK(one.error() == other.error());
            return;
        }
        ++answers;
        CHECK(one->sdp == other->sdp);
        CHECK(one->publish == other->publish);
        CHECK(one->ended_mids == other->ended_mids);
        CHECK(one->bound == other->bound);
        CHECK(one->mid_to_track_id == other->mid_to_track_id);
        CHECK(one->remote.local_setup == other->remote.local_setup);
        published += one->publish.size();
        bound += one->bound.size();
    }
    void check_missing() const {
        CHECK(stays.missing().audio == moves.missing().audio);
        CHECK(stays.missing().video == moves.missing().video);
    }

    bool single;
    Answerer stays;
    Answerer moves;
    std::size_t answers = 0;
    std::size_t published = 0;
    std::size_t bound = 0;
};

void step(Twins& twins, Client& client) {
    Rng& rng = client.rng();
    const std::uint64_t id = 1 + rng.below(6);
    switch (rng.below(6)) {
        case 0:
            for (Answerer* one : {&twins.stays, &twins.moves})
                one->add_sender(sender(id, id % 2 == 0 ? Kind::kAudio : Kind::kVideo));
            break;
        case 1:
            for (Answerer* one : {&twins.stays, &twins.moves})
                one->remove_sender(id);
            break;
        case 2: {
            const auto late = client.announced();
            CHECK(twins.stays.match_late(late) == twins.moves.match_late(late));
            break;
        }
        default:
            client.change();
            twins.answer(client.offer(), client.announced());
    }
    twins.check_missing();
    if (rng.below(3) == 0) twins.move();
}

// A state of sections, senders and a role as bytes, however wrong.
struct Forged {
    struct Section {
        std::string mid = "0";
        bool sending = false;
        bool matched = false;
        std::optional<std::uint64_t> sender = {};
        Direction offered = Direction::kRecvOnly;
    };
    std::vector<Section> sections;
    std::vector<Sender> senders;
    std::optional<Setup> role = Setup::kPassive;
    std::uint32_t version = 1;

    Bytes bytes() const {
        StateWriter out(kNow);
        out.field(1, version);
        out.list(4, sections, 0, [](StateWriter& inner, const Section& section) {
            inner.choice(1, Kind::kAudio, Kind::kOther);
            inner.field(2, section.mid, 0);
            inner.choice(4, section.offered, Direction::kInactive);
            inner.field(5, section.sending);
            inner.field(6, section.matched);
            inner.field(8, section.sender);
            inner.field(9, section.sender.has_value());
        });
        sender_list(out, 5, senders);
        out.maybe(6, role, [](StateWriter& inner, const Setup& setup) {
            inner.choice(1, setup, Setup::kPassive);
        });
        return out.take();
    }
    bool taken() const {
        Answerer answerer(config(true));
        return import_state(answerer, bytes(), kNow);
    }
};

}  // namespace

TEST_CASE("Answerer state: one that moves all the time answers the same [SIO-11] [MC-20]") {
    std::size_t published = 0;
    std::size_t bound = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        CAPTURE(seed);
        Twins twins(seed % 2 == 0);
        Client client(seed);
        for (int i = 0; i < 40; ++i)
            step(twins, client);
        published += twins.published;
        bound += twins.bound;
        CHECK(twins.answers > 5);
    }
    CHECK(published > 100);
    CHECK(bound > 100);
}

TEST_CASE("Answerer state: cut off anywhere it is refused or whole, and never more [SIO-11]") {
    Twins twins(true);
    Client client(4);
    for (int i = 0; i < 30; ++i)
        step(twins, client);
    const Bytes state = export_state(twins.moves, kNow);
    REQUIRE(state.size() > 500);
    std::size_t taken = 0;
    for (std::size_t size = 0; size < state.size(); ++size) {
        Answerer answerer(elsewhere(true));
        taken += import_state(answerer, BytesView(state).first(size), kNow) ? 1U : 0U;
    }
    // Between two fields the bytes are those of a state with fewer of them.
    CHECK(taken < 40);
}

TEST_CASE("Answerer state: what can not be is refused [SIO-11]") {
    const Sender alice = sender(1, Kind::kAudio);
    CHECK(Forged{}.taken());
    CHECK(Forged{{{}, {"1"}}, {}}.taken());
    CHECK(Forged{{{"0", false, false, 1}}, {alice}}.taken());
    // Of a newer program.
    CHECK_FALSE(Forged{{}, {}, Setup::kPassive, 2}.taken());
    CHECK_FALSE(Forged{{}, {}, Setup::kPassive, 0}.taken());
    // Two of one name, or none.
    CHECK_FALSE(Forged{{{}, {}}, {}}.taken());
    CHECK_FALSE(Forged{{{""}}, {}}.taken());
    // A track that is not there, and one on a section that does not send.
    CHECK_FALSE(Forged{{{"0", true, true, {}, Direction::kSendOnly}}, {}}.taken());
    CHECK_FALSE(Forged{{{"0", true}}, {}}.taken());
    // A sender that is not there, twice there, of another kind, on two sections.
    CHECK_FALSE(Forged{{{"0", false, false, 1}}, {}}.taken());
    CHECK_FALSE(Forged{{}, {alice, alice}}.taken());
    CHECK_FALSE(Forged{{{"0", false, false, 1}}, {sender(1, Kind::kVideo)}}.taken());
    CHECK_FALSE(Forged{{{"0", false, false, 1}, {"1", false, false, 1}}, {alice}}.taken());
    // Answered, by no role.
    CHECK_FALSE(Forged{{{}}, {}, std::nullopt}.taken());
    CHECK_FALSE(Forged{{{}}, {}, Setup::kActPass}.taken());
}

TEST_CASE("Answerer state: as many sections as a description has, and no more [SIO-11]") {
    Forged forged;
    for (std::size_t i = 0; i < kMaxSections; ++i)
        forged.sections.push_back({std::to_string(i)});
    CHECK(forged.taken());
    forged.sections.push_back({"more"});
    CHECK_FALSE(forged.taken());
}

}  // namespace confab::sdp
