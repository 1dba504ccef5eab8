// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the SIP service asks of any node (05 SIP-34), served on its bus under both names that there
// are for it (03 RPC-13, RPC-14): whether a call needs a password, and where it goes. What becomes
// of calls is heard and not kept.
#pragma once

#include <memory>
#include <vector>

#include "base/rng.h"
#include "cluster/services/sip/sip_records.h"
#include "rpc/bus.h"

namespace confab::cluster::services::sip {

class SipIo {
  public:
    // Both outlive it. Serves at once; what could not be served is in the error.
    static Result<std::unique_ptr<SipIo>, rpc::Error> serve(rpc::Bus& bus, SipRecords& records,
                                                            std::uint64_t seed);
    SipIo(const SipIo&) = delete;
    SipIo& operator=(const SipIo&) = delete;

  private:
    SipIo(SipRecords& records, std::uint64_t seed) : records_(records), rng_(seed) {}
    using Member = void (SipIo::*)(const rpc::Request&, rpc::Reply);
    Result<void, rpc::Error> add(rpc::Bus& bus, std::string_view name, Member handler);
    void get_authentication(const rpc::Request& request, rpc::Reply reply);
    void evaluate_rules(const rpc::Request& request, rpc::Reply reply);
    void update_call(const rpc::Request& request, rpc::Reply reply);
    void record_context(const rpc::Request& request, rpc::Reply reply);

    SipRecords& records_;
    Rng rng_;
    std::vector<rpc::Registration> served_;
};

}  // namespace confab::cluster::services::sip
