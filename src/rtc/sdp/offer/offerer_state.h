// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the offering side keeps across offers and answers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "rtc/sdp/codec_table.h"
#include "rtc/sdp/negotiator.h"
#include "rtc/sdp/offer/offer_section.h"

namespace confab::sdp {

struct Offerer::State {
    OffererConfig config;
    CodecSet codecs;
    std::vector<OfferSection> sections;  // the data section among them, as kApplication
    std::vector<Sender> senders;         // in order of add_sender
    bool changed = true;                 // the first offer is always due
    bool outstanding = false;
    bool transport_cc;                 // offered until the client refuses it
    std::size_t offered_sections = 0;  // in the outstanding offer
    // What the first answered section of a kind left (index: kind). New sections start with it, so
    // that a payload type has the same parameters in the whole bundle (SDP-26).
    std::array<std::vector<Codec>, 2> common;

    explicit State(OffererConfig c)
        : config(std::move(c)),
          codecs(enabled_codecs(config.codecs, config.client, Purpose::kSubscribe)),
          transport_cc(config.transport_cc) {}

    const Sender* find_sender(const std::optional<std::uint64_t>& id) const;
    OfferSection* section_of(std::uint64_t id);
    std::vector<Codec> first_codecs(Kind kind) const;
    OfferSection* append_section(Kind kind);
    void add_data_section();
    void place_senders();
    bool mirrors_offer(const Description& answer) const;
    void apply(const Description& answer);
    bool refuses_transport_cc(const OfferSection& section) const;
    void offer_remb();
    std::vector<BoundSender> collect_bound() const;
};

}  // namespace confab::sdp
