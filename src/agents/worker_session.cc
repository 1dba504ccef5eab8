// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/worker_session.h"

#include <utility>

#include "proto/proto_json.h"
#include "token/deployment.h"

namespace confab::agents {
namespace {

// WRK-03: nothing said is all that an agent usually needs; what is said is taken as it is.
livekit::ParticipantPermission permissions_of(const livekit::RegisterWorkerRequest& request) {
    if (request.has_allowed_permissions()) return request.allowed_permissions();
    livekit::ParticipantPermission all;
    all.set_can_subscribe(true);
    all.set_can_publish(true);
    all.set_can_publish_data(true);
    all.set_can_update_metadata(true);
    return all;
}

bool parse(bool text, std::string_view payload, livekit::WorkerMessage& message) {
    if (text) return proto::parse_json(payload, message);
    return message.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
}

template <typename Ids>
void truncate(Ids& ids, int size) {
    if (ids.size() > size) ids.DeleteSubrange(size, ids.size() - size);
}

}  // namespace

WorkerSession::WorkerSession(Timestamp now, std::string id, livekit::ServerInfo server)
    : id_(std::move(id)), server_(std::move(server)), deadline_(now + kRegisterTimeout) {}

bool WorkerSession::handle_message(UnixTime wall, bool text, std::string_view payload) {
    livekit::WorkerMessage message;
    if (!parse(text, payload, message)) return false;
    text_ = text;
    return handle(wall, message);
}

bool WorkerSession::handle(UnixTime wall, livekit::WorkerMessage& message) {
    using M = livekit::WorkerMessage;
    if (message.message_case() == M::kPing) {
        answer_ping(wall, message.ping());
        return true;
    }
    if (message.message_case() == M::kRegister) return handle_register(message.register_());
    if (!registered_) return false;
    switch (message.message_case()) {
        case M::kAvailability:
            events_.emplace_back(std::move(*message.mutable_availability()));
            return true;
        case M::kUpdateWorker:
            events_.emplace_back(message.update_worker());
            return true;
        case M::kUpdateJob:
            events_.emplace_back(std::move(*message.mutable_update_job()));
            return true;
        case M::kSimulateJob:
            events_.emplace_back(std::move(*message.mutable_simulate_job()));
            return true;
        case M::kMigrateJob:
            truncate(*message.mutable_migrate_job()->mutable_job_ids(), kMaxMigrated);
            events_.emplace_back(std::move(*message.mutable_migrate_job()));
            return true;
        default:
            return false;
    }
}

bool WorkerSession::handle_register(const livekit::RegisterWorkerRequest& request) {
    const bool valid = livekit::JobType_IsValid(request.type()) &&
                       request.agent_name().size() <= kMaxNameLength &&
                       request.namespace_().size() <= kMaxNameLength &&
                       token::deployment_error(request.deployment()).empty();
    if (registered_ || !valid) return false;
    registered_ = true;
    deadline_ = Timestamp::never();
    livekit::ServerMessage answer;
    answer.mutable_register_()->set_worker_id(id_);
    *answer.mutable_register_()->mutable_server_info() = server_;
    send(answer);
    events_.emplace_back(Registered{
        {request.type(), request.agent_name(), request.namespace_(), request.deployment()},
        request.version(),
        permissions_of(request)});
    return true;
}

void WorkerSession::answer_ping(UnixTime wall, const livekit::WorkerPing& ping) {
    livekit::ServerMessage answer;
    answer.mutable_pong()->set_last_timestamp(ping.timestamp());
    answer.mutable_pong()->set_timestamp(wall.ms());
    send(answer);
}

bool WorkerSession::handle_timeout(Timestamp now) {
    return now < deadline_;
}

void WorkerSession::send(const livekit::ServerMessage& message) {
    frames_.push_back({text_, text_ ? proto::to_camel_json(message) : message.SerializeAsString()});
}

std::optional<Frame> WorkerSession::poll_transmit() {
    if (frames_.empty()) return std::nullopt;
    std::optional<Frame> frame(std::move(frames_.front()));
    frames_.pop_front();
    return frame;
}

std::optional<WorkerEvent> WorkerSession::poll_event() {
    if (events_.empty()) return std::nullopt;
    std::optional<WorkerEvent> event(std::move(events_.front()));
    events_.pop_front();
    return event;
}

}  // namespace confab::agents
