// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The glue to usrsctp's C interface (set-up as in 02 §6.5).
#include "rtc/sctp/usrsctp_peer_test.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <usrsctp.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace {

// The library decides by the wall clock which chunks are old enough to be sent again, so it gets
// the virtual clock of the link.
std::int64_t virtual_us = 0;

}  // namespace

extern "C" __attribute__((visibility("default"))) int gettimeofday(struct timeval* time,
                                                                   void*) noexcept {
    constexpr std::int64_t kEpoch = 1'700'000'000;
    time->tv_sec = kEpoch + virtual_us / 1'000'000;
    time->tv_usec = virtual_us % 1'000'000;
    return 0;
}

namespace confab::sctp {
namespace {

int output(void* address, void* buffer, std::size_t length, std::uint8_t, std::uint8_t) {
    static_cast<UsrsctpPeer*>(address)->on_output(
        BytesView(static_cast<const std::uint8_t*>(buffer), length));
    return 0;
}

int receive(struct socket*, union sctp_sockstore, void* data, std::size_t size,
            struct sctp_rcvinfo info, int flags, void* peer) {
    if (data == nullptr) return 1;
    const BytesView bytes(static_cast<const std::uint8_t*>(data), size);
    auto* self = static_cast<UsrsctpPeer*>(peer);
    if ((flags & MSG_NOTIFICATION) != 0) {
        self->on_notification(bytes);
    } else {
        self->on_message(info.rcv_sid, ntohl(info.rcv_ppid), bytes, (flags & MSG_EOR) != 0);
    }
    std::free(data);
    return 1;
}

void start_library() {
    static const bool started = [] {
        usrsctp_init_nothreads(0, output, nullptr);
        usrsctp_sysctl_set_sctp_ecn_enable(0);
        return true;
    }();
    (void)started;
}

sockaddr_conn address_of(void* peer, std::uint16_t port) {
    sockaddr_conn address{};
    address.sconn_family = AF_CONN;
    address.sconn_port = htons(port);
    address.sconn_addr = peer;
    return address;
}

template <typename T>
void set_option(struct socket* s, int level, int name, const T& value) {
    usrsctp_setsockopt(s, level, name, &value, sizeof(value));
}

}  // namespace

UsrsctpPeer::UsrsctpPeer(std::uint16_t port) : port_(port), clock_offset_us_(virtual_us) {
    start_library();
    usrsctp_register_address(this);
    socket_ = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, receive, nullptr, 0, this);
    usrsctp_set_non_blocking(socket_, 1);
    set_option(socket_, SOL_SOCKET, SO_LINGER, linger{1, 0});
    set_option(socket_, IPPROTO_SCTP, SCTP_NODELAY, std::uint32_t{1});
    sctp_assoc_value resets{};
    resets.assoc_id = SCTP_ALL_ASSOC;
    resets.assoc_value = SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_CHANGE_ASSOC_REQ;
    set_option(socket_, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, resets);
    for (const int type : {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT}) {
        sctp_event event{};
        event.se_assoc_id = SCTP_ALL_ASSOC;
        event.se_on = 1;
        event.se_type = static_cast<std::uint16_t>(type);
        set_option(socket_, IPPROTO_SCTP, SCTP_EVENT, event);
    }
    sctp_initmsg init{};
    init.sinit_num_ostreams = 1024;
    init.sinit_max_instreams = 65535;
    set_option(socket_, IPPROTO_SCTP, SCTP_INITMSG, init);
    set_option(socket_, SOL_SOCKET, SO_SNDBUF, int{1 << 20});
    set_option(socket_, SOL_SOCKET, SO_RCVBUF, int{1 << 20});
    sockaddr_conn address = address_of(this, port_);
    usrsctp_bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
}

UsrsctpPeer::~UsrsctpPeer() {
    usrsctp_close(socket_);
    usrsctp_deregister_address(this);
}

void UsrsctpPeer::connect() {
    sockaddr_conn address = address_of(this, port_);
    usrsctp_connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    sctp_paddrparams path{};
    std::memcpy(&path.spp_address, &address, sizeof(address));
    path.spp_flags = SPP_PMTUD_DISABLE;
    path.spp_pathmtu = 1191;
    set_option(socket_, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, path);
}

