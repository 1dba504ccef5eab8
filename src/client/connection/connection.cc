// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/connection/connection.h"

#include "crypto/certificate.h"
#include "wire/ice/candidate.h"

namespace confab::client {
namespace {

constexpr std::size_t kMaxPacket = 1500;
constexpr std::size_t kMaxTag = 64;  // of SRTP and SRTCP
constexpr std::size_t kUfragSize = 4;
constexpr std::size_t kPwdSize = 24;
// Host candidates: type preference 126 (RFC 8445 §5.1.2.1), local preference as browsers have it.
constexpr std::uint32_t kHostPriority = 2'122'194'687;

// As libwebrtc asks on a connection that works.
constexpr Duration kKeepalive = Duration::micros(2'500'000);

peer::TransportConfig transport_config(const ConnectionConfig& config) {
    peer::TransportConfig transport;
    transport.profiles = config.profiles;
    transport.ice.local = {config.local.ufrag, config.local.pwd};
    transport.ice.role = config.role;
    transport.ice.timers.keepalive_answered = kKeepalive;
    transport.ice.candidates = {{0, ice::Protocol::kUdp, config.address}};
    return transport;
}

}  // namespace

std::string random_text(Rng& rng, std::size_t size) {
    static constexpr std::string_view kLetters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    std::string text;
    for (std::size_t i = 0; i < size; ++i)
        text += kLetters[rng.below(kLetters.size())];
    return text;
}

Connection::Connection(ConnectionConfig config, Rng rng)
    : config_([&] {
          config.local.ufrag = random_text(rng, kUfragSize);
          config.local.pwd = random_text(rng, kPwdSize);
          return std::move(config);
      }()),
      rng_(rng.fork()),
      transport_(config_.crypto, transport_config(config_), rng_.fork()) {
    if (!config_.opens_channels) return;
    transport_.want_channel({}, {"_lossy", false, std::uint16_t{0}});
    transport_.want_channel({}, {"_reliable", true, {}});
    transport_.want_channel({}, {"_data_track", false, std::uint16_t{0}});
}

// ---------------------------------------------------------------- descriptions

bool Connection::set_remote(Timestamp now, const sdp::Description& remote, bool is_answer) {
    if (remote.sections.empty()) return false;
    const sdp::MediaSection& section = remote.sections.front();
    peer::RemoteParameters parameters;
    parameters.ice = {section.ufrag.empty() ? remote.ufrag : section.ufrag,
                      section.pwd.empty() ? remote.pwd : section.pwd};
    const sdp::Setup setup = section.setup.value_or(remote.setup.value_or(sdp::Setup::kActive));
    parameters.local_role =
        is_answer && setup == sdp::Setup::kActive ? dtls::Role::kServer : dtls::Role::kClient;
    const auto& prints = section.fingerprints.empty() ? remote.fingerprints : section.fingerprints;
    for (const sdp::Fingerprint& print : prints)
        if (const auto algorithm = crypto::digest_from_sdp_name(print.algorithm))
            if (auto value = crypto::parse_fingerprint(print.value))
                parameters.fingerprints.push_back({*algorithm, std::move(*value)});
    for (const sdp::MediaSection& one : remote.sections)
        parameters.sctp = parameters.sctp || (!one.is_rtp() && !one.rejected());
    remote_ = parameters.ice;
    transport_.set_remote(now, parameters);
    for (const sdp::MediaSection& one : remote.sections)
        for (const std::string& line : one.candidates)
            add_candidate(now, line);
    return true;
}

void Connection::add_candidate(Timestamp now, std::string_view line) {
    const auto candidate = wire::parse_candidate(line);
    if (!candidate || candidate->is_mdns() || candidate->address.port == 0) return;
    if (candidate->transport == wire::CandidateTransport::kTcp) {
        const bool usable = candidate->tcp_type == wire::TcpType::kPassive &&
                            tcp_candidates_.size() < kMaxTcpCandidates;
        if (usable) tcp_candidates_.push_back(candidate->address);
        return;
    }
    transport_.add_remote_candidate(
        now, {ice::Protocol::kUdp, candidate->address, candidate->type, candidate->priority});
}

void Connection::restart_ice(Timestamp now) {
    config_.local.ufrag = random_text(rng_, kUfragSize);
    config_.local.pwd = random_text(rng_, kPwdSize);
    transport_.restart_ice(now, {{config_.local.ufrag, config_.local.pwd}, false});
}

std::string Connection::candidate_init() const {
    return "{\"candidate\":\"candidate:2022861010 1 udp " + std::to_string(kHostPriority) + " " +
           config_.address.ip.to_string() + " " + std::to_string(config_.address.port) +
           " typ host generation 0 ufrag " + config_.local.ufrag +
           " network-id 1\",\"sdpMid\":\"0\",\"sdpMLineIndex\":0,\"usernameFragment\":\"" +
           config_.local.ufrag + "\"}";
}

// ---------------------------------------------------------------- data channels

bool Connection::send_message(Timestamp now, const std::string& label, Bytes payload) {
    const auto channel = channels_.find(label);
    if (channel == channels_.end() || !transport_.connected()) return false;
    return transport_.send_message(now, channel->second, sctp::SharedBytes(std::move(payload))) ==
           sctp::SendStatus::kOk;
}

std::size_t Connection::unacknowledged(const std::string& label) const {
    const auto channel = channels_.find(label);
    return channel == channels_.end() ? 0 : transport_.data().buffered_amount(channel->second);
}

std::string Connection::label_of(std::uint16_t channel) const {
    for (const auto& [label, id] : channels_)
        if (id == channel) return label;
    return {};
}

std::optional<peer::TransportEvent> Connection::poll_event() {
    auto event = transport_.poll_event();
    if (!event) return event;
    if (const auto* opened = std::get_if<peer::ChannelOpened>(&*event)) {
        if (channels_.size() < kMaxChannels) channels_[opened->label] = opened->channel;
    } else if (const auto* closed = std::get_if<peer::ChannelClosed>(&*event)) {
        std::erase_if(channels_, [&](const auto& c) { return c.second == closed->channel; });
    }
    return event;
}

// ---------------------------------------------------------------- media

void Connection::queue(Bytes datagram) {
    if (media_.size() >= kMaxQueued) return;
    media_.push_back({*transport_.path(), std::move(datagram)});
}

void Connection::send_rtp(const wire::RtpHeader& header, wire::ExtensionWriter& extensions,
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

void Connection::send_rtcp(BytesView compound) {
    if (!can_send() || transport_.srtp_sender() == nullptr || compound.empty()) return;
    Bytes packet = to_vector(compound);
    packet.resize(compound.size() + kMaxTag);
    packet.resize(transport_.srtp_sender()->protect_rtcp(packet, compound.size()));
    if (!packet.empty()) queue(std::move(packet));
}

std::optional<OutgoingDatagram> Connection::poll_transmit() {
    if (const auto datagram = transport_.poll_transmit())
        return OutgoingDatagram{datagram->path, to_vector(datagram->bytes)};
    if (media_.empty()) return std::nullopt;
    std::optional<OutgoingDatagram> out(std::move(media_.front()));
    media_.pop_front();
    return out;
}

}  // namespace confab::client
