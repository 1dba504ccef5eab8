// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/tenants/tenant_egress.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace confab::cluster::services {
namespace {

using Request = ::rpc::StartEgressRequest;

std::string kept(const std::string& path) {
    Request request;
    request.mutable_track()->mutable_file()->set_filepath(path);
    CHECK(keep_apart("acme", request).empty());
    return request.track().file().filepath();
}

}  // namespace

TEST_CASE("keep_apart: what goes to the storage of the worker is in the tenant's folder [TEN-03]") {
    CHECK(kept("out/{track_id}.ogg") == "tenant-acme/out/{track_id}.ogg");
    CHECK(kept("") == "tenant-acme/");
    CHECK(kept("out/") == "tenant-acme/out/");
    CHECK(kept("/etc/x") == "tenant-acme/etc/x");
    CHECK(kept("../x") == "tenant-acme/x");
    CHECK(kept("a/./..//../b") == "tenant-acme/a/b");
    CHECK(kept("..") == "tenant-acme/");
    CHECK(kept("a..b/c") == "tenant-acme/a..b/c");
}

TEST_CASE(
    "keep_apart: every output of every kind, but for those to an account of its own [TEN-03]") {
    Request request;
    livekit::RoomCompositeEgressRequest& whole = *request.mutable_room_composite();
    whole.set_room_name("r");
    whole.mutable_file()->set_filepath("old");
    whole.add_file_outputs()->set_filepath("f");
    livekit::EncodedFileOutput& own = *whole.add_file_outputs();
    own.set_filepath("../own");
    own.mutable_s3()->set_access_key("a");
    own.mutable_s3()->set_secret("s");
    livekit::EncodedFileOutput& lent = *whole.add_file_outputs();
    lent.set_filepath("lent");
    lent.mutable_s3()->set_bucket("of the worker's account");
    livekit::SegmentedFileOutput& segments = *whole.add_segment_outputs();
    segments.set_filename_prefix("s");
    segments.set_live_playlist_name("../live.m3u8");
    whole.add_image_outputs()->set_filename_prefix("i");
    CHECK(keep_apart("acme", request).empty());
    CHECK(whole.file().filepath() == "tenant-acme/old");
    CHECK(whole.file_outputs(0).filepath() == "tenant-acme/f");
    CHECK(whole.file_outputs(1).filepath() == "../own");
    CHECK(whole.file_outputs(2).filepath() == "tenant-acme/lent");
    CHECK(segments.filename_prefix() == "tenant-acme/s");
    CHECK(segments.playlist_name().empty());
    CHECK(segments.live_playlist_name() == "tenant-acme/live.m3u8");
    CHECK(whole.image_outputs(0).filename_prefix() == "tenant-acme/i");

    Request old;
    old.mutable_room_composite()->mutable_segments()->set_playlist_name("p");
    CHECK(keep_apart("acme", old).empty());
    CHECK(old.room_composite().segments().playlist_name() == "tenant-acme/p");
    CHECK(old.room_composite().segments().filename_prefix() == "tenant-acme/");
    Request one;
    one.mutable_participant()->add_segment_outputs()->set_filename_prefix("s");
    CHECK(keep_apart("acme", one).empty());
    CHECK(one.participant().segment_outputs(0).filename_prefix() == "tenant-acme/s");
}

TEST_CASE(
    "keep_apart: names that lead elsewhere in a path are refused, where there is one [TEN-03]") {
    Request request;
    livekit::ParticipantEgressRequest& one = *request.mutable_participant();
    one.set_room_name("../../etc");
    one.set_identity("alice");
    CHECK(keep_apart("acme", request).empty());  // it writes nothing
    livekit::EncodedFileOutput& file = *one.add_file_outputs();
    file.set_filepath("{room_name}");
    CHECK_FALSE(keep_apart("acme", request).empty());
    one.set_room_name("r");
    one.set_identity("..");
    CHECK_FALSE(keep_apart("acme", request).empty());
    file.mutable_gcp()->set_credentials("{}");
    CHECK(keep_apart("acme", request).empty());
}

}  // namespace confab::cluster::services
