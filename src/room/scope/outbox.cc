// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/scope/outbox.h"

#include <utility>

#include "base/check.h"

namespace confab::room {

bool Outbox::fits(std::size_t bytes) {
    if (bytes <= max_bytes_ - std::min(bytes_, max_bytes_)) return true;
    ++dropped_;
    return false;
}

void Outbox::push(Effect effect, std::size_t bytes) {
    bytes_ += bytes;
    effects_.push_back({std::move(effect), bytes});
}

bool Outbox::takes(SessionId session, std::size_t bytes) {
    if (given_up_.contains(session)) return false;
    if (fits(bytes)) return true;
    given_up_.insert(session);
    close(session, 1000);
    return false;
}

void Outbox::signal(SessionId session, livekit::SignalResponse response) {
    const std::size_t bytes = sizeof(Item) + response.ByteSizeLong();
    if (takes(session, bytes)) push(SendSignal{session, std::move(response)}, bytes);
}

void Outbox::broadcast(std::vector<SessionId> sessions, livekit::SignalResponse response) {
    const std::size_t bytes =
        sizeof(Item) + response.ByteSizeLong() + sessions.size() * sizeof(SessionId);
    std::erase_if(sessions, [&](SessionId session) { return !takes(session, bytes); });
    if (sessions.empty()) return;
    if (sessions.size() == 1) {
        push(SendSignal{sessions.front(), std::move(response)}, bytes);
    } else {
        push(Broadcast{std::move(sessions), std::move(response)}, bytes);
    }
}

void Outbox::join(SendJoin join) {
    std::size_t bytes = sizeof(Item) + join.response.ByteSizeLong();
    for (const EncodedOthers& run : join.others)
        bytes += run->size();
    if (takes(join.session, bytes)) push(std::move(join), bytes);
}

void Outbox::close(SessionId session, std::uint16_t code) {
    push(CloseSession{session, code}, sizeof(Item));
}

void Outbox::refuse(RefuseSession refusal) {
    push(std::move(refusal), sizeof(Item));
}

std::vector<sfu::Command> Outbox::end_hold() {
    held_for_.reset();
    return std::exchange(held_, {});
}

void Outbox::command(sfu::WorkerIndex worker, sfu::Command value) {
    if (held_for_ == worker) {
        held_.push_back(std::move(value));
        return;
    }
    std::size_t bytes = sizeof(Item);
    if (const auto* data = std::get_if<sfu::SendData>(&value)) {
        bytes += data->payload.size();
        for (const auto* names : {&data->identities, &data->sids})
            for (const std::string& name : *names)
                bytes += sizeof name + name.size();
        if (!fits(bytes)) return;
    }
    push(MediaCommand{worker, std::move(value)}, bytes);
}

void Outbox::webhook(WebhookEvent value) {
    const std::size_t bytes = sizeof(Item) + value.event.ByteSizeLong();
    if (fits(bytes)) push(std::move(value), bytes);
}

void Outbox::rpc_done(RpcDone done) {
    push(std::move(done), sizeof(Item));
}

void Outbox::observe(const Observation& value) {
    // Gauges are the sums of these steps: one that is left out would be missing from now on.
    const bool lasts = std::holds_alternative<PublicationStep>(value) ||
                       std::holds_alternative<SubscriptionStep>(value) ||
                       std::holds_alternative<ConnectionsChanged>(value);
    if (lasts || fits(sizeof(Item)))
        push(Effect(std::in_place_type<Observation>, value), sizeof(Item));
}

void Outbox::participant_over(std::string sid) {
    push(ParticipantOver{std::move(sid)}, sizeof(Item));
}

bool Outbox::store(StoreRoom value) {
    const std::size_t bytes = sizeof(Item) + value.room.ByteSizeLong() + value.internal.size();
    if (!fits(bytes)) return false;
    push(std::move(value), bytes);
    return true;
}

bool Outbox::store(StoreParticipant value) {
    const std::size_t bytes = sizeof(Item) + value.room.size() + value.info.ByteSizeLong();
    if (!fits(bytes)) return false;
    push(std::move(value), bytes);
    return true;
}

bool Outbox::store(StoreDispatch value) {
    const std::size_t bytes = sizeof(Item) + value.room.size() + value.dispatch.ByteSizeLong();
    if (!fits(bytes)) return false;
    push(std::move(value), bytes);
    return true;
}

bool Outbox::store(StoreJob value) {
    const std::size_t bytes = sizeof(Item) + value.room.size() + value.job.ByteSizeLong();
    if (!fits(bytes)) return false;
    push(std::move(value), bytes);
    return true;
}

void Outbox::forget(RemoveRoom value) {
    push(std::move(value), sizeof(Item));
}

void Outbox::forget(RemoveParticipant value) {
    push(std::move(value), sizeof(Item));
}

void Outbox::forget(RemoveDispatch value) {
    push(std::move(value), sizeof(Item));
}

void Outbox::forget(RemoveJob value) {
    push(std::move(value), sizeof(Item));
}

void Outbox::note(RoomNote value) {
    const std::size_t bytes = sizeof(Item) + value.room.size() + value.text.size() +
                              value.identity.size() + value.client.ByteSizeLong();
    if (fits(bytes)) push(std::move(value), bytes);
}

void Outbox::start_egress(StartEgress value) {
    const std::size_t bytes =
        sizeof(Item) +
        std::visit([](const auto& request) { return request.ByteSizeLong(); }, value.request);
    if (fits(bytes)) push(std::move(value), bytes);
}

bool Outbox::launch(LaunchAgentJob value) {
    const std::size_t bytes = sizeof(Item) + value.job.ByteSizeLong();
    if (!fits(bytes)) return false;
    push(std::move(value), bytes);
    return true;
}

// As few as there are rooms that come here, and jobs in them.
void Outbox::adopt_job(AdoptAgentJob value) {
    push(std::move(value), sizeof(Item));
}

void Outbox::end_job(EndAgentJob value) {
    push(std::move(value), sizeof(Item));
}

void Outbox::served(RoomServed value) {
    push(std::move(value), sizeof(Item));
}

std::optional<Effect> Outbox::poll() {
    if (effects_.empty()) {
        given_up_.clear();
        return std::nullopt;
    }
    std::optional<Effect> effect(std::move(effects_.front().effect));
    CONFAB_CHECK(bytes_ >= effects_.front().bytes);  // below nothing is no bound
    bytes_ -= effects_.front().bytes;
    effects_.pop_front();
    return effect;
}

}  // namespace confab::room
