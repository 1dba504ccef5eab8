// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the answering side knows of each section across offers, the tracks published on them and
// the senders bound to them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rtc/sdp/answer/section_answer.h"
#include "rtc/sdp/answer/track_matcher.h"
#include "rtc/sdp/codec_table.h"
#include "rtc/sdp/negotiator.h"

namespace confab::sdp {

struct AnswerSection {
    Kind kind = Kind::kAudio;
    std::string mid;
    bool rejected = false;
    Direction offered = Direction::kInactive;
    bool sending = false;             // the client sends
    bool matched = false;             // `track` is what it sends
    std::optional<TrackClaim> track;  // published here, now or last: it still shapes the answer
    std::optional<std::uint64_t> sender;
    bool ever_bound = false;
    std::string shown;  // the stream of the last answer, empty if that had none
    FirstFmtp first_fmtp;
    PublishSection published;  // of the last offer, while sending
};
using AnswerSections = std::vector<AnswerSection>;

struct Answerer::State {
    AnswererConfig config;
    CodecSet publish_codecs;
    CodecSet subscribe_codecs;
    AnswerSections sections;
    std::vector<Sender> senders;  // in order of add_sender
    std::optional<Setup> role;    // fixed by the first answer (DTLS-01)

    explicit State(AnswererConfig c)
        : config(std::move(c)),
          publish_codecs(enabled_codecs(config.publish_codecs, config.client, Purpose::kPublish)),
          subscribe_codecs(
              enabled_codecs(config.subscribe_codecs, config.client, Purpose::kSubscribe)) {}

    // A sender that waits, and the section that it can have.
    struct Place {
        const Sender* sender;
        std::optional<std::size_t> section;
    };

    const Sender* find_sender(std::uint64_t id) const;
    bool is_bound(const AnswerSections& all, std::uint64_t id) const;
    bool is_free(const AnswerSection& section) const;
    std::vector<Place> places(const AnswerSections& all) const;
    MissingSections count_missing() const;

    Result<AnswerSections, NegotiationError> follow(const Description& offer) const;
    static void follow_section(const MediaSection& offered, bool usable, AnswerSection& section);
    void match(AnswerSections& next, const Description& offer,
               const std::vector<PendingTrack>& pending, Answer& out) const;
    void bind(AnswerSections& next) const;
    SectionPlan plan_for(AnswerSection& section) const;
    MediaSection build_section(const MediaSection& offered, AnswerSection& section,
                               bool& has_data) const;
    Description build(const Description& offer, AnswerSections& next, const LocalTransport& local,
                      Setup setup);
    void collect(const Description& offer, const Description& answer, AnswerSections& next,
                 Answer& out) const;
    Setup choose_role(const RemoteTransport& remote, const LocalTransport& local) const;
};

}  // namespace confab::sdp
