// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// /debug/rooms: the rooms of this node and who is in them, as JSON, without what is private or
// secret in them. The other debug pages that operators know are of another runtime: 404 says so
// (01 CON-09).
#pragma once

#include <cstdint>

#include "api/ports.h"
#include "runtime/control/routes/endpoint.h"

namespace confab::control {

enum class DebugAccess : std::uint8_t {
    kAll,        // whoever gets here
    kRoomLister  // with a token that may list rooms
};

class DebugEndpoint final : public Endpoint {
  public:
    // `rooms` must outlive this.
    DebugEndpoint(api::RoomServicePort& rooms, DebugAccess access)
        : rooms_(rooms), access_(access) {}
    void serve(Call call) override;

  private:
    void dump_rooms(Call call);

    api::RoomServicePort& rooms_;
    DebugAccess access_;
};

}  // namespace confab::control
