// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What one agent worker says on its socket and is told (01 CON-50 … CON-52, 05 B.2): it registers
// within ten seconds, then reports its load and its jobs and answers offers. Frames in, frames and
// events out; anything that it may not say ends the connection without a word (WRK-02).
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "agents/worker_key.h"
#include "livekit_models.pb.h"

namespace confab::agents {

struct Registered {
    WorkerKey key;
    std::string version;
    livekit::ParticipantPermission permissions;
};
using WorkerEvent =
    std::variant<Registered, livekit::AvailabilityResponse, livekit::UpdateWorkerStatus,
                 livekit::UpdateJobStatus, livekit::SimulateJobRequest, livekit::MigrateJobRequest>;

struct Frame {
    bool text = false;
    std::string payload;
};

class WorkerSession {
  public:
    static constexpr Duration kRegisterTimeout = Duration::seconds(10);
    static constexpr std::size_t kMaxNameLength = 256;  // of agent name and namespace
    static constexpr int kMaxMigrated = 4096;           // jobs of one message; of more the first

    // `id`: AW_…; `server`: as the worker is told.
    WorkerSession(Timestamp now, std::string id, livekit::ServerInfo server);

    // False, here and below: the connection is to be cut, and nothing more is heard of it.
    [[nodiscard]] bool handle_message(UnixTime wall, bool text, std::string_view payload);
    [[nodiscard]] bool handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return deadline_; }
    void send(const livekit::ServerMessage& message);
    std::optional<Frame> poll_transmit();
    std::optional<WorkerEvent> poll_event();

    const std::string& id() const { return id_; }
    bool registered() const { return registered_; }

  private:
    bool handle(UnixTime wall, livekit::WorkerMessage& message);
    bool handle_register(const livekit::RegisterWorkerRequest& request);
    void answer_ping(UnixTime wall, const livekit::WorkerPing& ping);

    std::string id_;
    livekit::ServerInfo server_;
    Timestamp deadline_;
    bool registered_ = false;
    bool text_ = false;  // the encoding of the last frame received (CON-42, WRK-17)
    std::deque<Frame> frames_;
    std::deque<WorkerEvent> events_;
};

}  // namespace confab::agents
