// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who controls (RFC 8445 §6.1.1), and what becomes of two sides that both think that they do, or
// that neither does (§7.3.1.1, §7.2.5.1): the larger tie-breaker controls; a lite agent never does.
#pragma once

#include <cstdint>

#include "base/state/state.h"
#include "rtc/ice/types.h"

namespace confab::ice {

class Roles {
  public:
    enum class Verdict : std::uint8_t {
        kSwitch,  // we take the other role and answer
        kRefuse,  // the peer has to: 487
    };

    Roles(const AgentConfig& config, std::uint64_t tie_breaker)
        : tie_breaker_(tie_breaker),
          ours_(config.lite ? Role::kControlled : config.role),
          lite_(config.lite) {}

    Role ours() const { return ours_; }
    std::uint64_t tie_breaker() const { return tie_breaker_; }

    // False: it is ours already, or a lite agent would have to control.
    bool set(Role role) {
        if (lite_ || role == ours_) return false;
        ours_ = role;
        return true;
    }
    // A request that claims the role which we have, with this tie-breaker.
    Verdict judge(std::uint64_t theirs) const {
        const bool we_control = tie_breaker_ >= theirs;
        return lite_ || we_control == (ours_ == Role::kControlling) ? Verdict::kRefuse
                                                                    : Verdict::kSwitch;
    }
    // For the next conflict, after 487 has decided one.
    void renew_tie_breaker(std::uint64_t tie_breaker) { tie_breaker_ = tie_breaker; }

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    std::uint64_t tie_breaker_;
    Role ours_;
    bool lite_;
};

constexpr Role opposite(Role role) {
    return role == Role::kControlling ? Role::kControlled : Role::kControlling;
}

}  // namespace confab::ice
