// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// /debug/rooms: the rooms of this node and who is in them, as JSON, without what is private or
// secret in them. Who comes with the token of a tenant sees the tenant's. The other debug pages
// that operators know are of another runtime: 404 says so (01 CON-09).
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "api/ports.h"
#include "runtime/control/routes/endpoint.h"

namespace confab::control {

enum class DebugAccess : std::uint8_t {
    kAll,        // whoever gets here
    kRoomLister  // with a token that may list rooms
};

class DebugEndpoint final : public Endpoint {
  public:
    // Both references must outlive this.
    DebugEndpoint(api::RoomServicePort& rooms, const token::KeyProvider& keys, DebugAccess access)
        : rooms_(rooms), keys_(keys), access_(access) {}
    void serve(Call call) override;

  private:
    struct Dump;
    std::set<std::string> tenants_for(const Call& call) const;
    void list_rooms(const std::shared_ptr<Dump>& dump);
    void list_people(const std::shared_ptr<Dump>& dump);
    void move(Call call);

    api::RoomServicePort& rooms_;
    const token::KeyProvider& keys_;
    DebugAccess access_;
};

}  // namespace confab::control
