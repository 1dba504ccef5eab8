// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The offering side (RFC 8829 §5.2): sections are appended and reused, never moved or removed
// (02 SDP-06, SDP-07, 01 SIG-94).
#include <algorithm>

#include "rtc/sdp/answer/section_answer.h"
#include "rtc/sdp/description/transport_info.h"
#include "rtc/sdp/feature_sets.h"
#include "rtc/sdp/offer/offerer_state.h"

namespace confab::sdp {
namespace {

// RED repairs by itself; opus alone is asked for again (SDP-21). Whether a track may be RED is what
// counts: the codec stays in the list of those that are not.
void set_opus_nack(OfferSection& section, bool wanted) {
    for (Codec& codec : section.codecs) {
        if (!is_codec(codec, "opus")) continue;
        std::erase(codec.feedback, "nack");
        if (wanted) codec.feedback.emplace_back("nack");
    }
}

}  // namespace

const Sender* Offerer::State::find_sender(const std::optional<std::uint64_t>& id) const {
    if (!id) return nullptr;
    const auto it = std::ranges::find(senders, *id, &Sender::id);
    return it == senders.end() ? nullptr : &*it;
}

OfferSection* Offerer::State::section_of(std::uint64_t id) {
    const auto it =
        std::ranges::find_if(sections, [id](const OfferSection& s) { return s.sender == id; });
    return it == sections.end() ? nullptr : &*it;
}

// The list of a section that no answer has limited yet, with feedback (SDP-21).
std::vector<Codec> Offerer::State::first_codecs(Kind kind) const {
    const std::vector<Codec>& known = common[kind == Kind::kVideo ? 1 : 0];
    if (!known.empty()) return known;
    std::vector<Codec> out = offered_codecs(codecs, kind);
    const auto feedback = feedback_set(kind, SectionUse::kSubscribe, transport_cc);
    for (Codec& codec : out) {
        if (is_codec(codec, "rtx") || is_codec(codec, "red")) continue;
        codec.feedback.assign(feedback.begin(), feedback.end());
    }
    return out;
}

OfferSection* Offerer::State::append_section(Kind kind) {
    if (sections.size() >= kMaxSections) return nullptr;
    OfferSection section;
    section.kind = kind;
    section.mid = std::to_string(sections.size());
    if (kind != Kind::kApplication) {
        section.codecs = first_codecs(kind);
        section.extensions = offered_extensions(kind, transport_cc, config.playout_delay);
    }
    sections.push_back(std::move(section));
    return &sections.back();
}

void Offerer::State::add_data_section() {
    const bool has = std::ranges::any_of(
        sections, [](const OfferSection& s) { return s.kind == Kind::kApplication; });
    if (config.application && !has) append_section(Kind::kApplication);
}

// Gives every sender without a section a free one of its kind, or a new one.
void Offerer::State::place_senders() {
    for (const Sender& sender : senders) {
        if (section_of(sender.id) != nullptr) continue;
        OfferSection* place = nullptr;
        if (config.client.reuses_transceivers) {
            const auto it = std::ranges::find_if(sections, [&](const OfferSection& s) {
                return s.kind == sender.kind && !s.sender && !s.rejected && s.idle;
            });
            if (it != sections.end()) place = &*it;
        }
        if (place == nullptr) place = append_section(sender.kind);
        if (place == nullptr) continue;
        place->sender = sender.id;
        place->idle = false;
        set_opus_nack(*place, sender.disable_red || !codecs.red || !config.client.supports_red);
    }
}

bool Offerer::State::mirrors_offer(const Description& answer) const {
    if (answer.sections.size() != offered_sections) return false;
    for (std::size_t i = 0; i < offered_sections; ++i) {
        const MediaSection& answered = answer.sections[i];
        if (answered.kind != sections[i].kind) return false;
        // A rejected section may be answered without mid (RFC 8829 §5.3.1).
        if (answered.mid.empty() ? !answered.rejected() : answered.mid != sections[i].mid)
            return false;
    }
    return true;
}

void Offerer::State::apply(const Description& answer) {
    for (std::size_t i = 0; i < offered_sections; ++i) {
        OfferSection& section = sections[i];
        if (section.rejected) continue;
        if (section.kind == Kind::kApplication) {
            section.rejected = answer.sections[i].rejected();
            continue;
        }
        MediaSection answered = answer.sections[i];
        if (!is_usable(answer, answered)) answered.codecs.clear();
        apply_section_answer(answered, section);
        section.idle = !section.offered.has_value();
        auto& known = common[section.kind == Kind::kVideo ? 1 : 0];
        if (known.empty()) known = section.codecs;
    }
    if (std::ranges::any_of(sections,
                            [&](const OfferSection& s) { return refuses_transport_cc(s); }))
        offer_remb();
}

// It was offered there, and the answer has not both, numbers and feedback on them.
bool Offerer::State::refuses_transport_cc(const OfferSection& section) const {
    if (!transport_cc || section.kind != Kind::kVideo || section.rejected || !section.offered)
        return false;
    const bool numbers = std::ranges::find(section.extensions, kExtTransportCc, &ExtMap::uri) !=
                         section.extensions.end();
    return !numbers || std::ranges::none_of(section.codecs, [](const Codec& c) {
        return has_feedback(c, "transport-cc");
    });
}

// Such a client estimates its link itself: the next offer asks for that (SDP-21: never for both).
void Offerer::State::offer_remb() {
    transport_cc = false;
    changed = true;
    const auto ask = [](std::vector<Codec>& list) {
        for (Codec& codec : list) {
            std::erase(codec.feedback, "transport-cc");
            if (!is_codec(codec, "rtx")) codec.feedback.emplace_back("goog-remb");
        }
    };
    for (OfferSection& section : sections) {
        if (section.kind != Kind::kVideo || section.rejected) continue;
        ask(section.codecs);
        std::erase_if(section.extensions, [](const ExtMap& e) { return e.uri == kExtTransportCc; });
        for (const ExtMap& ext : offered_extensions(Kind::kVideo, false, false))
            if (ext.uri == kExtAbsSendTime) section.extensions.push_back(ext);
    }
    ask(common[1]);
}

std::vector<BoundSender> Offerer::State::collect_bound() const {
    std::vector<BoundSender> out;
    for (const OfferSection& section : sections) {
        if (!section.offered || section.offered != section.sender) continue;
        const Sender* sender = find_sender(section.sender);
        if (sender == nullptr) continue;
        const MediaSection described = describe_offer(section, sender);
        BoundSender bound{sender->id, section.mid, {}, extension_ids(described)};
        if (!section.rejected) bound.codecs = negotiated_for(*sender, described, config.client);
        out.push_back(std::move(bound));
    }
    return out;
}

Offerer::Offerer(OffererConfig config) : state_(std::make_unique<State>(std::move(config))) {}
Offerer::~Offerer() = default;
Offerer::Offerer(Offerer&&) noexcept = default;
Offerer& Offerer::operator=(Offerer&&) noexcept = default;

void Offerer::add_sender(Sender sender) {
    if (state_->find_sender(sender.id) != nullptr) return;
    state_->senders.push_back(std::move(sender));
    state_->changed = true;
}

void Offerer::remove_sender(std::uint64_t id) {
    const auto removed =
        std::erase_if(state_->senders, [id](const Sender& sender) { return sender.id == id; });
    if (removed == 0) return;
    OfferSection* section = state_->section_of(id);
    if (section != nullptr) section->sender.reset();
    state_->changed = true;
}

bool Offerer::needs_offer() const {
    return state_->changed;
}

Offer Offerer::make_offer(const LocalTransport& local) {
    State& state = *state_;
    // A data section before any track is mid 0, else it follows the tracks of the first offer,
    // unless they would leave no room for it.
    if (state.senders.empty() || state.senders.size() >= kMaxSections) state.add_data_section();
    state.place_senders();
    state.add_data_section();

    Offer out;
    Description description;
    description.origin = origin_line(state.config.session_id, state.config.session_version++);
    description.extmap_allow_mixed = true;
    description.bundle.emplace();
    for (OfferSection& section : state.sections) {
        const Sender* sender = state.find_sender(section.sender);
        section.offered = section.sender;
        const bool data = section.kind == Kind::kApplication;
        MediaSection described = data ? data_section(section.mid, std::string(kDataProtocol))
                                      : describe_offer(section, sender);
        if (data && section.rejected) described = rejected_section(described);
        if (!described.rejected()) description.bundle->push_back(section.mid);
        if (sender != nullptr && !described.rejected())
            out.mid_to_track_id.emplace(section.mid, sender->track_id);
        description.sections.push_back(std::move(described));
    }
    set_local_transport(description, local, Setup::kActPass);
    out.sdp = write(description);
    state.offered_sections = state.sections.size();
    state.outstanding = true;
    state.changed = false;
    return out;
}

bool Offerer::has_outstanding_offer() const {
    return state_->outstanding;
}

Result<AppliedAnswer, NegotiationError> Offerer::apply_answer(std::string_view answer_text) {
    State& state = *state_;
    if (!state.outstanding) return fail(NegotiationError::kNoOffer);
    const auto answer = parse(answer_text);
    if (!answer) return fail(NegotiationError::kParse);
    if (!state.mirrors_offer(*answer)) return fail(NegotiationError::kSectionMismatch);
    AppliedAnswer out;
    CONFAB_TRY(out.remote, remote_transport(*answer));
    // We offered actpass; anything but passive is taken as active (RFC 8842 §5.3).
    out.remote.local_setup = out.remote.setup == Setup::kPassive ? Setup::kActive : Setup::kPassive;
    state.apply(*answer);
    out.bound = state.collect_bound();
    state.outstanding = false;
    return out;
}

}  // namespace confab::sdp
