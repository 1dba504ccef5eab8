// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Egresses as API and workers see them (RDS-08…10, RDS-24). Who started one and the worker both
// write it: the second finds it there (04, start path).
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "cluster/store/commands.h"
#include "cluster/store/records.h"
#include "redis/port.h"

namespace confab::cluster::store {

class EgressStore {
  public:
    // Port and notices outlive it. Each `done` is called once: later, or inside the call if there
    // is no connection, or if what is given is no record (kInvalid, kTooLarge).
    EgressStore(redis::Port& port, Notices& notices) : commands_(port, notices) {}

    // A serialised livekit.EgressInfo with an id. True: it is new; false: one of that id was there
    // and is left alone.
    void create(Timestamp now, const std::string& info, Got<bool> done);
    // Written whether it was there or not. With ended_at it is noted for the sweeper.
    void update(Timestamp now, const std::string& info, Got<bool> done);
    // kNotFound: "egress does not exist".
    void load(Timestamp now, const std::string& id, Got<std::string> done);
    // All, or those of a room.
    void list(Timestamp now, Got<StoredList> done);
    void list(Timestamp now, const std::string& room, Got<StoredList> done);

    // ---- whose an egress is: noted before its worker is asked, as what workers report does not
    // say; until the sweeper takes it away
    void set_tenant(Timestamp now, const std::string& id, const std::string& tenant,
                    Got<bool> done);
    void forget_tenant(Timestamp now, const std::string& id);
    // Empty: no tenant's.
    void tenant_of(Timestamp now, std::string_view id, Got<std::string> done);
    // Of all that are a tenant's, by id.
    using Tenants = std::map<std::string, std::string, std::less<>>;
    void tenants(Timestamp now, Got<Tenants> done);

  private:
    void write_after(Timestamp now, std::initializer_list<std::string_view> first,
                     std::string_view command, const std::string& info, Got<bool> done);

    Commands commands_;
};

}  // namespace confab::cluster::store
