// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// SIP trunks and dispatch rules (RDS-15…17, RDS-24).
#pragma once

#include <cstdint>
#include <string>

#include "cluster/store/commands.h"
#include "cluster/store/records.h"
#include "redis/port.h"

namespace confab::cluster::store {

class SipStore {
  public:
    enum class Kind : std::uint8_t {
        kLegacyTrunk,    // livekit.SIPTrunkInfo: read and deleted, never written
        kInboundTrunk,   // livekit.SIPInboundTrunkInfo
        kOutboundTrunk,  // livekit.SIPOutboundTrunkInfo
        kDispatchRule,   // livekit.SIPDispatchRuleInfo
    };
    // Port and notices outlive it. Each `done` is called once: later, or inside the call if there
    // is no connection, or if what is given is no record (kInvalid, kTooLarge).
    SipStore(redis::Port& port, Notices& notices) : commands_(port, notices) {}

    // True: it is new.
    void put(Timestamp now, Kind kind, const std::string& id, const std::string& info,
             Got<bool> done);
    // kNotFound with upstream's text for its kind.
    void load(Timestamp now, Kind kind, const std::string& id, Got<std::string> done);
    // All, by id. Pages are for whoever shows them: upstream reads by them and answers with all.
    void list(Timestamp now, Kind kind, Got<StoredList> done);
    // Of whatever kind it is. One that there is not is no error (05 SIP-06): false.
    void remove_trunk(Timestamp now, const std::string& id, Got<bool> done);
    void remove_rule(Timestamp now, const std::string& id, Got<bool> done);

  private:
    Commands commands_;
};

}  // namespace confab::cluster::store
