// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/receiver.h"

#include <algorithm>
#include <utility>

namespace confab::sfu {

Receiver::Receiver(AddReceiver config, Ends before)
    : config_(std::move(config)), before_(std::move(before)) {
    if (config_.layers.empty()) config_.layers.emplace_back();
}

void Receiver::renegotiate(std::vector<ReceiveCodec> codecs, const ReceiveExtensions& extensions) {
    config_.codecs = std::move(codecs);
    config_.extensions = extensions;
}

bool Receiver::take_codec(Timestamp now, std::uint8_t pt) {
    auto& codecs = config_.codecs;
    const auto found = std::find_if(codecs.begin(), codecs.end(),
                                    [&](const ReceiveCodec& c) { return c.pt.value() == pt; });
    if (found == codecs.end()) return false;
    const bool first = std::exchange(config_.any_codec, false);
    if (found->codec == codecs.front().codec || config_.kind != MediaKind::kVideo) {
        other_since_ = Timestamp::never();
        return false;
    }
    if (other_since_.is_never() || other_ != found->codec) {
        other_since_ = now;
        other_ = found->codec;
    }
    if (!first && now - other_since_ < kOtherCodec) return false;
    other_since_ = Timestamp::never();
    std::rotate(codecs.begin(), found, found + 1);
    return true;
}

void Receiver::set_muted(Timestamp now, bool muted) {
    muted_ = muted;
    unmuted_.set(now, muted_ || !wanted_ ? 0 : 1);
    for (const auto& stream : streams_)
        stream->set_muted(muted);
}

void Receiver::note_wanted(Timestamp now, bool wanted, double missing_layers) {
    wanted_ = wanted;
    unmuted_.set(now, muted_ || !wanted_ ? 0 : 1);
    missing_layers_.set(now, missing_layers);
}

std::int8_t Receiver::highest_announced() const {
    std::int8_t highest = -1;
    for (const ReceiveLayer& layer : config_.layers)
        highest = std::max(highest, static_cast<std::int8_t>(layer.spatial));
    return highest;
}

const ReceiveLayer* Receiver::find_layer(std::string_view rid) const {
    for (const ReceiveLayer& layer : config_.layers)
        if (layer.rid == rid) return &layer;
    // Without rids in the SDP everything belongs to the one layer (SDP-27: layer 0).
    return config_.layers.size() == 1 && config_.layers.front().rid.empty()
               ? &config_.layers.front()
               : nullptr;
}

InboundStream* Receiver::attach(std::string_view rid, Ssrc ssrc) {
    const ReceiveLayer* layer = find_layer(rid);
    if (layer == nullptr) return nullptr;
    for (auto& stream : streams_) {
        if (stream->spatial() != layer->spatial) continue;
        if (stream->ssrc() != ssrc) {
            auto next = std::make_unique<InboundStream>(config_, *layer, ssrc);
            next->follow(stream->end());
            stream = std::move(next);
        }
        return stream.get();
    }
    streams_.push_back(std::make_unique<InboundStream>(config_, *layer, ssrc));
    streams_.back()->follow(std::move(before_[layer->spatial % before_.size()]));
    return streams_.back().get();
}

Receiver::Ends Receiver::ends() const {
    Ends result;
    for (const auto& stream : streams_)
        result[stream->spatial() % result.size()] = stream->end();
    return result;
}

InboundStream* Receiver::find_by_spatial(std::uint8_t spatial) {
    for (const auto& stream : streams_)
        if (stream->spatial() == spatial) return stream.get();
    return nullptr;
}

bool Receiver::accepts_payload_type(std::uint8_t pt) const {
    return std::any_of(config_.codecs.begin(), config_.codecs.end(),
                       [&](const ReceiveCodec& c) { return c.pt.value() == pt; });
}

bool Receiver::is_rtx_payload_type(std::uint8_t pt) const {
    return std::any_of(config_.codecs.begin(), config_.codecs.end(),
                       [&](const ReceiveCodec& c) { return c.rtx_pt && c.rtx_pt->value() == pt; });
}

bool Receiver::take_started(std::uint8_t spatial, bool sized) {
    const auto bit = static_cast<std::uint8_t>(1U << (spatial & 7U));
    const bool sized_anew = sized && (reported_size_ & bit) == 0;
    if ((reported_started_ & bit) != 0 && !sized_anew) return false;
    reported_started_ = static_cast<std::uint8_t>(reported_started_ | bit);
    if (sized) reported_size_ = static_cast<std::uint8_t>(reported_size_ | bit);
    return true;
}

}  // namespace confab::sfu
