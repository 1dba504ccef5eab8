// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/data_tracks.h"

#include <doctest/doctest.h>

namespace confab::client {
namespace {

livekit::DataTrackInfo info_of(std::uint32_t handle, const char* sid, const char* name) {
    livekit::DataTrackInfo info;
    info.set_pub_handle(handle);
    info.set_sid(sid);
    info.set_name(name);
    return info;
}

livekit::RequestResponse refusal(std::uint32_t handle, livekit::RequestResponse::Reason reason) {
    livekit::RequestResponse response;
    response.set_reason(reason);
    response.mutable_publish_data_track()->set_pub_handle(handle);
    return response;
}

TEST_CASE("DataTracks: a handle is one track, and kMaxPublished of them [SIG-125]") {
    DataTracks tracks;
    const auto request = tracks.publish(1, "depth");
    REQUIRE(request.has_value());
    CHECK(request->publish_data_track_request().pub_handle() == 1);
    CHECK(request->publish_data_track_request().name() == "depth");
    CHECK_FALSE(tracks.publish(1, "again").has_value());
    CHECK_FALSE(tracks.publish(0, "none").has_value());
    for (std::uint16_t handle = 2; handle <= DataTracks::kMaxPublished; ++handle)
        CHECK(tracks.publish(handle, "more").has_value());
    CHECK_FALSE(tracks.publish(9'999, "too many").has_value());
}

TEST_CASE("DataTracks: frames carry handle, sequence and frame number once there is a sid") {
    DataTracks tracks;
    (void)tracks.publish(0x0102, "depth");
    const Bytes payload{7, 8};
    CHECK_FALSE(tracks.frame(0x0102, 5, payload).has_value());
    tracks.take_published(info_of(0x0102, "DTR_a", "depth"));
    CHECK(tracks.frame(0x0102, 5, payload) == Bytes{0x18, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 5, 7, 8});
    CHECK(tracks.frame(0x0102, 0x01020304, payload) ==
          Bytes{0x18, 0, 1, 2, 0, 1, 0, 1, 1, 2, 3, 4, 7, 8});
    CHECK_FALSE(tracks.frame(3, 5, payload).has_value());
}

TEST_CASE("DataTracks: what comes belongs to the track of its present handle [SIG-126]") {
    DataTracks tracks;
    const Bytes packet{0x18, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0};
    CHECK(tracks.track_of(packet).empty());
    livekit::DataTrackSubscriberHandles handles;
    (*handles.mutable_sub_handles())[9].set_track_sid("DTR_b");
    tracks.take_handles(handles);
    CHECK(tracks.track_of(packet) == "DTR_b");
    CHECK(tracks.track_of(BytesView(packet).first(11)).empty());
    // The message is the whole map.
    tracks.take_handles({});
    CHECK(tracks.track_of(packet).empty());
    CHECK(tracks.handles().empty());
}

TEST_CASE("DataTracks: what has no answer is said again, what has one is not") {
    DataTracks tracks;
    (void)tracks.publish(1, "a");
    (void)tracks.publish(2, "b");
    (void)tracks.publish(3, "c");
    tracks.take_published(info_of(1, "DTR_a", "a"));
    (void)tracks.unpublish(3);
    (void)tracks.want({"DTR_x", "DTR_y"}, true);
    (void)tracks.want({"DTR_y"}, false);
    const auto requests = tracks.renew();
    REQUIRE(requests.size() == 3);
    CHECK(requests[0].unpublish_data_track_request().pub_handle() == 3);
    CHECK(requests[1].publish_data_track_request().pub_handle() == 2);
    const auto& wishes = requests[2].update_data_subscription();
    REQUIRE(wishes.updates_size() == 2);
    CHECK(wishes.updates(0).subscribe());
    CHECK_FALSE(wishes.updates(1).subscribe());
    REQUIRE(tracks.named().size() == 1);
    CHECK(tracks.named()[0].sid() == "DTR_a");
    tracks.take_unpublished(info_of(3, "DTR_c", "c"));
    CHECK(tracks.renew().size() == 2);
}

TEST_CASE("DataTracks: what the server says of us names tracks and ends them [TOK-13]") {
    DataTracks tracks;
    (void)tracks.publish(1, "a");
    (void)tracks.publish(2, "b");
    (void)tracks.publish(3, "c");
    tracks.take_published(info_of(1, "DTR_a", "a"));
    livekit::ParticipantInfo self;
    *self.add_data_tracks() = info_of(2, "DTR_b", "b");
    *self.add_data_tracks() = info_of(3, "DTR_other", "another name");
    tracks.take_self(self);
    CHECK_FALSE(tracks.publishes(1));  // its right was taken
    CHECK(tracks.sid(2) == "DTR_b");   // the answer was lost
    CHECK(tracks.sid(3).empty());      // not this one
    CHECK(tracks.publishes(3));
}

TEST_CASE("DataTracks: a refusal ends it, a duplicate is there already [SIG-125]") {
    using Response = livekit::RequestResponse;
    DataTracks tracks;
    (void)tracks.publish(1, "a");
    (void)tracks.publish(2, "b");
    tracks.take_refused(refusal(1, Response::NOT_ALLOWED));
    tracks.take_refused(refusal(2, Response::DUPLICATE_HANDLE));
    CHECK_FALSE(tracks.publishes(1));
    CHECK(tracks.publishes(2));
    (void)tracks.unpublish(2);
    Response unknown;
    unknown.set_reason(Response::NOT_FOUND);
    unknown.mutable_unpublish_data_track()->set_pub_handle(2);
    tracks.take_refused(unknown);
    CHECK(tracks.renew().empty());
}

TEST_CASE("DataTracks: answers for other handles, or of another sid, change nothing [SIG-125]") {
    using Response = livekit::RequestResponse;
    DataTracks tracks;
    (void)tracks.publish(1, "depth");
    tracks.take_published(info_of(2, "DTR_x", "depth"));
    CHECK(tracks.sid(1).empty());
    CHECK(tracks.sid(2).empty());
    tracks.take_refused(refusal(2, Response::NOT_ALLOWED));
    tracks.take_unpublished(info_of(2, "DTR_x", "depth"));
    tracks.take_published(info_of(1, "DTR_a", "depth"));
    // What has a sid is refused no more, and ends by that sid alone.
    tracks.take_refused(refusal(1, Response::NOT_ALLOWED));
    tracks.take_unpublished(info_of(1, "DTR_old", "depth"));
    CHECK(tracks.sid(1) == "DTR_a");
    CHECK(tracks.named().size() == 1);
    tracks.take_unpublished(info_of(1, "DTR_a", "depth"));
    CHECK(tracks.named().empty());
    CHECK_FALSE(tracks.frame(1, 0, Bytes{1}).has_value());
}

TEST_CASE(
    "DataTracks: a refusal of its end is an end; a handle used again is not ended [SIG-125]") {
    DataTracks tracks;
    (void)tracks.publish(1, "a");
    (void)tracks.publish(2, "b");
    (void)tracks.unpublish(1);
    (void)tracks.unpublish(2);
    CHECK(tracks.renew().size() == 2);
    livekit::RequestResponse gone;
    gone.set_reason(livekit::RequestResponse::NOT_FOUND);
    gone.mutable_unpublish_data_track()->set_pub_handle(1);
    tracks.take_refused(gone);
    CHECK(tracks.renew().size() == 1);
    REQUIRE(tracks.publish(2, "anew").has_value());
    const auto requests = tracks.renew();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].publish_data_track_request().name() == "anew");
}

TEST_CASE("DataTracks: wishes and handles have an end; a known wish may change [IMM-13]") {
    DataTracks tracks;
    std::vector<std::string> sids;
    sids.reserve(DataTracks::kMaxWanted + 1);
    for (std::size_t i = 0; i < DataTracks::kMaxWanted + 1; ++i)
        sids.push_back("DTR_" + std::to_string(i));
    const auto asked = tracks.want(sids, true);
    CHECK(asked.update_data_subscription().updates_size() == DataTracks::kMaxWanted);
    const auto changed = tracks.want({sids.front(), sids.back()}, false);
    REQUIRE(changed.update_data_subscription().updates_size() == 1);
    CHECK(changed.update_data_subscription().updates(0).track_sid() == sids.front());
    CHECK_FALSE(changed.update_data_subscription().updates(0).subscribe());
    // With nothing to say it is a request of that kind all the same.
    CHECK(tracks.want({sids.back()}, true).has_update_data_subscription());
    livekit::DataTrackSubscriberHandles handles;
    for (std::uint32_t i = 1; i <= DataTracks::kMaxWanted + 1; ++i)
        (*handles.mutable_sub_handles())[i].set_track_sid("DTR_x");
    tracks.take_handles(handles);
    CHECK(tracks.handles().size() == DataTracks::kMaxWanted);
}

}  // namespace
}  // namespace confab::client
