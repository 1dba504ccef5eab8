// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A connection as bytes (base/state/state.h): the states of its parts, and what is under way
// between them.
#include "base/state/state.h"

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <utility>

#include "rtc/ice/path_state.h"
#include "rtc/peer/transport.h"

namespace confab::peer {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kMaxChannelsWanted = 256;
constexpr std::size_t kMaxEvents = 65536;
constexpr std::size_t kMaxPayload = std::size_t{1} << 30;  // the bytes that are there are fewer
constexpr std::size_t kMaxRecords = 256;
constexpr std::size_t kMaxNews = 1024;

template <typename Io, typename C>
void change_fields(Io& io, C& change) {
    io.choice(1, change.state, TransportState::kFailed);
    io.choice(2, change.failure, TransportFailure::kStalled);
}

template <typename Io, typename W>
void wanted_fields(Io& io, W& wanted) {
    io.field(1, wanted.label, kMaxText);
    io.field(2, wanted.ordered);
    io.field(3, wanted.max_retransmits);
}

template <typename Io, typename E>
void content(Io& io, E& event) {
    using T = std::remove_const_t<E>;
    if constexpr (std::is_same_v<T, StateChanged>) {
        io.record(2, [&event](auto& inner) { change_fields(inner, event); });
    } else if constexpr (std::is_same_v<T, ChannelOpened>) {
        io.field(2, event.channel);
        io.field(3, event.label, kMaxText);
        io.field(4, event.may_be_lost);
    } else if constexpr (std::is_same_v<T, ChannelClosed>) {
        io.field(2, event.channel);
    } else if constexpr (std::is_same_v<T, MessageReceived>) {
        io.field(2, event.channel);
        io.field(3, event.payload, kMaxPayload);
    }
}

template <typename Io, typename E>
void event_fields(Io& io, E& event) {
    alternative(io, event);
    std::visit([&io](auto& one) { content(io, one); }, event);
}

template <typename Io, typename R>
void remote_fields(Io& io, R& remote) {
    io.field(1, remote.ice.ufrag, ice::kMaxUfrag);
    io.field(2, remote.ice.pwd, ice::kMaxPwd);
    io.choice(3, remote.local_role, dtls::Role::kServer);
    io.list(4, remote.fingerprints, kMaxText, [](auto& inner, auto& fingerprint) {
        inner.choice(1, fingerprint.algorithm, crypto::DigestAlgorithm::kSha512);
        inner.field(2, fingerprint.value, kMaxText);
    });
    io.field(5, remote.sctp);
    io.field(6, remote.sctp_port);
    io.field(7, remote.max_message_size);
}

template <typename Io, typename D>
void datagram_field(Io& io, D& datagram) {
    io.field(1, datagram, kMaxText);
    if constexpr (Io::kReads) io.require(!datagram.empty());
}

}  // namespace

// ---------------------------------------------------------------- the parts

template <typename Self, typename Io>
void ConnectionState::fields(Self& self, Io& io) {
    io.choice(1, self.state_, TransportState::kFailed);
    io.choice(2, self.failure_, TransportFailure::kStalled);
    io.field(3, self.was_connected_);
    io.list(4, self.news_, kMaxNews,
            [](auto& inner, auto& change) { change_fields(inner, change); });
}
void ConnectionState::save(StateWriter& out) const {
    fields(*this, out);
}
void ConnectionState::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void SrtpSession::fields(Self& self, Io& io) {
    io.field(3, self.failure_window_);
    io.field(4, self.failures_in_window_);
    io.field(5, self.counters_.before_keys);
    io.field(6, self.counters_.failures);
    io.field(7, self.counters_.throttled);
}
void SrtpSession::save(StateWriter& out) const {
    if (send_) out.part(1, *send_);
    if (receive_) out.part(2, *receive_);
    fields(*this, out);
}
void SrtpSession::load(srtp::Engine& engine, StateReader& in) {
    in.record(1, [&](StateReader& inner) {
        if (auto context = srtp::SendContext::load(engine, inner)) send_ = std::move(context);
    });
    in.record(2, [&](StateReader& inner) {
        if (auto context = srtp::ReceiveContext::load(engine, inner)) receive_ = std::move(context);
    });
    in.require(send_.has_value() == receive_.has_value());
    fields(*this, in);
}

