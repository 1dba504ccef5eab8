// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/inbound_table.h"

#include <algorithm>

#include "wire/rtp/rtp_extensions.h"

namespace confab::sfu {
namespace {

std::string_view text_extension(const wire::RtpPacketView& packet, std::uint8_t id) {
    const auto data = wire::find_extension(packet, id);
    return data ? as_text(*data) : std::string_view{};
}

}  // namespace

void InboundTable::add(Receiver& receiver) {
    receivers_.push_back(&receiver);
    // What nobody claimed may be its.
    probed_.clear();
}

void InboundTable::remove(const Receiver& receiver, Timestamp now) {
    std::erase(receivers_, &receiver);
    for (const ReceiveLayer& layer : receiver.config().layers) {
        if (layer.ssrc) retire(layer.ssrc->value(), now);
        if (layer.rtx_ssrc) retire(layer.rtx_ssrc->value(), now);
    }
    for (const Known& known : known_)
        if (known.receiver == &receiver) retire(known.ssrc, now);
    std::erase_if(known_, [&](const Known& k) { return k.receiver == &receiver; });
}

// Packets of a track that ended may still be under way, its retransmissions above all: they must
// not be taken for those of another one (08 IMM-9).
void InboundTable::retire(std::uint32_t ssrc, Timestamp now) {
    std::erase_if(retired_, [&](const Retired& r) { return r.ssrc == ssrc; });
    if (retired_.size() >= kMaxRetired) retired_.erase(retired_.begin());
    retired_.push_back({ssrc, now});
}

InboundTable::Age InboundTable::retired(std::uint32_t ssrc, Timestamp now) const {
    for (const Retired& r : retired_)
        if (r.ssrc == ssrc) return now - r.since < kRetired ? Age::kJustNow : Age::kLongAgo;
    return Age::kNever;
}

std::vector<InboundTable::Known>::const_iterator InboundTable::at_or_behind(
    std::uint32_t ssrc) const {
    return std::lower_bound(known_.begin(), known_.end(), ssrc,
                            [](const Known& k, std::uint32_t value) { return k.ssrc < value; });
}

InboundRoute InboundTable::find(std::uint32_t ssrc) const {
    const auto found = at_or_behind(ssrc);
    if (found == known_.end() || found->ssrc != ssrc) return {};
    return {found->receiver, found->receiver->find_by_spatial(found->spatial), found->rtx,
            found->spatial};
}

Ssrc InboundTable::rtx_ssrc_of(const Receiver& receiver, std::uint8_t spatial) const {
    for (const Known& known : known_)
        if (known.receiver == &receiver && known.spatial == spatial && known.rtx)
            return Ssrc(known.ssrc);
    for (const ReceiveLayer& layer : receiver.config().layers)
        if (layer.spatial == spatial && layer.rtx_ssrc) return *layer.rtx_ssrc;
    return {};
}

bool InboundTable::may_probe(std::uint32_t ssrc, Timestamp now) {
    for (Probed& probed : probed_) {
        if (probed.ssrc != ssrc) continue;
        if (now - probed.since >= kProbeAgain) probed = {ssrc, 0, now};
        return ++probed.packets <= kMaxProbes;
    }
    if (probed_.size() >= kMaxProbed) probed_.erase(probed_.begin());
    probed_.push_back({ssrc, 1, now});
    return true;
}

void InboundTable::learn(std::uint32_t ssrc, const InboundRoute& route, Timestamp now) {
    // The SSRC that the layer had before is not its any more.
    std::erase_if(known_, [&](const Known& k) {
        const bool replaced =
            k.receiver == route.receiver && k.spatial == route.spatial && k.rtx == route.rtx;
        if (replaced) retire(k.ssrc, now);
        return replaced;
    });
    std::erase_if(retired_, [&](const Retired& r) { return r.ssrc == ssrc; });
    known_.insert(at_or_behind(ssrc), Known{ssrc, route.receiver, route.spatial, route.rtx});
}

namespace {

InboundRoute media_route(Receiver& receiver, std::string_view rid, std::uint32_t ssrc) {
    InboundStream* stream = receiver.attach(rid, Ssrc(ssrc));
    if (stream == nullptr) return {};
    return {&receiver, stream, false, stream->spatial()};
}

// The layer may not have a stream yet: browsers probe with retransmissions before a layer starts
// (02 IN-52).
InboundRoute rtx_route(Receiver& receiver, std::string_view rid) {
    const ReceiveLayer* layer = receiver.find_layer(rid);
    if (layer == nullptr) return {};
    return {&receiver, receiver.find_by_spatial(layer->spatial), true, layer->spatial};
}

}  // namespace

InboundRoute InboundTable::identify(const wire::RtpPacketView& packet, Age retired) const {
    const std::uint32_t ssrc = packet.header.ssrc;
    const std::uint8_t pt = packet.header.payload_type;
    Receiver* by_type = nullptr;
    std::size_t of_type = 0;
    for (Receiver* receiver : receivers_) {
        const AddReceiver& config = receiver->config();
        for (const ReceiveLayer& layer : config.layers) {
            if (layer.ssrc == Ssrc(ssrc)) return media_route(*receiver, layer.rid, ssrc);
            if (layer.rtx_ssrc == Ssrc(ssrc)) return rtx_route(*receiver, layer.rid);
        }
        if (retired == Age::kJustNow) continue;
        const bool rtx = receiver->is_rtx_payload_type(pt);
        if (!rtx && !receiver->accepts_payload_type(pt)) continue;
        by_type = receiver;
        ++of_type;
        const std::string_view mid = text_extension(packet, config.extensions.mid);
        if (mid.empty() || mid != config.mid) continue;
        const std::string_view rid =
            text_extension(packet, rtx ? config.extensions.repaired_rid : config.extensions.rid);
        return rtx ? rtx_route(*receiver, rid) : media_route(*receiver, rid, ssrc);
    }
    // A client that sends no mid: unambiguous only if one single section takes this type, and that
    // section is no simulcast and has no stream yet.
    if (of_type != 1 || retired != Age::kNever || by_type->config().layers.size() != 1) return {};
    if (by_type->is_rtx_payload_type(pt)) return rtx_route(*by_type, "");
    if (!by_type->streams().empty() || by_type->config().layers.front().ssrc) return {};
    return media_route(*by_type, "", ssrc);
}

InboundRoute InboundTable::resolve(const wire::RtpPacketView& packet, Timestamp now,
                                   bool& new_stream) {
    new_stream = false;
    const std::uint32_t ssrc = packet.header.ssrc;
    if (const InboundRoute route = find(ssrc); route.receiver != nullptr) return route;
    if (ssrc == 0 || !may_probe(ssrc, now)) return {};
    const InboundRoute route = identify(packet, retired(ssrc, now));
    if (route.receiver == nullptr) return {};
    std::erase_if(probed_, [&](const Probed& p) { return p.ssrc == ssrc; });
    learn(ssrc, route, now);
    new_stream = true;
    return route;
}

void InboundTable::keep_early_report(Timestamp now, const wire::SenderReport& report) {
    std::erase_if(early_reports_,
                  [&](const EarlyReport& e) { return e.report.ssrc == report.ssrc; });
    if (early_reports_.size() >= kMaxEarlyReports) early_reports_.erase(early_reports_.begin());
    wire::SenderReport kept = report;
    kept.blocks = {};  // a view into the packet
    early_reports_.push_back({kept, now});
}

std::optional<InboundTable::EarlyReport> InboundTable::take_early_report(std::uint32_t ssrc) {
    const auto found = std::find_if(early_reports_.begin(), early_reports_.end(),
                                    [&](const EarlyReport& e) { return e.report.ssrc == ssrc; });
    if (found == early_reports_.end()) return std::nullopt;
    const EarlyReport report = *found;
    early_reports_.erase(found);
    return report;
}

}  // namespace confab::sfu
