// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/roster/room_news.h"

#include <utility>

#include "room/signal/responses.h"

namespace confab::room {
namespace {

constexpr auto kEverybody = [](const Participant&) { return true; };

}  // namespace

RoomNews::RoomNews(const RoomScope& scope, Roster& roster)
    : scope_(&scope),
      roster_(&roster),
      codecs_(&scope.config.codecs.shown()),
      counts_told_(scope.now()),
      broadcaster_(scope.now(), scope.config.update_batch_interval) {}

void RoomNews::set_room(livekit::Room info, std::string key) {
    key_ = std::move(key);
    info_ = std::move(info);
    info_.clear_enabled_codecs();
}

// Each room has the list of all in its message, which is most of it: made when somebody looks.
livekit::Room RoomNews::described() const {
    livekit::Room result = info_;
    *result.mutable_enabled_codecs() = *codecs_;
    return result;
}

RoomNews::Counts RoomNews::counts() const {
    const HeadCount& heads = roster_->heads();
    return {heads.present(), heads.publishers(), heads.recorders() > 0};
}

livekit::Room RoomNews::with_counts(const Counts& counts) const {
    livekit::Room result = described();
    result.set_num_participants(counts.participants);
    result.set_num_publishers(counts.publishers);
    result.set_active_recording(counts.recording);
    return result;
}

// ---------------------------------------------------------------- participants

void RoomNews::participant_changed(livekit::ParticipantInfo info, bool immediate) {
    if (info.state() == livekit::ParticipantInfo::DISCONNECTED && !info.permission().hidden())
        departures_.note(scope_->now(), info);
    for (Broadcaster::Update& update : broadcaster_.push(scope_->now(), std::move(info), immediate))
        deliver(std::move(update));
}

// What waits of it for a batch is outdone by the change that follows.
void RoomNews::participant_hidden(livekit::ParticipantInfo info) {
    departures_.note(scope_->now(), info);
    const std::string sid = info.sid();
    roster_->tell(update_message({std::move(info)}), [&](const Participant& p) {
        return p.sid() != sid && p.info.state() != livekit::ParticipantInfo::JOINING;
    });
}

void RoomNews::deliver(Broadcaster::Update update) {
    const bool hidden = update.info.permission().hidden();
    const bool legacy_only = update.legacy_only;
    const std::string sid = update.info.sid();
    roster_->tell(update_message({std::move(update.info)}), [&](const Participant& p) {
        if (hidden && p.sid() != sid) return false;
        if (legacy_only && p.traits.gates.identity_reconnect) return false;
        return p.info.state() != livekit::ParticipantInfo::JOINING;
    });
}

// In messages of bounded size; a hidden participant is in none.
void RoomNews::deliver_batch(std::vector<livekit::ParticipantInfo> batch) {
    const std::size_t limit = scope_->config.update_batch_bytes;
    std::size_t bytes = 0;
    std::vector<livekit::ParticipantInfo> chunk;
    const auto flush = [&] {
        if (!chunk.empty()) roster_->tell(update_message(std::exchange(chunk, {})), kEverybody);
        bytes = 0;
    };
    for (livekit::ParticipantInfo& info : batch) {
        if (info.permission().hidden()) continue;
        const std::size_t size = info.ByteSizeLong();
        if (limit != 0 && bytes + size > limit) flush();
        bytes += size;
        chunk.push_back(std::move(info));
    }
    flush();
}

// ---------------------------------------------------------------- the room

void RoomNews::counts_changed() {
    counts_dirty_ = true;
    if (scope_->now() - counts_told_ < kCountersInterval) return;
    counts_dirty_ = false;
    const Counts current = counts();
    if (current.participants == told_.participants && current.publishers == told_.publishers)
        return;
    counts_told_ = scope_->now();
    told_ = current;
    send_room_update();
}

void RoomNews::recording_changed() {
    const bool recording = roster_->heads().recorders() > 0;
    if (recording == told_.recording) return;
    info_.set_active_recording(recording);
    told_.recording = recording;
    send_room_update();
}

void RoomNews::set_metadata(const std::string& metadata) {
    if (info_.metadata() == metadata) return;
    info_.set_metadata(metadata);
    send_room_update();
}

void RoomNews::send_room_update() {
    livekit::SignalResponse response;
    *response.mutable_room_update()->mutable_room() = told();
    roster_->tell(std::move(response), kEverybody);
}

void RoomNews::handle_timeout(Timestamp now) {
    deliver_batch(broadcaster_.poll_batch(now));
    if (counts_dirty_ && counts_told_ + kCountersInterval <= now) counts_changed();
}

Timestamp RoomNews::next_deadline() const {
    const Timestamp batch = broadcaster_.next_deadline();
    return counts_dirty_ ? earlier(batch, counts_told_ + kCountersInterval) : batch;
}

}  // namespace confab::room
