// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What may come once the server has been told: one stream, with its real check, is the audience.

#include "sim/world/truth.h"

#include <doctest/doctest.h>

namespace confab::sim {
namespace {

const std::string kNone;

constexpr ClientId kOwner = 0;
constexpr ClientId kListener = 1;
constexpr ClientId kStranger = 2;
constexpr std::uint32_t kTrack = 7;
constexpr std::uint32_t kDataTrack = 9;
// A change reaches every shard within less.
constexpr std::int64_t kSoon = 100;

Timestamp at(std::int64_t ms) {
    return kRunStart + Duration::millis(ms);
}

Scenario two_rooms() {
    Scenario scenario;
    scenario.clients = 4;
    // The last is the listener too, from elsewhere.
    scenario.people = {
        {"alice", false, 0}, {"bob", false, 0}, {"alice", false, 1}, {"bob", false, 0}};
    return scenario;
}

livekit::ParticipantPermission permission(bool publish, bool subscribe, bool data) {
    livekit::ParticipantPermission permission;
    permission.set_can_publish(publish);
    permission.set_can_subscribe(subscribe);
    permission.set_can_publish_data(data);
    return permission;
}

livekit::SignalRequest access(bool everybody) {
    livekit::SignalRequest request;
    request.mutable_subscription_permission()->set_all_participants(everybody);
    return request;
}

// The owner has published an audio track, which the listener receives, and a data track.
struct Fixture final : Audience {
    Fixture() {
        livekit::SignalResponse published;
        published.mutable_track_published()->set_cid("t" + std::to_string(kTrack));
        published.mutable_track_published()->mutable_track()->set_sid("TR_a");
        truth.note_response(at(0), kOwner, published);
        livekit::SignalResponse data;
        auto& info = *data.mutable_publish_data_track_response()->mutable_info();
        info.set_sid("DTR_a");
        info.set_pub_handle(kDataTrack);
        truth.note_response(at(0), kOwner, data);
    }
    StreamChecker* stream(ClientId to, std::uint32_t track) override {
        return to == kListener && track == kTrack ? &checker : nullptr;
    }
    // Whether content that leaves the server at this time is a fault.
    bool is_forbidden(std::int64_t ms) {
        ++sequence;
        Bytes packet(12 + client::MediaStamp::kSize);
        ByteWriter out(packet);
        out.u8(0x80);
        out.u8(111);
        out.u16(sequence);
        out.u32(std::uint32_t{sequence} * 960);
        out.u32(100);
        client::MediaStamp stamp;
        stamp.track = kTrack;
        stamp.frame = sequence;
        client::write_stamp(out, stamp);
        const std::uint64_t before = report.count();
        checker.sent(at(ms), *wire::peek_rtp(packet), load_be32(packet.data() + 4), report);
        checker.receive(at(ms), *wire::parse_rtp(packet), report);
        return report.count() > before;
    }
    std::string objection(std::int64_t ms, DataKind kind) {
        DataStamp stamp;
        stamp.kind = kind;
        stamp.from = people.number_of(kOwner);
        stamp.track = kind == DataKind::kTrack ? kDataTrack : 0;
        stamp.sent = at(ms - 10);
        return truth.objection(at(ms), people.number_of(kListener), stamp);
    }

