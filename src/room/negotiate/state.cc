// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The negotiation of a participant as bytes (base/state/state.h; 02 MC-20): its connections with
// what was described and what is due, how they are wanted and what was tried. What the client is
// and may, and what its room has, are its new room's to say.
#include "base/state/state.h"

#include <algorithm>
#include <utility>

#include "base/state/bounds.h"
#include "room/negotiate/negotiation.h"
#include "rtc/sdp/state_fields.h"

namespace confab::room {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMaxCredential = 256;  // RFC 8839 §5.4
constexpr std::uint32_t kMaxMissing = 1U << 20;

template <typename Io, typename C>
void credential_fields(Io& io, std::uint8_t tag, C& one) {
    io.record(tag, [&one](auto& inner) {
        inner.field(1, one.ufrag, kMaxCredential);
        inner.field(2, one.pwd, kMaxCredential);
    });
}

template <typename Io, typename T>
void since_if_any(Io& io, std::uint8_t tag, T& value) {
    io.maybe(tag, value, [](auto& inner, auto& since) { since_field(inner, 1, since); });
}

// What of a connection's settings is part of what was negotiated.
template <typename Io, typename C>
void config_fields(Io& io, C& config) {
    io.field(1, config.offers);
    io.field(2, config.single);
    io.field(3, config.application);
    io.field(4, config.ice_lite);
    io.field(5, config.tcp_only);
    io.field(6, config.ice_limit);
    io.field(7, config.playout_delay);
    io.field(8, config.allow_pause);
}

template <typename Io, typename O>
void held_offer_fields(Io& io, O& offer) {
    std::string sdp;
    std::uint32_t id = 0;
    if constexpr (!Io::kReads) {
        sdp = offer.sdp();
        id = offer.id();
    }
    io.field(1, sdp, sdp::kMaxDescriptionBytes);
    io.field(2, id);
    if constexpr (Io::kReads) {
        offer.set_type("offer");
        offer.set_sdp(std::move(sdp));
        offer.set_id(id);
    }
}

template <typename Io, typename L>
void links_fields(Io& io, L& links) {
    state_version(io, kVersion);
    io.field(2, links.single);
    io.field(3, links.subscriber_primary);
    io.field(4, links.disable_ice_lite);
    io.field(5, links.allow_pause);
    io.choice(6, links.ice, IcePreference::kTls);
    io.field(7, links.ice_inherited);
    since_if_any(io, 8, links.switched_at);
    bounded_field(io, 9, links.lived, -kMaxSpan, kMaxSpan);
    io.maybe(10, links.signal_rtt, [](auto& inner, auto& rtt) {
        bounded_field(inner, 1, rtt, Duration::zero(), kMaxSpan);
    });
    io.part(11, links.failures);
    io.field(12, links.data_ready);
    bounded_field(io, 13, links.requested.audio, 0, kMaxMissing);
    bounded_field(io, 14, links.requested.video, 0, kMaxMissing);
    io.maybe(15, links.held_offer,
             [](auto& inner, auto& offer) { held_offer_fields(inner, offer); });
    io.field(16, links.held_offer_at);
    io.field(17, links.unknown_media_since);
}

bool is_sound(const Links& links) {
    if (links.single && (links.subscriber_primary || links.subscriber)) return false;
    if (links.held_offer.has_value() == links.held_offer_at.is_never()) return false;
    if (links.publisher && (links.publisher->offers() || links.publisher->single() != links.single))
        return false;
    if (!links.subscriber) return true;
    return links.subscriber->offers() && !links.subscriber->single() &&
           (!links.publisher || links.publisher->id() != links.subscriber->id());
}

}  // namespace

// ---------------------------------------------------------------- the parts

template <typename Self, typename Io>
void NegotiationTimer::fields(Self& self, Io& io) {
    io.field(1, self.id_);
    io.field(2, self.ever_);
    io.field(3, self.outstanding_);
    bounded_field(io, 4, self.repeats_, 0, kRequirementRepeats);
    io.field(5, self.due_);
    io.field(6, self.repeat_at_);
    if (self.outstanding_) since_field(io, 7, self.sent_);
    if (self.ever_) since_field(io, 8, self.last_);
    io.field(9, self.alone_);
}
void NegotiationTimer::save(StateWriter& out) const {
    fields(*this, out);
}
void NegotiationTimer::load(StateReader& in) {
    fields(*this, in);
}

