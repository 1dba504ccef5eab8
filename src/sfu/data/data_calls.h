// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Calls of a participant's methods that the API has made and awaits answers to (01 SIG-128).
#pragma once

#include <map>
#include <string>
#include <utility>

#include "sfu/data/data_packet.h"

namespace confab::sfu {

class MethodCalls {
  public:
    enum class Answer {
        kNone,    // of no call of the API: it goes where it says
        kFirst,   // for control
        kRepeat,  // an acknowledgement that came before: for nobody
    };

    void begin(const std::string& request) { acknowledged_[request] = false; }
    void end(const std::string& request) { acknowledged_.erase(request); }
    // One acknowledgement and one response for each; the response ends it.
    Answer take(const RoutedPacket& packet) {
        const bool response = packet.kind == DataKind::kRpcResponse;
        if (acknowledged_.empty() || (!response && packet.kind != DataKind::kRpcAck))
            return Answer::kNone;
        const auto call = acknowledged_.find(packet.request_id);
        if (call == acknowledged_.end()) return Answer::kNone;
        if (response)
            acknowledged_.erase(call);
        else if (std::exchange(call->second, true))
            return Answer::kRepeat;
        return Answer::kFirst;
    }

    // Of a participant that goes on at another worker: what is awaited goes along.
    using Awaited = std::map<std::string, bool>;  // by request: whether it was acknowledged
    const Awaited& awaited() const { return acknowledged_; }
    void await(const Awaited& calls) { acknowledged_.insert(calls.begin(), calls.end()); }

  private:
    Awaited acknowledged_;
};

}  // namespace confab::sfu
