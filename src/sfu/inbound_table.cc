// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound_table.h"

#include <algorithm>

#include "wire/rtp_extensions.h"

namespace confab::sfu {
namespace {

std::string_view text_extension(const wire::RtpPacketView& packet, std::uint8_t id) {
    const auto data = wire::find_extension(packet, id);
    return data ? as_text(*data) : std::string_view{};
}

}  // namespace

void InboundTable::add(Receiver& receiver) {
    receivers_.push_back(&receiver);
}

void InboundTable::remove(const Receiver& receiver) {
    std::erase(receivers_, &receiver);
    std::erase_if(known_, [&](const Known& k) { return k.receiver == &receiver; });
}

InboundRoute InboundTable::find(std::uint32_t ssrc) const {
    for (const Known& known : known_)
        if (known.ssrc == ssrc)
            return {known.receiver, known.receiver->find_by_spatial(known.spatial), known.rtx};
    return {};
}

bool InboundTable::may_probe(std::uint32_t ssrc) {
    for (Probed& probed : probed_)
        if (probed.ssrc == ssrc) return ++probed.packets <= kMaxProbes;
    if (probed_.size() >= kMaxProbed) probed_.erase(probed_.begin());
    probed_.push_back({ssrc, 1});
    return true;
}

void InboundTable::learn(std::uint32_t ssrc, const InboundRoute& route) {
    const std::uint8_t spatial = route.stream->spatial();
    // The SSRC that the layer had before is not its any more.
    std::erase_if(known_, [&](const Known& k) {
        return k.receiver == route.receiver && k.spatial == spatial && k.rtx == route.rtx;
    });
    if (known_.size() >= kMaxSsrcs) known_.erase(known_.begin());
    known_.push_back({ssrc, route.receiver, spatial, route.rtx});
}

InboundRoute InboundTable::identify(const wire::RtpPacketView& packet) const {
    const std::uint32_t ssrc = packet.header.ssrc;
    const std::uint8_t pt = packet.header.payload_type;
    Receiver* by_type = nullptr;
    std::size_t of_type = 0;
    for (Receiver* receiver : receivers_) {
        const AddReceiver& config = receiver->config();
        for (const ReceiveLayer& layer : config.layers) {
            if (layer.ssrc == Ssrc(ssrc))
                return {receiver, receiver->attach(layer.rid, Ssrc(ssrc)), false};
            if (layer.rtx_ssrc == Ssrc(ssrc))
                return {receiver, receiver->find_by_rid(layer.rid), true};
        }
        const bool rtx = receiver->is_rtx_payload_type(pt);
        if (!rtx && !receiver->accepts_payload_type(pt)) continue;
        by_type = receiver;
        ++of_type;
        const std::string_view mid = text_extension(packet, config.extensions.mid);
        if (mid.empty() || mid != config.mid) continue;
        const std::string_view rid =
            text_extension(packet, rtx ? config.extensions.repaired_rid : config.extensions.rid);
        if (rtx) return {receiver, receiver->find_by_rid(rid), true};
        return {receiver, receiver->attach(rid, Ssrc(ssrc)), false};
    }
    // A client that sends no mid: unambiguous only if one single section takes this type, and that
    // section is no simulcast and has no stream yet.
    if (of_type != 1 || by_type->config().layers.size() != 1) return {};
    if (by_type->is_rtx_payload_type(pt)) return {by_type, by_type->find_by_rid(""), true};
    if (!by_type->streams().empty() || by_type->config().layers.front().ssrc) return {};
    return {by_type, by_type->attach("", Ssrc(ssrc)), false};
}

InboundRoute InboundTable::resolve(const wire::RtpPacketView& packet, bool& new_stream) {
    new_stream = false;
    const std::uint32_t ssrc = packet.header.ssrc;
    if (const InboundRoute route = find(ssrc)) return route;
    if (ssrc == 0 || !may_probe(ssrc)) return {};
    const InboundRoute route = identify(packet);
    if (!route) return {};
    std::erase_if(probed_, [&](const Probed& p) { return p.ssrc == ssrc; });
    learn(ssrc, route);
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