void UsrsctpPeer::handle_packet(Timestamp now, BytesView packet) {
    virtual_us = clock_offset_us_ + now.us();
    usrsctp_conninput(this, packet.data(), packet.size(), 0);
}

void UsrsctpPeer::handle_timeout(Timestamp now) {
    virtual_us = clock_offset_us_ + now.us();
    usrsctp_handle_timers(static_cast<std::uint32_t>((now - last_tick_).ms()));
    last_tick_ = now;
}

std::optional<Bytes> UsrsctpPeer::poll_transmit() {
    if (packets_.empty()) return std::nullopt;
    std::optional<Bytes> packet(std::move(packets_.front()));
    packets_.pop_front();
    return packet;
}

std::optional<Event> UsrsctpPeer::poll_event() {
    if (events_.empty()) return std::nullopt;
    std::optional<Event> event(std::move(events_.front()));
    events_.pop_front();
    return event;
}

bool UsrsctpPeer::send(std::uint16_t stream, std::uint32_t ppid, BytesView payload,
                       const SendOptions& options) {
    sctp_sendv_spa spa{};
    spa.sendv_flags = SCTP_SEND_SNDINFO_VALID;
    spa.sendv_sndinfo.snd_sid = stream;
    spa.sendv_sndinfo.snd_ppid = htonl(ppid);
    spa.sendv_sndinfo.snd_flags =
        static_cast<std::uint16_t>(SCTP_EOR | (options.ordered ? 0 : SCTP_UNORDERED));
    if (options.max_retransmits) {
        spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        spa.sendv_prinfo.pr_policy = SCTP_PR_SCTP_RTX;
        spa.sendv_prinfo.pr_value = *options.max_retransmits;
    }
    return usrsctp_sendv(socket_, payload.data(), payload.size(), nullptr, 0, &spa, sizeof(spa),
                         SCTP_SENDV_SPA, 0) == static_cast<ssize_t>(payload.size());
}

bool UsrsctpPeer::reset_streams(std::span<const std::uint16_t> streams) {
    Bytes buffer(sizeof(sctp_reset_streams) + streams.size() * 2);
    auto* request = reinterpret_cast<sctp_reset_streams*>(buffer.data());
    request->srs_assoc_id = SCTP_ALL_ASSOC;
    request->srs_flags = SCTP_STREAM_RESET_OUTGOING;
    request->srs_number_streams = static_cast<std::uint16_t>(streams.size());
    std::memcpy(request->srs_stream_list, streams.data(), streams.size() * 2);
    return usrsctp_setsockopt(socket_, IPPROTO_SCTP, SCTP_RESET_STREAMS, buffer.data(),
                              static_cast<socklen_t>(buffer.size())) == 0;
}

void UsrsctpPeer::on_message(std::uint16_t stream, std::uint32_t ppid, BytesView part,
                             bool complete) {
    partial_.insert(partial_.end(), part.begin(), part.end());
    if (!complete) return;
    events_.push_back(MessageReceived{stream, ppid, std::move(partial_)});
    partial_ = {};
}

void UsrsctpPeer::on_notification(BytesView bytes) {
    union sctp_notification notification{};
    std::memcpy(&notification, bytes.data(), std::min(bytes.size(), sizeof(notification)));
    if (notification.sn_header.sn_type == SCTP_ASSOC_CHANGE) {
        connected_ = notification.sn_assoc_change.sac_state == SCTP_COMM_UP;
        if (notification.sn_assoc_change.sac_state == SCTP_COMM_LOST)
            events_.push_back(Aborted{AbortReason::kPeerAbort, wire::sctp::Cause::kNone});
    } else if (notification.sn_header.sn_type == SCTP_STREAM_RESET_EVENT) {
        const std::uint16_t flags = notification.sn_strreset_event.strreset_flags;
        const bool failed = (flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)) != 0;
        constexpr std::size_t kHeader = offsetof(sctp_stream_reset_event, strreset_stream_list);
        for (std::size_t at = kHeader; at + 2 <= bytes.size(); at += 2) {
            std::uint16_t stream = 0;
            std::memcpy(&stream, &bytes[at], 2);
            if ((flags & SCTP_STREAM_RESET_INCOMING_SSN) != 0) {
                events_.push_back(StreamReset{stream});
            } else {
                events_.push_back(StreamResetDone{stream, !failed});
            }
        }
    }
}

}  // namespace confab::sctp