void FailureCount::save(StateWriter& out) const {
    since_if_any(out, 1, last_);
}
void FailureCount::load(StateReader& in) {
    since_if_any(in, 1, last_);
}

// ---------------------------------------------------------------- a connection

// Which of the client's candidates its worker knows does not matter: it passes over those that come
// again. (Field 7 was their number.)
template <typename Self, typename Io>
void PeerLink::fields(Self& self, Io& io) {
    credential_fields(io, 4, self.local_);
    credential_fields(io, 5, self.remote_ice_);
    sdp::text_list(io, 6, self.waiting_candidates_, kMaxWaitingCandidates);
    io.field(8, self.has_remote_);
    io.field(9, self.application_);
    io.field(10, self.trickled_);
    io.part(11, self.timer);
    io.field(12, self.ever_connected);
    io.field(13, self.failed);
    io.field(14, self.tried);
    io.field(15, self.established);
    if (self.ever_connected) since_field(io, 16, self.connected_at);
    if (self.answerer_) io.part(17, *self.answerer_);
    if (self.offerer_) io.part(18, *self.offerer_);
    io.field(19, self.tcp_lines_);
    io.maybe(20, self.last_type,
             [](auto& one, auto& type) { one.choice(1, type, sfu::ConnectionType::kTurn); });
}

void PeerLink::save(StateWriter& out) const {
    state_version(out, kVersion);
    out.field(2, id_.value());
    out.record(3, [this](StateWriter& inner) {
        config_fields(inner, config_);
        inner.maybe(9, type_, [](StateWriter& one, const auto& type) {
            one.choice(1, type, sfu::ConnectionType::kTurn);
        });
    });
    fields(*this, out);
}

std::unique_ptr<PeerLink> PeerLink::load(const RoomScope& scope, PeerLinkConfig settings,
                                         StateReader& in) {
    std::uint64_t id = 0;
    std::optional<sfu::ConnectionType> type;
    state_version(in, kVersion);
    in.field(2, id);
    in.record(3, [&](StateReader& inner) {
        config_fields(inner, settings);
        inner.maybe(9, type, [](StateReader& one, auto& value) {
            one.choice(1, value, sfu::ConnectionType::kTurn);
        });
    });
    settings.target = settings.offers ? livekit::SUBSCRIBER : livekit::PUBLISHER;
    if (!in.ok()) return nullptr;
    std::unique_ptr<PeerLink> link(new PeerLink(scope, std::move(settings), Moved{}));
    fields(*link, in);
    in.require(id != 0 && !link->local_.ufrag.empty() && !link->local_.pwd.empty());
    in.require(!scope.media.peers.contains(sfu::PeerId(id)));
    in.require(!link->has_remote_ || link->waiting_candidates_.empty());
    in.require(!type || link->ever_connected);
    if (!in.ok()) return nullptr;
    link->id_ = sfu::PeerId(id);
    // Another transport counts from the next credentials on.
    link->list_candidates(link->tcp_lines_);
    if (type) link->came_up(*type);
    return link;
}

// ---------------------------------------------------------------- those of a participant

void save_negotiation(const Negotiation& all, const Participant& p, StateWriter& out) {
    const Links& l = all.links(p);
    links_fields(out, l);
    out.field(18, all.all_profiles_.contains(p.identity()));
    if (l.publisher) out.part(19, *l.publisher);
    if (l.subscriber) out.part(20, *l.subscriber);
}

bool load_negotiation(Negotiation& all, Participant& p, StateReader& in) {
    if (all.members_.contains(p.number)) return false;
    Links& l = all.members_[p.number];
    links_fields(in, l);
    bool all_profiles = false;
    in.field(18, all_profiles);
    const auto load = [&](std::uint8_t tag, std::unique_ptr<PeerLink>& link) {
        in.record(tag, [&](StateReader& inner) {
            link = PeerLink::load(*all.scope_, all.link_config(p), inner);
        });
    };
    load(19, l.publisher);
    load(20, l.subscriber);
    if (in.ok()) in.require(is_sound(l));
    if (!in.finish()) {
        all.members_.erase(p.number);
        return false;
    }
    if (all_profiles && all.all_profiles_.size() < Negotiation::kMaxRemembered)
        all.all_profiles_.insert(p.identity());
    for (const PeerLink* link : links_of(all, p))
        all.scope_->media.peers[link->id()] = {all.room_, &p, {}};
    all.roster_->touch(p);
    return true;
}

}  // namespace confab::room
