// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/client/client_socket.h"

namespace confab::sim {
namespace {
constexpr std::size_t kMaxPacket = 1500;
constexpr std::size_t kMaxTag = 64;  // of SRTP and SRTCP
}  // namespace

void ClientSocket::queue(Bytes datagram) {
    if (media_.size() >= kMaxQueued) return;
    media_.push_back({transport_.path()->remote, std::move(datagram)});
}

void ClientSocket::send_rtp(const wire::RtpHeader& header, wire::ExtensionWriter& extensions,
                            BytesView payload) {
    if (!can_send() || transport_.srtp_sender() == nullptr) return;
    Bytes packet(kMaxPacket);
    ByteWriter writer(packet);
    wire::RtpHeader h = header;
    h.has_extension = !extensions.empty();
    wire::write_rtp_header(writer, h);
    extensions.write(writer);
    // The first number of an SSRC is its index; those after it count on.
    const auto index = static_cast<std::uint64_t>(indices_[header.ssrc].unwrap(header.sequence) -
                                                  SeqUnwrapper::kStart);
    const std::size_t size =
        transport_.srtp_sender()->protect_rtp(packet, writer.size(), payload, index);
    packet.resize(size);
    if (size > 0) queue(std::move(packet));
}

void ClientSocket::send_rtcp(BytesView compound) {
    if (!can_send() || transport_.srtp_sender() == nullptr || compound.empty()) return;
    Bytes packet = to_vector(compound);
    packet.resize(compound.size() + kMaxTag);
    packet.resize(transport_.srtp_sender()->protect_rtcp(packet, compound.size()));
    if (!packet.empty()) queue(std::move(packet));
}

std::optional<OutgoingDatagram> ClientSocket::poll_transmit() {
    if (const auto datagram = transport_.poll_transmit())
        return OutgoingDatagram{datagram->path.remote, to_vector(datagram->bytes)};
    if (media_.empty()) return std::nullopt;
    std::optional<OutgoingDatagram> out(std::move(media_.front()));
    media_.pop_front();
    return out;
}

}  // namespace confab::sim