    People people{two_rooms()};
    Truth truth{people, *this};
    StreamChecker checker{"bob", {kTrack, client::MediaKind::kAudio, 100, 0, 111, 0}};
    Report report;
    std::uint16_t sequence = 100;
};

TEST_CASE("Truth: nothing of a muted track comes, whoever muted it") {
    Fixture f;
    livekit::SignalRequest mute;
    mute.mutable_mute()->set_sid("TR_a");
    mute.mutable_mute()->set_muted(true);
    CHECK_FALSE(f.is_forbidden(0));
    SUBCASE("its owner") {
        f.truth.note_request(at(1000), kOwner, mute);
    }
    SUBCASE("a service call") {
        f.truth.mute(at(1000), kTrack);
    }
    CHECK(f.truth.is_muted(kTrack));
    CHECK(f.is_forbidden(1000 + kSoon));
    mute.mutable_mute()->set_muted(false);
    f.truth.note_request(at(2000), kOwner, mute);
    CHECK_FALSE(f.truth.is_muted(kTrack));
    CHECK_FALSE(f.is_forbidden(2000));
}

TEST_CASE("Truth: what a subscriber has turned off ends after its wishes are gathered [SUB-01]") {
    Fixture f;
    livekit::SignalRequest request;
    request.mutable_track_setting()->add_track_sids("TR_a");
    request.mutable_track_setting()->set_disabled(true);
    // Others' wishes are theirs.
    f.truth.note_request(at(0), kStranger, request);
    CHECK_FALSE(f.is_forbidden(999));
    f.truth.note_request(at(1000), kListener, request);
    CHECK_FALSE(f.is_forbidden(1600));
    CHECK(f.is_forbidden(1600 + kSoon));
    request.mutable_track_setting()->set_disabled(false);
    f.truth.note_request(at(2000), kListener, request);
    CHECK_FALSE(f.is_forbidden(2000));
}

TEST_CASE(
    "Truth: a track needs its owner's right, its access list and its listener's right [SIG-42]") {
    Fixture f;
    SUBCASE("canPublish of the owner") {
        f.truth.permit(at(1000), kOwner, permission(false, true, true));
        f.truth.standing_changed(at(1000), kOwner);
    }
    SUBCASE("canSubscribe of the listener") {
        f.truth.permit(at(1000), kListener, permission(true, false, true));
        f.truth.standing_changed(at(1000), kListener);
    }
    SUBCASE("the owner's list") {
        f.truth.note_request(at(1000), kOwner, access(false));
    }
    CHECK(f.is_forbidden(1000 + kSoon));
    // New sessions begin with everything.
    f.truth.begin_session(at(2000), kOwner);
    f.truth.begin_session(at(2000), kListener);
    f.truth.stream_began(at(2000), kListener, kTrack);
    CHECK_FALSE(f.is_forbidden(2000 + kSoon));
}

TEST_CASE("Truth: a stream that begins knows what was said before") {
    Fixture f;
    f.truth.mute(at(1000), kTrack);
    f.checker.allow_from(at(1000));
    CHECK_FALSE(f.is_forbidden(1000 + kSoon));
    f.truth.stream_began(at(2000), kListener, kTrack);
    CHECK(f.is_forbidden(2000 + kSoon));
}

TEST_CASE("Truth: rights are those of a person, under whichever of its clients") {
    Fixture f;
    f.truth.permit(at(1000), kListener, permission(false, false, false));
    CHECK_FALSE(f.truth.of(3).may_subscribe);
    CHECK_FALSE(f.truth.of(kListener).may_send_data);
    CHECK(f.truth.of(kOwner).may_publish);
    // Another alice.
    f.truth.permit(at(1000), kStranger, permission(false, false, false));
    CHECK(f.truth.of(kOwner).may_publish);
}

TEST_CASE("Truth: data stays in its room, and needs the right to be sent [TOK-13]") {
    Fixture f;
    CHECK(f.objection(500, DataKind::kReliable) == kNone);
    DataStamp stamp;
    for (const std::uint32_t from : {f.people.number_of(kStranger), 0U, 99U}) {
        CAPTURE(from);
        stamp.from = from;
        CHECK(f.truth.objection(at(500), f.people.number_of(kListener), stamp) != kNone);
    }
    f.truth.permit(at(1000), kOwner, permission(true, true, false));
    CHECK(f.objection(1000 + kSoon, DataKind::kReliable) == "person 1 may not send data");
    CHECK(f.objection(1000 + kSoon, DataKind::kTrack) == "person 1 may not send data");
}

TEST_CASE("Truth: data tracks need the listener's right and wish, and the owner's list [SIG-112]") {
    Fixture f;
    const std::string track = "data track 9 of person 1";
    livekit::SignalRequest wish;
    auto& update = *wish.mutable_update_data_subscription()->add_updates();
    update.set_track_sid("DTR_a");
    CHECK(f.objection(500, DataKind::kTrack) == kNone);
    std::string expected;
    SUBCASE("right") {
        f.truth.permit(at(1000), kListener, permission(true, false, true));
        expected = track + ": may not subscribe";
    }
    SUBCASE("list") {
        f.truth.note_request(at(1000), kOwner, access(false));
        expected = track + ": is not for it";
    }
    SUBCASE("wish") {
        f.truth.note_request(at(1000), kListener, wish);
        expected = track + ": is not wanted";
    }
    CHECK(f.objection(1000 + kSoon, DataKind::kTrack) == expected);
    CHECK(f.objection(1000 + kSoon, DataKind::kReliable) == kNone);
    f.truth.begin_session(at(2000), kOwner);
    f.truth.begin_session(at(2000), kListener);
    CHECK(f.objection(2000 + kSoon, DataKind::kTrack) == kNone);
}

TEST_CASE("Truth: a track has a number once its publisher was told") {
    Fixture f;
    CHECK(f.truth.track_number("TR_a") == kTrack);
    CHECK(f.truth.track_number("TR_b") == 0);
}

}  // namespace
}  // namespace confab::sim
