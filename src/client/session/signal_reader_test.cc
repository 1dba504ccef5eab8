// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/signal_reader.h"

#include <doctest/doctest.h>

#include <string>

namespace confab::client {
namespace {

livekit::ParticipantInfo info(int number) {
    livekit::ParticipantInfo one;
    one.set_sid("PA_" + std::to_string(number));
    one.set_identity("i" + std::to_string(number));
    one.set_metadata(std::string(300, 'm'));  // a length of two bytes
    one.add_tracks()->set_sid("TR_" + std::to_string(number));
    return one;
}

livekit::SignalResponse join_of(int others) {
    livekit::SignalResponse response;
    livekit::JoinResponse& join = *response.mutable_join();
    join.mutable_room()->set_name("r");
    *join.mutable_participant() = info(0);
    for (int i = 1; i <= others; ++i)
        *join.add_other_participants() = info(i);
    join.set_ping_interval(7);
    return response;
}

// Put together again.
livekit::SignalResponse whole(const ReadSignal& signal) {
    livekit::SignalResponse response = signal.response;
    for (const ParticipantRef& one : signal.participants)
        if (response.has_join())
            *response.mutable_join()->add_other_participants() = *one;
        else
            *response.mutable_update()->add_participants() = *one;
    return response;
}

TEST_CASE("Signal reader: a join and an update come as they were, participants apart") {
    ParticipantPool pool;
    livekit::SignalResponse update;
    for (int i = 0; i < 3; ++i)
        *update.mutable_update()->add_participants() = info(i);
    livekit::SignalResponse nobody;
    nobody.mutable_update();
    for (const livekit::SignalResponse& sent : {join_of(0), join_of(3), update, nobody}) {
        const std::string bytes = sent.SerializeAsString();
        const auto read = read_signal(bytes, pool);
        REQUIRE(read.has_value());
        CHECK(read->response.join().other_participants().empty());
        CHECK(read->response.update().participants().empty());
        CHECK(whole(*read).SerializeAsString() == bytes);
        CHECK(whole(read_signal(sent)).SerializeAsString() == bytes);
    }
}

TEST_CASE("Signal reader: who was told before is the same, to another session too") {
    ParticipantPool pool;
    const auto first = read_signal(join_of(2).SerializeAsString(), pool);
    const auto second = read_signal(join_of(3).SerializeAsString(), pool);
    REQUIRE(first.has_value());
    REQUIRE(second.has_value());
    CHECK(first->participants[1] == second->participants[1]);
    CHECK(pool.size() == 3);
}

TEST_CASE("Signal reader: fields that it does not take apart come as Protocol Buffers merge them") {
    ParticipantPool pool;
    livekit::SignalResponse pong;
    pong.set_pong(5);
    CHECK(read_signal(pong.SerializeAsString(), pool)->response.pong() == 5);
    // The same field twice is one message of both, another field takes its place.
    const std::string join = join_of(1).SerializeAsString();
    const auto twice = read_signal(join + join, pool);
    REQUIRE(twice.has_value());
    CHECK(twice->participants.size() == 2);
    const auto replaced = read_signal(join + pong.SerializeAsString(), pool);
    REQUIRE(replaced.has_value());
    CHECK(replaced->response.has_pong());
    CHECK(replaced->participants.empty());
}

TEST_CASE("Signal reader: what is cut off or damaged is refused as Protocol Buffers do") {
    ParticipantPool pool;
    const std::string bytes = join_of(2).SerializeAsString();
    for (std::size_t size = 1; size < bytes.size(); ++size)
        CHECK_FALSE(read_signal(std::string_view(bytes).substr(0, size), pool).has_value());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x04);
        livekit::SignalResponse plain;
        const auto read = read_signal(damaged, pool);
        REQUIRE(read.has_value() == plain.ParseFromString(damaged));
        if (read) CHECK(whole(*read).SerializeAsString() == plain.SerializeAsString());
    }
}

TEST_CASE("Participant pool: what nobody holds goes, what is held stays") {
    ParticipantPool pool;
    const ParticipantRef held = pool.intern(info(0).SerializeAsString());
    for (int i = 1; i < 10 * static_cast<int>(ParticipantPool::kMaxIdle); ++i)
        (void)pool.intern(info(i).SerializeAsString());
    CHECK(pool.size() <= ParticipantPool::kMaxIdle);
    CHECK(pool.intern(info(0).SerializeAsString()) == held);
    CHECK(pool.intern("\xFF") == nullptr);
}

}  // namespace
}  // namespace confab::client
