// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What was found out of a link, as bytes (base/state/state.h; 02 FWD-18): a narrow link is not
// flooded by who takes it over, nor are its probes begun from the shortest again. Trends, rates and
// a probe under way are measured anew.
#include "base/state/state.h"

#include <algorithm>

#include "base/state/bounds.h"
#include "sfu/congestion/send_side/send_side_bandwidth.h"
#include "sfu/congestion/shared_link.h"

namespace confab::sfu {

template <typename Self, typename Io>
void ProbeRegulator::fields(Self& self, Io& io) {
    constexpr Duration kLongest = ProbePlan{}.longest;
    constexpr Duration kWait = ProbePlan{}.longest_wait;
    bounded_field(io, 1, self.doubled_, 0, kMostDoubled);
    bounded_field(io, 2, self.interval_, kInterval, kWait);
    bounded_field(io, 3, self.duration_, kDuration, kLongest);
    bounded_field(io, 4, self.shortest_, kDuration, kLongest);
    io.field(5, self.next_);
    bounded_field(io, 6, self.relapse_wait_, kInterval, ProbePlan{}.longest_relapse);
    io.field(7, self.after_relapse_);
    // One that waits for ever would leave the link as narrow as it was.
    if constexpr (Io::kReads)
        for (const Timestamp at : {self.next_, self.after_relapse_})
            io.require(at <= io.now() + kIntervalMax);
}
void ProbeRegulator::save(StateWriter& out) const {
    fields(*this, out);
}
void ProbeRegulator::load(StateReader& in) {
    fields(*this, in);
    duration_ = std::min(duration_, plan_.longest);
    shortest_ = std::min(shortest_, plan_.longest);
}

template <typename Self, typename Io>
void SharedLink::fields(Self& self, Io& io) {
    bounded_field(io, 2, self.limit_, 0, kUnlimited);
    bounded_field(io, 3, self.capacity_, 0, kUnlimited);
    io.field(4, self.deficient_);
    bounded_field(io, 5, self.rtt_, Duration::zero(), kMaxSpan);
    io.field(6, self.gained_);
    io.part(7, self.regulator_);
}
void SharedLink::save(StateWriter& out) const {
    fields(*this, out);
}
void SharedLink::load(StateReader& in) {
    fields(*this, in);
    estimator().resume(capacity_);
    retry_after_ = in.now() + kRetry;
}

void SendSideBandwidth::save(StateWriter& out) const {
    out.field(1, heard_);
    RembBandwidth::save(out);
}
void SendSideBandwidth::load(StateReader& in) {
    in.field(1, heard_);
    heard_at_ = in.now();
    if (heard_) set_plan(ProbePlan::measured());
    RembBandwidth::load(in);
    send_side_.update_rtt(rtt());
}

}  // namespace confab::sfu
