// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Data blobs of a participant as it comes back, moves, leaves and is replaced: through
// RoomManager's requests.
#include <doctest/doctest.h>

#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::test_config;
using testing::test_join;
using R = livekit::SignalResponse;

Config with_blobs() {
    Config config = test_config();
    config.enable_data_blobs = true;
    return config;
}

void store(Harness& h, SessionId session, const std::string& contents) {
    livekit::SignalRequest request;
    livekit::DataBlob& blob = *request.mutable_store_data_blob_request()->mutable_blob();
    blob.mutable_key()->set_generic("k");
    blob.set_contents(contents);
    h.send(session, request);
    REQUIRE(h.count(session, R::kStoreDataBlobResponse) == 1);
}

// What `session` gets of alice.
std::string fetched(Harness& h, SessionId session) {
    (void)h.take(session);
    livekit::SignalRequest request;
    livekit::GetDataBlobRequest& get = *request.mutable_get_data_blob_request();
    get.set_participant_identity("alice");
    get.mutable_key()->set_generic("k");
    h.send(session, request);
    for (const R& message : h.take(session)) {
        if (message.has_get_data_blob_response())
            return message.get_data_blob_response().blob().contents();
        if (message.has_request_response()) return message.request_response().message();
    }
    return "no answer";
}

SessionId resume(Harness& h) {
    JoinParams params = test_join("r", "alice");
    params.reconnect = true;
    return h.join(params);
}

}  // namespace

TEST_CASE("Blobs: kept while its connection is gone, and when it resumes [SIG-127]") {
    Harness h(with_blobs());
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    store(h, alice, "one");
    h.close(alice);
    CHECK(fetched(h, bob) == "one");
    const SessionId again = resume(h);
    CHECK(fetched(h, again) == "one");
    CHECK(fetched(h, bob) == "one");
}

TEST_CASE("Blobs: gone with who left, and with who is replaced [SIG-127]") {
    Harness h(with_blobs());
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    store(h, alice, "one");
    const SessionId second = h.join_active("r", "alice");
    CHECK(fetched(h, bob) == "data blob not found");
    store(h, second, "two");
    CHECK(fetched(h, bob) == "two");
    livekit::SignalRequest leave;
    leave.mutable_leave();
    h.send(second, leave);
    CHECK(fetched(h, bob) == "participant not found");
}

TEST_CASE("Blobs: go along to another room, and are in no other [SIG-127] [API-12]") {
    Harness h(with_blobs());
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    const SessionId carol = h.join_active("s", "carol");
    store(h, alice, "one");
    CHECK(fetched(h, carol) == "participant not found");
    livekit::MoveParticipantRequest request;
    request.set_room("r");
    request.set_identity("alice");
    request.set_destination_room("s");
    REQUIRE(h.manager.relocations(h.clock()).move(request));
    h.advance(Duration::millis(300));
    CHECK(fetched(h, carol) == "one");
    CHECK(fetched(h, bob) == "participant not found");
}

TEST_CASE("Blobs: of one that is only seen here there are none [SIG-127] [API-11]") {
    Harness h(with_blobs());
    const SessionId alice = h.join_active("r", "alice");
    const SessionId carol = h.join_active("s", "carol");
    store(h, alice, "one");
    livekit::ForwardParticipantRequest request;
    request.set_room("r");
    request.set_identity("alice");
    request.set_destination_room("s");
    REQUIRE(h.manager.relocations(h.clock()).forward(request));
    h.advance(Duration::millis(300));
    CHECK(fetched(h, carol) == "data blob not found");
}

}  // namespace confab::room
