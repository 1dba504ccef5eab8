// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The answering side (RFC 8829 §5.3): what is known of each section across offers, the tracks
// published on them and the senders bound to them. An offer that fails changes nothing.
#include <algorithm>
#include <optional>
#include <set>

#include "base/text.h"
#include "rtc/sdp/answer/answerer_state.h"
#include "rtc/sdp/answer/publish_section.h"
#include "rtc/sdp/description/transport_info.h"

namespace confab::sdp {
namespace {

Direction answer_direction(const AnswerSection& section) {
    if (section.sending) return Direction::kRecvOnly;
    if (section.offered != Direction::kRecvOnly) return Direction::kInactive;
    // A section never used is answered sendonly from the start (SDP-01), a freed one inactive.
    const bool idle = section.ever_bound && !section.sender;
    return idle ? Direction::kInactive : Direction::kSendOnly;
}

// Which codec of the track comes first in the answer; nothing: none of them.
std::optional<std::size_t> codec_answered(const TrackClaim& claim, const PublishSection& section) {
    const auto& mimes = claim.track.codec_mimes;
    if (section.codecs.empty()) return std::nullopt;
    const auto is = [&](const std::string& mime) {
        return equals_ignore_case(mime, section.codecs.front().mime);
    };
    if (claim.codec_index < mimes.size() && is(mimes[claim.codec_index])) return std::nullopt;
    const auto found = std::ranges::find_if(mimes, is);
    if (found == mimes.end()) return std::nullopt;
    return static_cast<std::size_t>(found - mimes.begin());
}

}  // namespace

const Sender* Answerer::State::find_sender(std::uint64_t id) const {
    const auto it = std::ranges::find(senders, id, &Sender::id);
    return it == senders.end() ? nullptr : &*it;
}

bool Answerer::State::is_bound(const AnswerSections& all, std::uint64_t id) const {
    return std::ranges::any_of(all, [id](const AnswerSection& s) { return s.sender == id; });
}

bool Answerer::State::is_free(const AnswerSection& section) const {
    return !section.rejected && section.offered == Direction::kRecvOnly && !section.sender &&
           (config.client.reuses_transceivers || !section.ever_bound);
}

// Waiting senders take free sections in the order both came (SDP-40), once the client saw these
// idle: where a section goes from one track to the next, browsers notice no track of the same
// stream and native libwebrtc none at all (SDP-07).
std::vector<Answerer::State::Place> Answerer::State::places(const AnswerSections& all) const {
    std::vector<Place> out;
    std::vector<bool> taken(all.size());
    for (const Sender& sender : senders) {
        if (is_bound(all, sender.id)) continue;
        out.push_back({&sender, std::nullopt});
        Place& place = out.back();
        for (std::size_t i = 0; i < all.size() && !place.section; ++i)
            if (!taken[i] && all[i].kind == sender.kind && is_free(all[i]) && all[i].shown.empty())
                place.section = i;
        if (place.section) taken[*place.section] = true;
    }
    return out;
}

MissingSections Answerer::State::count_missing() const {
    MissingSections missing;
    for (const Place& place : places(sections))
        if (!place.section) ++(place.sender->kind == Kind::kVideo ? missing.video : missing.audio);
    return missing;
}

// Takes the offer's sections as successors of the known ones. A rejected section may come back as
// any other (RFC 8829 §5.2.2), the rest must keep kind and mid.
Result<AnswerSections, NegotiationError> Answerer::State::follow(const Description& offer) const {
    if (offer.sections.size() < sections.size()) return fail(NegotiationError::kSectionsChanged);
    AnswerSections next = sections;
    next.resize(offer.sections.size());
    std::set<std::string_view> mids;
    for (std::size_t i = 0; i < next.size(); ++i) {
        const MediaSection& offered = offer.sections[i];
        if (offered.mid.empty() && !offered.rejected()) return fail(NegotiationError::kBadMid);
        if (!offered.mid.empty() && !mids.insert(offered.mid).second)
            return fail(NegotiationError::kBadMid);
        const bool known = i < sections.size();
        const bool same = next[i].kind == offered.kind && next[i].mid == offered.mid;
        if (known && !same && !next[i].rejected && !offered.rejected())
            return fail(NegotiationError::kSectionsChanged);
        if (!known || (!same && next[i].rejected)) next[i] = AnswerSection{};
        follow_section(offered, is_usable(offer, offered), next[i]);
    }
    return next;
}

void Answerer::State::follow_section(const MediaSection& offered, bool usable,
                                     AnswerSection& section) {
    section.kind = offered.kind;
    if (!offered.mid.empty()) section.mid = offered.mid;
    section.rejected = !usable;
    section.offered = usable ? offered.direction : Direction::kInactive;
    section.sending = usable && offered.is_rtp() && sends(offered.direction);
    if (!section.sending) section.matched = false;
    if (section.offered != Direction::kRecvOnly) section.sender.reset();
}

void Answerer::State::match(AnswerSections& next, const Description& offer,
                            const std::vector<PendingTrack>& pending, Answer& out) const {
    std::vector<OpenSection> open;
    std::vector<TrackClaim> published;
    for (std::size_t i = 0; i < next.size(); ++i) {
        const AnswerSection& section = next[i];
        if (!section.sending) continue;
        const MediaSection& offered = offer.sections[i];
        const std::string track_id = track_id_of(offered);
        if (section.matched) published.push_back(*section.track);
        // The msid of a live track may change with its source; only an announced id means another.
        const bool sure = section.matched && !section.track->guessed;
        if (sure && section.published.sdp_track_id == track_id) continue;
        std::string mime;
        if (!offered.codecs.empty()) mime = mime_of(offered.kind, offered.codecs.front().name);
        open.push_back({i, section.kind, track_id, std::move(mime), sure});
    }
    for (TrackMatch& found : match_tracks(open, pending, published)) {
        AnswerSection& section = next[found.index];
        // Of one that was guessed nobody has made a track.
        if (section.matched && !section.track->guessed) out.ended_mids.push_back(section.mid);
        section.track = std::move(found.claim);
        section.matched = true;
    }
}

void Answerer::State::bind(AnswerSections& next) const {
    if (!config.single) return;
    for (const Place& place : places(next)) {
        if (!place.section) continue;
        AnswerSection& section = next[*place.section];
        section.sender = place.sender->id;
        section.ever_bound = true;
    }
}

SectionPlan Answerer::State::plan_for(AnswerSection& section) const {
    SectionPlan plan;
    plan.client = &config.client;
    plan.single = config.single;
    plan.transport_cc = config.transport_cc;
    plan.playout_delay = config.playout_delay;
    plan.direction = answer_direction(section);
    plan.use = config.single ? SectionUse::kSinglePublish : SectionUse::kPublish;
    if (section.ever_bound) plan.use = SectionUse::kSubscribe;
    const bool to_client = config.single && !section.sending &&
                           (section.offered == Direction::kRecvOnly || section.ever_bound);
    plan.codecs = to_client ? &subscribe_codecs : &publish_codecs;
    // An unmatched section is not shaped by the track it carried before.
    if (section.track && (section.matched || !section.sending)) plan.track = &*section.track;
    if (section.sender) plan.sender = find_sender(*section.sender);
    plan.first_fmtp = &section.first_fmtp;
    return plan;
}

MediaSection Answerer::State::build_section(const MediaSection& offered, AnswerSection& section,
                                            bool& has_data) const {
    if (section.rejected) return rejected_section(offered);
    if (offered.is_rtp()) return answer_section(offered, plan_for(section));
    if (has_data) return rejected_section(offered);  // there is one SCTP association
    has_data = true;
    return data_section(offered.mid, offered.protocol);
}

Description Answerer::State::build(const Description& offer, AnswerSections& next,
                                   const LocalTransport& local, Setup setup) {
    Description out;
    out.origin = origin_line(config.session_id, config.session_version++);
    out.extmap_allow_mixed = offer.extmap_allow_mixed;
    if (offer.bundle) out.bundle.emplace();
    bool has_data = false;
    for (std::size_t i = 0; i < next.size(); ++i) {
        out.sections.push_back(build_section(offer.sections[i], next[i], has_data));
        const MediaSection& section = out.sections.back();
        if (out.bundle && !section.rejected()) out.bundle->push_back(section.mid);
        if (!section.rejected()) continue;
        // A sender stays: it has no codec here, as its owner is told, and would have none
        // elsewhere.
        next[i].rejected = true;
        next[i].sending = false;
        next[i].matched = false;
    }
    set_local_transport(out, local, setup);
    return out;
}

// Fills in the parts of the result that depend on both descriptions.
void Answerer::State::collect(const Description& offer, const Description& answer,
                              AnswerSections& next, Answer& out) const {
    for (std::size_t i = 0; i < next.size(); ++i) {
        AnswerSection& section = next[i];
        const bool sent_before = i < sections.size() && sections[i].sending;
        if (sent_before && !section.sending) out.ended_mids.push_back(sections[i].mid);
        if (section.sending) {
            section.published = describe_publish(offer.sections[i], answer.sections[i]);
            if (section.matched && !section.track->guessed) {
                section.published.cid = section.track->track.cid;
                section.published.codec_index = section.track->codec_index;
                out.publish.push_back(section.published);
            }
        }
        const Sender* sender = section.sender ? find_sender(*section.sender) : nullptr;
        section.shown = sender != nullptr && !section.rejected ? sender->stream_id : "";
        if (sender == nullptr) continue;
        out.bound.push_back({sender->id, section.mid,
                             negotiated_for(*sender, answer.sections[i], config.client),
                             extension_ids(answer.sections[i])});
        if (!section.rejected) out.mid_to_track_id.emplace(section.mid, sender->track_id);
    }
}

Setup Answerer::State::choose_role(const RemoteTransport& remote,
                                   const LocalTransport& local) const {
    if (role) return *role;
    if (remote.setup == Setup::kActive) return Setup::kPassive;
    if (remote.setup == Setup::kPassive) return Setup::kActive;
    return remote.ice_lite && !local.ice_lite ? Setup::kPassive : Setup::kActive;
}

Answerer::Answerer(AnswererConfig config) : state_(std::make_unique<State>(std::move(config))) {}
Answerer::~Answerer() = default;
Answerer::Answerer(Answerer&&) noexcept = default;
Answerer& Answerer::operator=(Answerer&&) noexcept = default;

void Answerer::add_sender(Sender sender) {
    if (state_->find_sender(sender.id) == nullptr) state_->senders.push_back(std::move(sender));
}

void Answerer::remove_sender(std::uint64_t id) {
    std::erase_if(state_->senders, [id](const Sender& sender) { return sender.id == id; });
    for (AnswerSection& section : state_->sections)
        if (section.sender == id) section.sender.reset();
}

MissingSections Answerer::missing() const {
    return state_->count_missing();
}

Result<Answer, NegotiationError> Answerer::answer(std::string_view offer_text,
                                                  const std::vector<PendingTrack>& pending,
                                                  const LocalTransport& local) {
    const auto offer = parse(offer_text);
    if (!offer)
        return fail(offer.error() == SdpError::kTooManySections ? NegotiationError::kTooManySections
                                                                : NegotiationError::kParse);
    Answer out;
    CONFAB_TRY(AnswerSections next, state_->follow(*offer));
    CONFAB_TRY(out.remote, remote_transport(*offer));
    out.remote.local_setup = state_->choose_role(out.remote, local);
    state_->match(next, *offer, pending, out);
    state_->bind(next);
    const Description answer = state_->build(*offer, next, local, out.remote.local_setup);
    out.sdp = write(answer);
    state_->collect(*offer, answer, next, out);

    state_->sections = std::move(next);
    state_->role = out.remote.local_setup;
    out.missing = state_->count_missing();
    out.waiting = !state_->places(state_->sections).empty();
    return out;
}

std::vector<PublishSection> Answerer::match_late(const std::vector<PendingTrack>& pending) {
    std::vector<OpenSection> open;
    std::vector<TrackClaim> published;
    AnswerSections& all = state_->sections;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (!all[i].sending) continue;
        if (all[i].matched) published.push_back(*all[i].track);
        if (all[i].matched && !all[i].track->guessed) continue;
        const PublishSection& section = all[i].published;
        const std::string mime = section.codecs.empty() ? "" : section.codecs.front().mime;
        open.push_back({i, all[i].kind, section.sdp_track_id, mime, false});
    }
    std::vector<PublishSection> out;
    for (TrackMatch& found : match_tracks(open, pending, published)) {
        AnswerSection& section = all[found.index];
        // Answered before it was announced, it may have become one of the track's other codecs.
        found.claim.codec_index =
            codec_answered(found.claim, section.published).value_or(found.claim.codec_index);
        section.published.cid = found.claim.track.cid;
        section.published.codec_index = found.claim.codec_index;
        section.track = std::move(found.claim);
        section.matched = true;
        out.push_back(section.published);
    }
    return out;
}

std::string_view to_text(NegotiationError error) {
    switch (error) {
        case NegotiationError::kParse:
            return "not a session description";
        case NegotiationError::kBadMid:
            return "missing or repeated mid";
        case NegotiationError::kNoTransport:
            return "no ICE or DTLS parameters";
        case NegotiationError::kSectionsChanged:
            return "sections changed";
        case NegotiationError::kTooManySections:
            return "too many sections";
        case NegotiationError::kNoOffer:
            return "no outstanding offer";
        case NegotiationError::kSectionMismatch:
            return "answer does not mirror the offer";
    }
    return "";
}

}  // namespace confab::sdp
