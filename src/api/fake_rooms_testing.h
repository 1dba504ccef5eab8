// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For the tests of this folder: rooms in memory behind RoomServicePort, without media, answering
// what a fresh server does.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "api/ports.h"
#include "token/ids.h"
#include "token/room_key.h"

namespace confab::api::testing {

class FakeRooms final : public RoomServicePort {
  public:
    struct Entry {
        livekit::Room room;
        std::map<std::string, livekit::ParticipantInfo> participants;
    };

    void join(const std::string& room, const std::string& identity,
              livekit::ParticipantInfo::Kind kind = livekit::ParticipantInfo::STANDARD,
              const std::map<std::string, std::string>& attributes = {{"k", "v"}}) {
        Entry& entry = rooms_.at(room);
        livekit::ParticipantInfo& info = entry.participants[identity];
        info.set_sid(token::make_id(token::kParticipantPrefix, rng_));
        info.set_identity(identity);
        info.set_state(livekit::ParticipantInfo::JOINED);
        info.set_metadata("md");
        info.set_name("Al");
        info.set_joined_at(1'795'161'344);
        info.set_joined_at_ms(1'795'161'344'556);
        info.set_version(1);
        info.mutable_permission()->set_can_subscribe(true);
        info.mutable_permission()->set_can_publish(true);
        info.mutable_permission()->set_can_publish_data(true);
        info.set_kind(kind);
        info.mutable_attributes()->clear();
        info.mutable_attributes()->insert(attributes.begin(), attributes.end());
        entry.room.set_num_participants(static_cast<std::uint32_t>(entry.participants.size()));
    }

    void create_room(const CallContext&, const livekit::CreateRoomRequest& request,
                     Reply<livekit::Room> reply) override {
        ++calls;
        if (!request.room_preset().empty())
            return reply(fail(service_error(ErrorCode::kInvalidArgument,
                                            "unknown room configuration in create room request")));
        const auto [it, is_new] = rooms_.try_emplace(request.name());
        if (is_new) fill(it->second.room, request);
        reply(it->second.room);
    }
    void list_rooms(const CallContext&, const livekit::ListRoomsRequest& request,
                    Reply<livekit::ListRoomsResponse> reply) override {
        livekit::ListRoomsResponse out;
        for (const auto& [name, entry] : rooms_) {
            const auto& names = request.names();
            if (names.empty() || std::find(names.begin(), names.end(), name) != names.end())
                *out.add_rooms() = entry.room;
        }
        reply(std::move(out));
    }
    void delete_room(const CallContext&, const livekit::DeleteRoomRequest& request,
                     Reply<livekit::DeleteRoomResponse> reply) override {
        if (rooms_.erase(request.room()) == 0) return reply(fail(no_room()));
        reply(livekit::DeleteRoomResponse());
    }
    void list_participants(const CallContext& context,
                           const livekit::ListParticipantsRequest& request,
                           Reply<livekit::ListParticipantsResponse> reply) override {
        tenant = context.tenant;
        livekit::ListParticipantsResponse out;
        if (const auto room = rooms_.find(request.room()); room != rooms_.end())
            for (const auto& [identity, info] : room->second.participants)
                *out.add_participants() = info;
        reply(std::move(out));
    }
    void get_participant(const CallContext&, const livekit::RoomParticipantIdentity& request,
                         Reply<livekit::ParticipantInfo> reply) override {
        const livekit::ParticipantInfo* info = find(request.room(), request.identity());
        if (info == nullptr) return reply(fail(no_participant()));
        reply(*info);
    }
    void remove_participant(const CallContext&, const livekit::RoomParticipantIdentity& request,
                            Reply<livekit::RemoveParticipantResponse> reply) override {
        if (find(request.room(), request.identity()) == nullptr)
            return reply(fail(no_participant()));
        rooms_.at(request.room()).participants.erase(request.identity());
        reply(livekit::RemoveParticipantResponse());
    }
    void update_participant(const CallContext&, const livekit::UpdateParticipantRequest& request,
                            Reply<livekit::ParticipantInfo> reply) override {
        livekit::ParticipantInfo* info = find(request.room(), request.identity());
        if (info == nullptr) return reply(fail(no_participant()));
        if (!request.name().empty()) info->set_name(request.name());
        if (!request.metadata().empty()) info->set_metadata(request.metadata());
        if (request.has_permission()) *info->mutable_permission() = request.permission();
        for (const auto& [key, value] : request.attributes()) {
            if (value.empty())
                info->mutable_attributes()->erase(key);
            else
                (*info->mutable_attributes())[key] = value;
        }
        reply(*info);
    }
    void mute_published_track(const CallContext&, const livekit::MuteRoomTrackRequest& request,
                              Reply<livekit::MuteRoomTrackResponse> reply) override {
        answer_present(request.room(), request.identity(), std::move(reply));
    }
    void update_subscriptions(const CallContext&,
                              const livekit::UpdateSubscriptionsRequest& request,
                              Reply<livekit::UpdateSubscriptionsResponse> reply) override {
        answer_present(request.room(), request.identity(), std::move(reply));
    }
    void send_data(const CallContext&, const livekit::SendDataRequest& request,
                   Reply<livekit::SendDataResponse> reply) override {
        last_data = request;
        if (!has_room(request.room())) return reply(fail(nobody()));
        reply(livekit::SendDataResponse());
    }
    void update_room_metadata(const CallContext&, const livekit::UpdateRoomMetadataRequest& request,
                              Reply<livekit::Room> reply) override {
        if (!has_room(request.room())) return reply(fail(no_room()));
        rooms_.at(request.room()).room.set_metadata(request.metadata());
        reply(rooms_.at(request.room()).room);
    }
    void forward_participant(const CallContext&, const livekit::ForwardParticipantRequest& request,
                             Reply<livekit::ForwardParticipantResponse> reply) override {
        answer_absent(request.room(), request.identity(), std::move(reply),
                      service_error(ErrorCode::kUnknown, "not implemented"));
    }
    void move_participant(const CallContext&, const livekit::MoveParticipantRequest& request,
                          Reply<livekit::MoveParticipantResponse> reply) override {
        answer_absent(request.room(), request.identity(), std::move(reply),
                      service_error(ErrorCode::kUnknown, "not implemented"));
    }
    void move_to_worker(const CallContext&, const WorkerMove& wanted,
                        Reply<livekit::ParticipantInfo> reply) override {
        answer_absent(wanted.room, wanted.identity, std::move(reply),
                      service_error(ErrorCode::kUnknown, "not implemented"));
    }
    void perform_rpc(const CallContext&, const livekit::PerformRpcRequest& request,
                     Reply<livekit::PerformRpcResponse> reply) override {
        answer_absent(request.room(), request.destination_identity(), std::move(reply),
                      service_error(ErrorCode::kInternal, "data channel is not available"));
    }
    void find_room(const std::string& key, Found reply) override {
        found = key;
        const std::string name(token::split_room_key(key).name);
        reply(has_room(name) ? std::optional<std::string>("ND_fake") : std::nullopt);
    }
    bool has_room(const std::string& name) const { return rooms_.contains(name); }

    std::string tenant;  // of the last call of list_participants()
    std::string found;   // the last key that was looked for
    int calls = 0;
    livekit::SendDataRequest last_data;

  private:
    static ServiceError no_room() {
        return service_error(ErrorCode::kNotFound, "requested room does not exist");
    }
    static ServiceError no_participant() {
        return service_error(ErrorCode::kNotFound, "participant does not exist");
    }
    static ServiceError nobody() {
        return service_error(ErrorCode::kUnavailable, "no response from servers");
    }
    livekit::ParticipantInfo* find(const std::string& room, const std::string& identity) {
        const auto entry = rooms_.find(room);
        if (entry == rooms_.end()) return nullptr;
        const auto info = entry->second.participants.find(identity);
        return info == entry->second.participants.end() ? nullptr : &info->second;
    }
    template <typename T>
    void answer_present(const std::string& room, const std::string& identity, Reply<T> reply) {
        if (find(room, identity) == nullptr) return reply(fail(nobody()));
        reply(T());
    }
    template <typename T>
    void answer_absent(const std::string& room, const std::string& identity, Reply<T> reply,
                       ServiceError present) {
        reply(fail(find(room, identity) == nullptr ? nobody() : std::move(present)));
    }
    void fill(livekit::Room& room, const livekit::CreateRoomRequest& request) {
        room.set_sid(token::make_id(token::kRoomPrefix, rng_));
        room.set_name(request.name());
        room.set_empty_timeout(request.empty_timeout() == 0 ? 300 : request.empty_timeout());
        room.set_departure_timeout(request.departure_timeout() == 0 ? 20
                                                                    : request.departure_timeout());
        room.set_max_participants(request.max_participants());
        room.set_creation_time(1'795'161'324);
        room.set_creation_time_ms(1'795'161'324'369);
        room.set_turn_password("password");
        room.set_metadata(request.metadata());
        for (const char* mime : {"audio/PCMU", "audio/PCMA", "audio/opus", "audio/red", "video/VP8",
                                 "video/H264", "video/VP9", "video/AV1", "video/H265", "video/rtx"})
            room.add_enabled_codecs()->set_mime(mime);
    }

    Rng rng_{1};
    std::map<std::string, Entry> rooms_;
};

}  // namespace confab::api::testing
