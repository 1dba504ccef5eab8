// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A data packet on its way through the shards of a room: rewritten by the shard of its sender, with
// whom it is for. All receivers on a worker share the payload.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rtc/sctp/shared_bytes.h"
#include "sfu/data/data_packet.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

struct DataMessage {
    DataMessage() = default;
    // Of the API where `from` is nobody.
    DataMessage(const DataMember& from, RoutedPacket packet, bool is_lossy)
        : sender(from.member),
          sender_sid(from.sid),
          sender_identity(from.identity),
          lossy(is_lossy),
          kind(packet.kind),
          sequence(packet.sequence),
          identities(std::move(packet.destination_identities)),
          sids(std::move(packet.destination_sids)),
          nonce(std::move(packet.nonce)),
          payload(std::move(packet.payload)) {}

    // What it counts for in windows: tiny messages cost memory too.
    static constexpr std::size_t kOverhead = 64;
    std::size_t cost() const { return payload.size() + kOverhead; }
    bool for_everybody() const { return identities.empty() && sids.empty(); }
    // Its own, or of the one whose place it has taken: what that one said last may pass it on the
    // way between workers.
    bool is_of(const DataMember& member) const {
        return sender == member.member ||
               (!sender_identity.empty() && sender_identity == member.identity);
    }
    bool names(const std::string& identity, const std::string& sid) const {
        return std::find(identities.begin(), identities.end(), identity) != identities.end() ||
               std::find(sids.begin(), sids.end(), sid) != sids.end();
    }

    MemberId sender;  // none: the API
    std::string sender_sid;
    std::string sender_identity;
    bool lossy = false;
    DataKind kind = DataKind::kNone;
    std::uint32_t sequence = 0;
    std::vector<std::string> identities;
    std::vector<std::string> sids;
    Bytes nonce;
    sctp::SharedBytes payload;
};

}  // namespace confab::sfu
