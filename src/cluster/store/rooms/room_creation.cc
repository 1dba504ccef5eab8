// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/room_creation.h"

#include <utility>

#include "cluster/store/keys.h"

namespace confab::cluster::store {

RoomCreation::RoomCreation(redis::Port& port, Notices& notices, Rng& rng,
                           livekit::CreateRoomRequest request, Build build)
    : request_(std::move(request)),
      build_(std::move(build)),
      lock_(port, notices, rng, request_.name()),
      reader_(port, notices),
      commands_(port, notices) {}

void RoomCreation::start(Timestamp now, Done done) {
    done_ = std::move(done);
    lock_.acquire(now, [this](Timestamp at, const Result<void, Failure>& held) {
        if (!held) return end(at, fail(held.error()));
        give_up_ = lock_.next_deadline();
        read(at);
    });
}

void RoomCreation::read(Timestamp now) {
    reader_.room_with_internal(
        now, request_.name(),
        [this](Timestamp at, Result<RoomReader::RoomWithInternal, Failure> got) {
            if (got)
                return write(
                    at,
                    {overlay({std::move(got->room), std::move(got->internal)}, request_), false});
            if (got.error().code == Failure::Code::kNotFound)
                return write(at, {build_(at, request_), true});
            end(at, fail(got.error()));
        });
}

void RoomCreation::write(Timestamp now, Created created) {
    if (!done_) return;  // given up
    if (!lock_.is_held(now))
        return end(now, fail(Failure{Failure::Code::kBusy, "the lock of the room has ended"}));
    created_ = std::move(created);
    const RoomBytes& bytes = created_.bytes;
    std::vector<std::string_view> internal = {"HDEL", keys::kRoomInternal, request_.name()};
    if (bytes.internal) internal = {"HSET", keys::kRoomInternal, request_.name(), *bytes.internal};
    commands_.send_all(now, {{"HSET", keys::kRooms, request_.name(), bytes.room}, internal},
                       [this](Timestamp at, const std::vector<Answer>& answers) {
                           written(at, failure_of(answers));
                       });
}

void RoomCreation::written(Timestamp now, const std::optional<Failure>& trouble) {
    if (trouble) return end(now, fail(*trouble));
    end(now, std::move(created_));
}

void RoomCreation::end(Timestamp now, Result<Created, Failure> result) {
    if (!done_) return;
    lock_.release(now);
    give_up_ = Timestamp::never();
    std::exchange(done_, {})(now, std::move(result));
}

void RoomCreation::handle_timeout(Timestamp now) {
    if (now >= give_up_)
        return end(now, fail(Failure{Failure::Code::kUnavailable,
                                     "no reply of Redis while a room was made"}));
    lock_.handle_timeout(now);
}

Timestamp RoomCreation::next_deadline() const {
    return earlier(lock_.next_deadline(), give_up_);
}

}  // namespace confab::cluster::store
