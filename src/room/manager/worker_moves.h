// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A participant goes on at another media worker, in the middle of a call (02 MC-20;
// docs/design/migration.md). One at a time on a control shard:
//
//   kAwaiting   the new worker subscribes to what it is sent, and is told of it as a member
//   kLeaving    the old worker was told to export its connections. From here on it counts as one of
//               the new worker; commands to that one wait, for they may be about it
//   kEntering   its connections were sent to the new worker, and the commands behind them
//
// A worker that can not export one of them keeps both; one that does not answer in time
// costs the participant its session.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "room/manager/rooms.h"

namespace confab::room {

class WorkerMoves {
  public:
    static constexpr Duration kPatience = Duration::millis(500);  // for each step

    // Both outlive this.
    WorkerMoves(const RoomScope& scope, Rooms& rooms) : scope_(&scope), rooms_(&rooms) {}

    // Begins; an error says why not.
    ServiceResult<void> begin(const std::string& room_key, const std::string& identity,
                              sfu::WorkerIndex to);
    bool busy() const { return move_.has_value(); }
    bool moves(const Participant& p) const;

    void handle(const sfu::PeerAwaited& event);
    void handle(const sfu::PeerExported& event);
    void handle(const sfu::PeerImported& event);
    void handle_timeout();
    Timestamp next_deadline() const { return move_ ? move_->deadline : Timestamp::never(); }

    // Participants that went on at another worker, and that stayed for want of a state.
    std::uint64_t moved() const { return moved_; }
    std::uint64_t stayed() const { return stayed_; }

  private:
    enum class Step : std::uint8_t { kAwaiting, kLeaving, kEntering };
    struct Part {
        sfu::PeerId peer;
        sfu::ImportPeer import;
        bool answered = false;
    };
    struct Move {
        sfu::PeerId peer;  // one of them
        sfu::WorkerIndex from = 0;
        sfu::WorkerIndex to = 0;
        Step step = Step::kAwaiting;
        std::vector<Part> parts;
        Timestamp deadline;
    };
    Part* find(sfu::PeerId peer);
    bool all_answered() const;
    // Of whom the move is; none: it is gone.
    std::optional<MediaOwner> owner() const;
    // Its connections with what is on them; nothing when they can not move now.
    static std::optional<std::vector<Part>> describe(const Room& room, const Participant& p);
    void next_step();
    void seat(Room& room, Participant& p, sfu::WorkerIndex worker);
    void leave();
    void enter();
    // Names of ICE by connection.
    using Names = std::map<sfu::PeerId, std::vector<std::string>>;
    Names names_in(const std::vector<sfu::Command>& waited) const;
    void cancel(Names names = {});
    enum class About : std::uint8_t { kIt, kOthers, kUnknown };
    void release(std::vector<sfu::Command> waited, sfu::WorkerIndex at);
    About about_it(const sfu::Command& command) const;
    void end_session();
    void finish();

    const RoomScope* scope_;
    Rooms* rooms_;
    std::optional<Move> move_;
    std::uint64_t moved_ = 0;
    std::uint64_t stayed_ = 0;
};

}  // namespace confab::room
