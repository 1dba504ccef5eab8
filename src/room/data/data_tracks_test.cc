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

}  // namespace confab::room
