// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: descriptions and candidates of one participant (01 SIG-01…03, SIG-80…87).
#include <algorithm>

#include "room/room.h"
#include "room/signal/responses.h"
#include "rtc/sdp/description/description.h"

namespace confab::room {

void Room::send_trickles(Participant& p, PeerLink& link) {
    for (livekit::SignalResponse& trickle : link.take_trickles())
        p.signal.send(std::move(trickle));
}

void Room::answer_held_offer(Participant& p) {
    if (!p.held_offer) return;
    const livekit::SessionDescription offer = std::move(*p.held_offer);
    p.held_offer.reset();
    p.held_offer_at = Timestamp::never();
    handle_offer(p, offer);
}

void Room::handle_offer(Participant& p, const livekit::SessionDescription& offer) {
    answer_held_offer(p);  // in their order
    if (p.closing) return;
    PeerLink& link = ensure_publisher(p);
    const bool first = !link.has_remote();
    auto answer = link.handle_offer(offer.sdp(), p.publish.pending_sections());
    if (!answer) {
        ++scope_->counters.negotiation_errors;
        observe(OperationDone{Operation::kAnswer, sdp::to_text(answer.error())});
        // What is no SDP at all is passed over, anything else ends the session (SIG-86).
        if (answer.error() != sdp::NegotiationError::kParse) full_reconnect(p);
        return;
    }
    // A client that asked for no data section waits for none (DC-09).
    if (first && !link.has_application() && !p.subscriber_primary) data_.expect_no_channels(p);
    p.signal.send(description_message(false, answer->sdp, offer.id(), answer->mid_to_track_id));
    observe(OperationDone{Operation::kAnswer, {}});
    send_trickles(p, link);
    take_sections(p, *answer);
    watch_unknown_media(p, offer.sdp());
    if (!p.single) return;
    subscriptions_.bind(p, answer->bound);
    link.timer.settle();
    p.requested = {};
    if (answer->missing.audio > 0 || answer->missing.video > 0) send_requirement(p, link);
}

void Room::watch_unknown_media(Participant& p, std::string_view offer) {
    if (!scope_->config.reconnect_on_publication_error) return;
    const auto parsed = sdp::parse(offer);
    if (!parsed) return;
    const bool unknown = std::any_of(parsed->sections.begin(), parsed->sections.end(),
                                     [&](const sdp::MediaSection& section) {
                                         return section.is_rtp() && sdp::sends(section.direction) &&
                                                p.publish.find_by_mid(section.mid) == nullptr;
                                     });
    if (!unknown) {
        p.unknown_media_since = Timestamp::never();
    } else {
        p.unknown_media_since = earlier(p.unknown_media_since, scope_->now());
    }
}

void Room::handle_answer(Participant& p, const livekit::SessionDescription& answer) {
    if (p.single || !p.subscriber || !p.subscriber->offer_outstanding()) {
        ++scope_->counters.bad_requests;
        return;
    }
    PeerLink& link = *p.subscriber;
    const auto applied = link.handle_answer(answer.sdp());
    if (!applied) {
        ++scope_->counters.negotiation_errors;
        observe(OperationDone{Operation::kOffer, sdp::to_text(applied.error())});
        return full_reconnect(p);
    }
    link.timer.answered(scope_->now());
    subscriptions_.bind(p, applied->bound);
    run_negotiation(p);
}

void Room::handle_trickle(Participant& p, const livekit::TrickleRequest& trickle) {
    const bool to_subscriber = !p.single && trickle.target() == livekit::SUBSCRIBER;
    PeerLink* link = to_subscriber ? p.subscriber.get() : &ensure_publisher(p);
    if (link == nullptr) {
        ++scope_->counters.dropped_candidates;
        return;
    }
    const auto done = link->handle_trickle(trickle.candidateinit());
    if (done) return;
    ++scope_->counters.bad_requests;
    respond(p, livekit::RequestResponse::UNCLASSIFIED_ERROR, done.error(),
            [&](livekit::RequestResponse& r) { *r.mutable_trickle() = trickle; });
}

void Room::negotiate(Participant& p, bool force) {
    PeerLink* link = p.downstream();
    if (link == nullptr) return;
    touch(p);
    link->timer.request(scope_->now(), force);
    run_negotiation(p);
}

void Room::run_negotiation(Participant& p) {
    PeerLink* link = p.downstream();
    if (link == nullptr || !link->timer.due(scope_->now())) return;
    if (link->single()) return send_requirement(p, *link);
    sdp::Offer offer = link->make_offer();
    const std::uint32_t id = link->timer.start_offer(scope_->now());
    p.signal.send(description_message(true, std::move(offer.sdp), id, offer.mid_to_track_id));
    observe(OperationDone{Operation::kOffer, {}});
    send_trickles(p, *link);
}

// SIG-84: how many sections more than asked for already; 0/0 asks for an offer all the same.
void Room::send_requirement(Participant& p, PeerLink& link) {
    const sdp::MissingSections missing = link.missing();
    const auto more = [](std::uint32_t wanted, std::uint32_t asked) {
        return wanted > asked ? wanted - asked : 0U;
    };
    livekit::SignalResponse response;
    auto& requirement = *response.mutable_media_sections_requirement();
    requirement.set_num_audios(more(missing.audio, p.requested.audio));
    requirement.set_num_videos(more(missing.video, p.requested.video));
    p.requested.audio += requirement.num_audios();
    p.requested.video += requirement.num_videos();
    link.timer.start_requirement(scope_->now());
    p.signal.send(std::move(response));
}

}  // namespace confab::room
