// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/manager/room_records.h"

#include <utility>

namespace confab::room {

RoomRecords::RoomRecords(const RoomScope& scope, const Roster& roster, const RoomNews& news,
                         std::string internal)
    : scope_(&scope), roster_(&roster), news_(&news), internal_(std::move(internal)) {}

void RoomRecords::participant_changed(const Participant& p) {
    if (scope_->config.store_listens) changed_.insert(p.identity());
}

RoomRecords::Counts RoomRecords::counts() const {
    const HeadCount& heads = roster_->heads();
    return {heads.present(), heads.publishers(), heads.recorders() > 0};
}

void RoomRecords::store_room() {
    livekit::Room room = news_->snapshot();
    room.set_name(news_->key());
    room_changed_ = !scope_->out.store(StoreRoom{std::move(room), internal_});
    if (!room_changed_) stored_ = counts();
}

}  // namespace confab::room
