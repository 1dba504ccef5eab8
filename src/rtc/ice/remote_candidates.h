// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The peer's candidates of one ICE generation as they were signalled (RFC 8445 §5.4): without
// repetition, without what must not be knocked at, at most kMaxRemoteCandidates.
#pragma once

#include <cstddef>
#include <vector>

#include "base/state/state.h"
#include "rtc/ice/check_list.h"
#include "rtc/ice/types.h"

namespace confab::ice {

class RemoteCandidates {
  public:
    // False if it is ignored: TCP (ours are passive), an address that nothing answers from, known
    // already, or one too many.
    bool add(const RemoteCandidate& candidate);
    void clear() { list_.clear(); }

    // What the pair's remote candidate is. Also kRelay for a peer-reflexive one at the address of a
    // signalled relay candidate (02 ICE-18).
    CandidateType type_of(const Pair& pair) const;

    auto begin() const { return list_.begin(); }
    auto end() const { return list_.end(); }
    std::size_t size() const { return list_.size(); }
    std::size_t bytes_held() const { return list_.capacity() * sizeof(RemoteCandidate); }

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    std::vector<RemoteCandidate> list_;
};

}  // namespace confab::ice
