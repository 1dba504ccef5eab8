// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/data/data_tracks.h"

#include <doctest/doctest.h>

#include <string>

namespace confab::room {
namespace {

using Response = livekit::RequestResponse;

struct Publisher {
    // The reason of the refusal; OK: there is none.
    Response::Reason publish(const livekit::PublishDataTrackRequest& request) {
        const auto refusal = tracks.publish(request, 0, rng);
        return refusal ? refusal->reason : Response::OK;
    }
    Rng rng{3};
    PublishedDataTracks tracks;
};

livekit::PublishDataTrackRequest request_of(std::size_t handle, const std::string& name) {
    livekit::PublishDataTrackRequest request;
    request.set_pub_handle(static_cast<std::uint32_t>(handle));
    request.set_name(name);
    return request;
}

}  // namespace

TEST_CASE(
    "PublishedDataTracks: kMaxTracks of one participant, one that ends makes room [SIG-125]") {
    Publisher p;
    for (std::size_t i = 1; i <= PublishedDataTracks::kMaxTracks; ++i)
        REQUIRE(p.publish(request_of(i, "track " + std::to_string(i))) == Response::OK);
    const auto more = request_of(PublishedDataTracks::kMaxTracks + 1, "more");
    CHECK(p.publish(more) == Response::LIMIT_EXCEEDED);
    CHECK(p.tracks.unpublish(7));
    CHECK(p.publish(more) == Response::OK);
}

TEST_CASE("PublishedDataTracks: names and requests have their bounds [SIG-125] [IMM-13]") {
    Publisher p;
    CHECK(p.publish(request_of(1, std::string(257, 'n'))) == Response::INVALID_NAME);
    CHECK(p.publish(request_of(1, std::string(256, 'n'))) == Response::OK);
    constexpr std::size_t kMost = PublishedDataTracks::kMaxRequestBytes;
    auto large = request_of(2, "large");
    large.mutable_frame_encoding()->set_custom(std::string(kMost, 'x'));
    const std::size_t over = large.ByteSizeLong() - kMost;
    for (const std::size_t size : {kMost + 1, kMost}) {
        large.mutable_frame_encoding()->set_custom(std::string(size - over, 'x'));
        REQUIRE(large.ByteSizeLong() == size);
        CHECK(p.publish(large) == (size > kMost ? Response::INVALID_REQUEST : Response::OK));
    }
}

TEST_CASE("PublishedDataTracks: encodings of frames and schema, named and told whole [SIG-125]") {
    Publisher p;
    constexpr std::size_t kMost = 32;
    const auto reason = [&](const livekit::PublishDataTrackRequest& request) {
        const auto refusal = p.tracks.publish(request, kMost, p.rng);
        return refusal ? refusal->reason : Response::OK;
    };
    for (const std::size_t size : {std::size_t{0}, kMost, kMost + 1}) {
        const auto expected = size == kMost ? Response::OK : Response::INVALID_REQUEST;
        auto frames = request_of(size + 1, "frames " + std::to_string(size));
        frames.mutable_frame_encoding()->set_custom(std::string(size, 'x'));
        CHECK(reason(frames) == expected);
        auto schema = request_of(size + 100, "schema " + std::to_string(size));
        schema.mutable_schema()->mutable_encoding()->set_custom(std::string(size, 'x'));
        CHECK(reason(schema) == expected);
    }
    using Frames = livekit::DataTrackFrameEncoding;
    using Schemas = livekit::DataTrackSchemaEncoding;
    auto known = request_of(7, "known");
    known.mutable_frame_encoding()->set_well_known(Frames::WELL_KNOWN_FRAME_ENCODING_CDR);
    known.mutable_schema()->set_name("pose");
    known.mutable_schema()->mutable_encoding()->set_well_known(
        Schemas::WELL_KNOWN_SCHEMA_ENCODING_OMG_IDL);
    known.set_encryption(livekit::Encryption::GCM);
    REQUIRE(reason(known) == Response::OK);
    const livekit::DataTrackInfo& info = *p.tracks.find(7);
    CHECK(info.frame_encoding().SerializeAsString() == known.frame_encoding().SerializeAsString());
    CHECK(info.schema().SerializeAsString() == known.schema().SerializeAsString());
    CHECK(info.encryption() == livekit::Encryption::GCM);
}

TEST_CASE("DataSubscriptions: a rate is of a wanted track, and goes with the wish [DT-05]") {
    DataSubscriptions subscriptions(1);
    CHECK_FALSE(subscriptions.set_target_fps("DTR_1", 10));
    CHECK(subscriptions.target_fps("DTR_1") == 0);
    REQUIRE(subscriptions.want("DTR_1"));
    CHECK(subscriptions.set_target_fps("DTR_1", 10));
    CHECK_FALSE(subscriptions.set_target_fps("DTR_1", 10));
    CHECK(subscriptions.target_fps("DTR_1") == 10);
    subscriptions.unwant("DTR_1");
    CHECK(subscriptions.target_fps("DTR_1") == 0);
    CHECK_FALSE(subscriptions.set_target_fps("DTR_1", 10));
}

TEST_CASE("DataSubscriptions: kMaxWanted tracks are wanted, of sids of bounded size [IMM-15]") {
    DataSubscriptions subscriptions(1);
    for (std::size_t i = 0; i < DataSubscriptions::kMaxWanted; ++i)
        REQUIRE(subscriptions.want("DTR_" + std::to_string(i)));
    CHECK_FALSE(subscriptions.want("DTR_more"));
    subscriptions.want_by_default("DTR_more");
    CHECK_FALSE(subscriptions.wants("DTR_more"));
    CHECK(subscriptions.want("DTR_0"));  // known
    (void)subscriptions.forget("DTR_0");
    CHECK_FALSE(subscriptions.want(std::string(DataSubscriptions::kMaxSidBytes + 1, 'x')));
    CHECK(subscriptions.want(std::string(DataSubscriptions::kMaxSidBytes, 'x')));
}

TEST_CASE("DataSubscriptions: a handle in use is given to no other track [SIG-126]") {
    DataSubscriptions subscriptions(0xFFFE);
    REQUIRE(subscriptions.want("DTR_kept"));
    REQUIRE(subscriptions.attach("DTR_kept", "ann", "PA_a"));
    REQUIRE(subscriptions.handle("DTR_kept") == 0xFFFE);
    for (int i = 0; i < 0xFFFD; ++i) {
        REQUIRE(subscriptions.want("DTR_new"));
        REQUIRE(subscriptions.attach("DTR_new", "bob", "PA_b"));
        CHECK(subscriptions.handle("DTR_new") != 0);
        CHECK(subscriptions.forget("DTR_new"));
    }
    for (const char* sid : {"DTR_last", "DTR_around"}) {
        REQUIRE(subscriptions.want(sid));
        REQUIRE(subscriptions.attach(sid, "bob", "PA_b"));
    }
    CHECK(subscriptions.message().sub_handles().size() == 3);
    CHECK(subscriptions.handle("DTR_kept") == 0xFFFE);
}

TEST_CASE("DataSubscriptions: a full table forgets what is not there [IMM-15] [SIG-126]") {
    DataSubscriptions subscriptions(1);
    const std::map<std::string, int> tracks{{"DTR_here", 1}, {"DTR_other", 2}};
    REQUIRE(subscriptions.want("DTR_here"));
    REQUIRE(subscriptions.want("DTR_gone"));
    subscriptions.make_place(tracks);
    CHECK(subscriptions.wants("DTR_gone"));  // there is place, and it may be to come
    for (std::size_t i = 2; i < DataSubscriptions::kMaxWanted; ++i)
        REQUIRE(subscriptions.want("DTR_" + std::to_string(i)));
    CHECK_FALSE(subscriptions.want("DTR_other"));
    subscriptions.make_place(tracks);
    CHECK(subscriptions.want("DTR_other"));
    CHECK(subscriptions.wants("DTR_here"));
    CHECK_FALSE(subscriptions.wants("DTR_gone"));
}

TEST_CASE("Data tracks: errors of publishing, handles of subscribing [SIG-125] [SIG-126] [DT-01]") {
    Rng rng(3);
    PublishedDataTracks tracks;
    livekit::PublishDataTrackRequest request;
    const auto reason = [&] { return tracks.publish(request, 32, rng)->reason; };
    CHECK(reason() == livekit::RequestResponse::INVALID_HANDLE);
    request.set_pub_handle(65'536);
    CHECK(reason() == livekit::RequestResponse::INVALID_HANDLE);
    request.set_pub_handle(9);
    CHECK(reason() == livekit::RequestResponse::INVALID_NAME);
    request.set_name("pose");
    request.mutable_frame_encoding()->set_custom(std::string(33, 'x'));
    CHECK(reason() == livekit::RequestResponse::INVALID_REQUEST);
    request.clear_frame_encoding();
    CHECK_FALSE(tracks.publish(request, 32, rng));
    CHECK(reason() == livekit::RequestResponse::DUPLICATE_HANDLE);
    request.set_pub_handle(10);
    CHECK(reason() == livekit::RequestResponse::DUPLICATE_NAME);
    const std::string sid = tracks.find(9)->sid();
    CHECK(sid.starts_with("DTR_"));

    DataSubscriptions subscriptions(255);
    CHECK(subscriptions.want(sid));
    CHECK(subscriptions.attach(sid, "alice", "PA_a"));
    CHECK_FALSE(subscriptions.attach(sid, "alice", "PA_a"));
    CHECK(subscriptions.handle(sid) == 255);
    CHECK(subscriptions.message().sub_handles().at(255).publisher_identity() == "alice");
    CHECK(subscriptions.detach(sid));
    CHECK(subscriptions.message().sub_handles().empty());
}

}  // namespace confab::room
