// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Events of the media shards find their room and participant. Ids that are not known any more
// belong to what was closed meanwhile and are passed over.
#pragma once

#include "room/manager/rooms.h"
#include "room/manager/worker_moves.h"
#include "sfu/shard/commands.h"

namespace confab::room {

class MediaEvents {
  public:
    MediaEvents(const MediaRegistry& media, Rooms& rooms, WorkerMoves& moves)
        : media_(&media), rooms_(&rooms), moves_(&moves) {}

    void handle(const sfu::Event& event);

  private:
    // Whose an event is, by the first of its ids; then `input` has its turn.
    template <typename Owners, typename Id, typename Input>
    void in_room_of(const Owners& owners, Id id, Input&& input);
    void dispatch(const sfu::PeerStateChanged& event);
    void dispatch(const sfu::LayerStarted& event);
    void dispatch(const sfu::SpeakerLevels& event);
    void dispatch(const sfu::StreamStateChanged& event);
    void dispatch(const sfu::CodecUnsupported& event);
    void dispatch(const sfu::QualityBatch& event);
    void dispatch(const sfu::DataChannelOpened& event);
    void dispatch(const sfu::DataProgress& event);
    void dispatch(const sfu::CallAnswered& event);
    void dispatch(const sfu::DataChannelFailed& event);
    void dispatch(const sfu::PeerAwaited& event) { moves_->handle(event); }
    void dispatch(const sfu::PeerExported& event) { moves_->handle(event); }
    void dispatch(const sfu::PeerImported& event) { moves_->handle(event); }

    const MediaRegistry* media_;
    Rooms* rooms_;
    WorkerMoves* moves_;
};

}  // namespace confab::room
