// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Trunks and dispatch rules as messages, with those that were stored before there were two kinds of
// trunks (05 SIP-10). Fields that this version does not know stay in them.
#pragma once

#include <string>
#include <vector>

#include "cluster/store/sip_store.h"
#include "livekit_sip.pb.h"

namespace confab::cluster::services::sip {

class SipRecords {
  public:
    // It outlives this. Each `done` is called as the store calls it.
    explicit SipRecords(store::SipStore& store) : store_(store) {}

    // Info: livekit.SIPInboundTrunkInfo, SIPOutboundTrunkInfo or SIPDispatchRuleInfo; of list()
    // also SIPTrunkInfo, which are all trunks as they were before there were two kinds.

    // kNotFound with upstream's text.
    template <typename Info>
    void load(Timestamp now, const std::string& id, store::Got<Info> done);
    // All, by id.
    template <typename Info>
    void list(Timestamp now, store::Got<std::vector<Info>> done);
    // By the id in it; what is given back is what was given.
    template <typename Info>
    void put(Timestamp now, const Info& info, store::Got<Info> done);

    store::SipStore& store() { return store_; }

  private:
    store::SipStore& store_;
};

}  // namespace confab::cluster::services::sip