void SctpTransport::save(StateWriter& out) const {
    if (data_) out.part(1, *data_);
    out.list(2, wanted_, kMaxChannelsWanted,
             [](auto& inner, auto& wanted) { wanted_fields(inner, wanted); });
    out.list(3, events_, kMaxEvents, [](auto& inner, auto& event) { event_fields(inner, event); });
    out.list(4, ahead_, kMaxEvents, [](auto& inner, auto& message) { content(inner, message); });
    out.numbers(5, lossy_, kMaxEvents);
}
void SctpTransport::load(const sctp::DataChannels::Config& config, Rng rng, StateReader& in) {
    in.record(1, [&](StateReader& inner) {
        data_ = std::make_unique<sctp::DataChannels>(config, rng);
        data_->load(inner);
    });
    in.list(2, wanted_, kMaxChannelsWanted,
            [](auto& inner, auto& wanted) { wanted_fields(inner, wanted); });
    in.list(3, events_, kMaxEvents, [](auto& inner, auto& event) { event_fields(inner, event); });
    in.list(4, ahead_, kMaxEvents, [](auto& inner, auto& message) { content(inner, message); });
    in.numbers(5, lossy_, kMaxEvents);
    for (const TransportEvent& event : events_)
        if (const auto* message = std::get_if<MessageReceived>(&event))
            kept_bytes_ += cost(*message);
        else
            ++others_;
    for (const MessageReceived& message : ahead_)
        kept_bytes_ += cost(message);
    if (data_) sctp::set_kept(*data_, kept_bytes_);
}

// ---------------------------------------------------------------- all of it

struct Transport::Fields {
    // Behind the parts that need more than their bytes.
    template <typename Self, typename Io>
    static void rest(Self& self, Io& io) {
        io.field(7, self.dtls_started_);
        io.field(8, self.dtls_connected_);
        io.part(9, self.connection_);
        io.maybe(10, self.early_path_, [](auto& inner, auto& path) { path_fields(inner, path); });
        io.list(11, self.early_flight_, kMaxEarlyFlight,
                [](auto& inner, auto& datagram) { datagram_field(inner, datagram); });
        io.field(12, self.heard_at_);
        io.list(13, self.records_, kMaxRecords,
                [](auto& inner, auto& datagram) { datagram_field(inner, datagram); });
        io.field(14, self.unknown_kind_);
        io.field(15, self.unvalidated_path_);
    }

    // What a connection that is through has, one that is not has not.
    static bool is_sound(const Transport& transport) {
        const bool through = transport.dtls_connected_;
        const bool has_remote = transport.remote_.has_value();
        if (through != transport.srtp_.has_keys() || (through && !has_remote)) return false;
        if (transport.crypto_.simulate_dtls) return !transport.dtls_;
        return has_remote == through && through == transport.dtls_.has_value();
    }

    static void load(Transport& transport, StateReader& in) {
        state_version(in, kVersion);
        in.part(2, transport.agent_);
        in.maybe(3, transport.remote_,
                 [](auto& inner, auto& remote) { remote_fields(inner, remote); });
        in.record(
            4, [&transport](StateReader& inner) { transport.dtls_ = dtls::Session::load(inner); });
        in.record(5, [&transport](StateReader& inner) {
            transport.srtp_.load(*transport.crypto_.engine, inner);
        });
        in.record(6, [&transport](StateReader& inner) {
            const auto config =
                data_config(transport.remote_.value_or(RemoteParameters{}), transport.config_.sctp);
            transport.sctp_.load(config, transport.rng_.fork(), inner);
        });
        rest(transport, in);
        in.require(is_sound(transport));
        if (transport.early_path_)
            for (const ice::LocalCandidate& local : transport.config_.ice.candidates)
                if (local.base == transport.early_path_->local &&
                    local.protocol == transport.early_path_->protocol)
                    transport.early_path_->socket = local.socket;
    }
};

std::optional<crypto::Secret> Transport::export_state(Timestamp now) const {
    if (dtls_ && !(dtls_connected_ && dtls_->is_movable())) return std::nullopt;
    StateWriter out(now);
    state_version(out, kVersion);
    out.part(2, agent_);
    out.maybe(3, remote_, [](auto& inner, auto& remote) { remote_fields(inner, remote); });
    if (dtls_) out.part(4, *dtls_);
    out.part(5, srtp_);
    out.part(6, sctp_);
    Fields::rest(*this, out);
    return crypto::Secret(out.view());
}

bool Transport::import_state(BytesView state, Timestamp now, Before before) {
    StateReader in(state, now);
    Fields::load(*this, in);
    if (!in.finish()) return false;
    if (before == Before::kInDoubt) {
        if (auto* sender = srtp_sender()) sender->skip_ahead(kNumbersInDoubt);
        if (dtls_) dtls_->skip_ahead(kNumbersInDoubt);
    }
    return true;
}

}  // namespace confab::peer
