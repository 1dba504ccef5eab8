// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/quality/quality_reports.h"

#include <algorithm>
#include <utility>

namespace confab::room {
namespace {

bool same_qualities(const std::map<std::string, QualityScore>& a,
                    const std::map<std::string, QualityScore>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
        return x.first == y.first && x.second.quality == y.second.quality;
    });
}

}  // namespace

QualityReports::QualityReports(const RoomScope& scope, const Roster& roster, Heard heard)
    : scope_(&scope),
      roster_(&roster),
      heard_(std::move(heard)),
      created_(scope.now()),
      next_(scope.now() + kInterval) {}

void QualityReports::align() {
    const std::int64_t passed = (scope_->now() - created_).us() / kInterval.us();
    next_ = created_ + kInterval * (passed + 1);
}

void QualityReports::add(const Participant& p) {
    if (members_.empty()) align();
    members_.try_emplace(p.number);
}

void QualityReports::note(const Participant& p, std::uint64_t track,
                          const sfu::QualitySample& sample) {
    const auto member = members_.find(p.number);
    if (member != members_.end()) member->second.view.add(track, sample);
}

void QualityReports::note(const Participant& p, std::uint64_t track,
                          const sfu::StreamSample& sample) {
    const auto member = members_.find(p.number);
    if (member != members_.end()) member->second.view.add(track, sample);
}

void QualityReports::forget(const Participant& p, std::uint64_t track) {
    const auto member = members_.find(p.number);
    if (member != members_.end()) member->second.view.remove(track);
}

void QualityReports::handle_timeout(Timestamp now) {
    if (next_ > now || members_.empty()) return;
    align();
    for (Participant* p : roster_->everyone()) {
        if (!p->active()) continue;
        const QualityView& view = members_.at(p->number).view;
        // Of who has no tracks any more, the view says what the participant itself is told.
        if (!view.empty() || p->seen.quality) p->seen.quality = view.current();
        if (!view.empty()) scope_->out.observe(QualitySeen{*p->seen.quality});
        // Without a connection it hears nothing: a resume finds out what changed meanwhile.
        if (p->traits.gates.connection_quality && p->signal.is_open()) report(*p);
    }
}

// CQ-04: own quality and that of subscribed publishers, only when something changed.
void QualityReports::report(Participant& p) {
    std::map<std::string, QualityScore> current;
    livekit::SignalResponse response;
    const auto add_score = [&](const Participant& of) {
        const QualityScore score = members_.at(of.number).view.current();
        current[of.sid()] = score;
        auto& info = *response.mutable_connection_quality()->add_updates();
        info.set_participant_sid(of.sid());
        info.set_score(score.mos);
        const bool lost = score.quality == livekit::LOST && !p.traits.gates.quality_lost;
        info.set_quality(lost ? livekit::POOR : score.quality);
    };
    add_score(p);
    for (const Participant* other : heard_(p))
        if (!other->hidden()) add_score(*other);
    std::map<std::string, QualityScore>& told = members_.at(p.number).told;
    if (same_qualities(current, told)) return;
    told = std::move(current);
    p.signal.send(std::move(response));
}

}  // namespace confab::room
