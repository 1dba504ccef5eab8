// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The vocabulary of every poll machine (07 SIO-02) as a concept:
//   handle_packet / handle_timeout / handle_command(now, …)   inputs
//   poll_transmit / poll_event                                outputs, std::optional, until empty
//   next_deadline()                                           when handle_timeout is due
// Drain law: after each input the driver drains the outputs, then reads next_deadline().
#pragma once

#include <concepts>

#include "base/time.h"

namespace confab {

// `Now`: what the machine takes for the moment, where it needs the wall clock too.
template <typename M, typename Now = Timestamp>
concept SansIoMachine = requires(M& machine, const M& const_machine, Now now) {
    machine.handle_timeout(now);
    { const_machine.next_deadline() } -> std::same_as<Timestamp>;
};

}  // namespace confab
