// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Negotiation: descriptions and candidates (01 SIG-01…03, SIG-80…87).
#include "room/negotiate/negotiation.h"

#include <algorithm>
#include <utility>

#include "room/signal/responses.h"
#include "rtc/sdp/description/description.h"

namespace confab::room {
namespace {

// After a resume the answer to the offer that it made void may still come (SIG-85): with its
// credentials ICE would not come up again, and the answer that is meant would find nobody waiting.
bool is_late(const PeerLink& link, std::uint32_t id) {
    constexpr std::uint32_t kRecent = 2;  // further off are the numbers of who counts by itself
    const std::uint32_t behind = link.timer.last_id() - id;
    return id != 0 && behind != 0 && behind <= kRecent;
}

void send_trickles(Participant& p, PeerLink& link) {
    for (livekit::SignalResponse& trickle : link.take_trickles())
        p.signal.send(std::move(trickle));
}

Timestamp unknown_media_deadline(const Links& l) {
    return l.unknown_media_since.is_never() ? l.unknown_media_since
                                            : l.unknown_media_since + Negotiation::kPublishTimeout;
}

}  // namespace

Negotiation::Negotiation(const RoomScope& scope, Room* room, Roster& roster,
                         NegotiationSettings settings, NegotiationHost& host)
    : scope_(&scope), room_(room), roster_(&roster), settings_(settings), host_(&host) {}

void Negotiation::open(Participant& p) {
    // One connection is made when an offer comes or a track is to go down: a participant that only
    // signals has none.
    if (!links(p).subscriber_primary) return;
    ensure_downstream(p);
    request(p, true);
}

// ---------------------------------------------------------------- the client offers

void Negotiation::handle_first_offer(Participant& p, const livekit::SessionDescription& offer) {
    if (p.traits.answer_delay == Duration::zero()) return handle_offer(p, offer);
    Links& l = links(p);
    l.held_offer = offer;
    l.held_offer_at = scope_->now() + p.traits.answer_delay;
    roster_->touch(p);
}

void Negotiation::answer_held_offer(Participant& p) {
    Links& l = links(p);
    if (!l.held_offer) return;
    const livekit::SessionDescription offer = std::move(*l.held_offer);
    l.held_offer.reset();
    l.held_offer_at = Timestamp::never();
    handle_offer(p, offer);
}

void Negotiation::handle_offer(Participant& p, const livekit::SessionDescription& offer) {
    answer_held_offer(p);  // in their order
    if (p.closing) return;
    Links& l = links(p);
    PeerLink& link = ensure_publisher(p);
    const bool first = !link.has_remote();
    auto answer = link.handle_offer(offer.sdp(), host_->pending_tracks(p));
    if (!answer) {
        ++scope_->counters.negotiation_errors;
        scope_->out.observe(OperationDone{Operation::kAnswer, sdp::to_text(answer.error())});
        // What is no SDP at all is passed over, anything else ends the session (SIG-86).
        if (answer.error() != sdp::NegotiationError::kParse) host_->negotiation_failed(p);
        return;
    }
    if (first && !link.has_application() && !l.subscriber_primary) {
        l.data_ready = true;
        host_->no_data_wanted(p);
    }
    p.signal.send(description_message(false, answer->sdp, offer.id(), answer->mid_to_track_id));
    scope_->out.observe(OperationDone{Operation::kAnswer, {}});
    send_trickles(p, link);
    host_->offer_answered(p, *answer);
    watch_unknown_media(p, offer.sdp());
    if (!l.single) return;
    host_->senders_bound(p, answer->bound);
    link.timer.settle();
    l.requested = {};
    if (answer->waiting) send_requirement(p, link);
}

void Negotiation::watch_unknown_media(const Participant& p, std::string_view offer) {
    if (!scope_->config.reconnect_on_publication_error) return;
    const auto parsed = sdp::parse(offer);
    if (!parsed) return;
    const bool unknown = std::any_of(parsed->sections.begin(), parsed->sections.end(),
                                     [&](const sdp::MediaSection& section) {
                                         return section.is_rtp() && sdp::sends(section.direction) &&
                                                !host_->publishes_on(p, section.mid);
                                     });
    Timestamp& since = links(p).unknown_media_since;
    since = unknown ? earlier(since, scope_->now()) : Timestamp::never();
}

std::vector<sdp::PublishSection> Negotiation::match_late(const Participant& p) {
    Links& l = links(p);
    if (!l.publisher) return {};
    auto late = l.publisher->match_late(host_->pending_tracks(p));
    if (!late.empty()) l.unknown_media_since = Timestamp::never();
    return late;
}

Result<void, std::string> Negotiation::handle_trickle(Participant& p,
                                                      const livekit::TrickleRequest& trickle) {
    const Links& l = links(p);
    const bool to_subscriber = !l.single && trickle.target() == livekit::SUBSCRIBER;
    PeerLink* link = to_subscriber ? l.subscriber.get() : &ensure_publisher(p);
    if (link != nullptr) return link->handle_trickle(trickle.candidateinit());
    ++scope_->counters.dropped_candidates;
    return {};
}

// ---------------------------------------------------------------- we offer

void Negotiation::handle_answer(Participant& p, const livekit::SessionDescription& answer) {
    const Links& l = links(p);
    const bool waited_for = !l.single && l.subscriber && l.subscriber->offer_outstanding();
    if (!waited_for || is_late(*l.subscriber, answer.id())) {
        ++scope_->counters.bad_requests;
        return;
    }
    PeerLink& link = *l.subscriber;
    const auto applied = link.handle_answer(answer.sdp());
    if (!applied) {
        ++scope_->counters.negotiation_errors;
        scope_->out.observe(OperationDone{Operation::kOffer, sdp::to_text(applied.error())});
        return host_->negotiation_failed(p);
    }
    link.timer.answered(scope_->now());
    // The answer may want another one: who takes no numbers on all packets is asked for REMBs.
    if (link.needs_offer()) link.timer.request(scope_->now(), false);
    host_->senders_bound(p, applied->bound);
    run(p);
}

void Negotiation::add_sender(Participant& p, sdp::Sender sender) {
    ensure_downstream(p).add_sender(std::move(sender));
    request(p, false);
}

void Negotiation::remove_sender(Participant& p, std::uint64_t id, bool in_use) {
    PeerLink* link = links(p).downstream();
    if (link == nullptr) return;
    link->remove_sender(id);
    if (p.closing) return;
    if (!in_use) return request(p, false);
    // An answer takes the section away as early as the client offers; others do not wait for it.
    link->timer.request_after(scope_->now(), kBlankFrames, link->single());
    roster_->touch(p);
}

void Negotiation::request(Participant& p, bool force) {
    PeerLink* link = links(p).downstream();
    if (link == nullptr) return;
    roster_->touch(p);
    link->timer.request(scope_->now(), force);
    run(p);
}

void Negotiation::run(Participant& p) {
    PeerLink* link = links(p).downstream();
    if (link == nullptr || !link->timer.due(scope_->now())) return;
    if (links(p).held_offer) return;  // its answer tells what is missing
    if (link->single()) return send_requirement(p, *link);
    sdp::Offer offer = link->make_offer();
    const std::uint32_t id = link->timer.start_offer(scope_->now());
    p.signal.send(description_message(true, std::move(offer.sdp), id, offer.mid_to_track_id));
    scope_->out.observe(OperationDone{Operation::kOffer, {}});
    send_trickles(p, *link);
}

// SIG-84: how many sections more than asked for already; 0/0 asks for an offer all the same.
void Negotiation::send_requirement(Participant& p, PeerLink& link) {
    const sdp::MissingSections missing = link.missing();
    const auto more = [](std::uint32_t wanted, std::uint32_t asked) {
        return wanted > asked ? wanted - asked : 0U;
    };
    livekit::SignalResponse response;
    auto& requirement = *response.mutable_media_sections_requirement();
    sdp::MissingSections& requested = links(p).requested;
    requirement.set_num_audios(more(missing.audio, requested.audio));
    requirement.set_num_videos(more(missing.video, requested.video));
    requested.audio += requirement.num_audios();
    requested.video += requirement.num_videos();
    link.timer.start_requirement(scope_->now());
    p.signal.send(std::move(response));
}

// ---------------------------------------------------------------- time

bool Negotiation::overdue(const Participant& p) const {
    const Links& l = links(p);
    const Timestamp now = scope_->now();
    const auto unanswered = [&](const PeerLink* link) {
        return link != nullptr && link->connected() && link->timer.timed_out(now);
    };
    return unanswered(l.publisher.get()) || unanswered(l.subscriber.get()) ||
           unknown_media_deadline(l) <= now;
}

void Negotiation::handle_timeout(Participant& p) {
    if (links(p).held_offer_at <= scope_->now()) answer_held_offer(p);
    if (!p.closing) run(p);
}

Timestamp Negotiation::next_deadline(const Participant& p) const {
    const auto known = members_.find(p.number);
    if (known == members_.end()) return Timestamp::never();
    const Links& l = known->second;
    Timestamp result = earlier(l.held_offer_at, unknown_media_deadline(l));
    if (l.held_offer) return result;
    for (const PeerLink* link : {l.publisher.get(), l.subscriber.get()})
        if (link != nullptr) result = earlier(result, link->timer.next_deadline(link->connected()));
    return result;
}

}  // namespace confab::room
