// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/socket/udp_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/worker/socket/receive_time.h"
#include "runtime/worker/socket/socket_address.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace confab::worker {
namespace {

std::string describe(const char* what, const SocketAddress& address) {
    return std::string(what) + " " + address.to_string() + ": " + std::strerror(errno);
}

int enlarge_buffer(int fd, int option, int forced) {
    const int size = UdpSocket::kBufferSize;
    // The forced form needs CAP_NET_ADMIN and passes net.core.rmem_max.
    if (setsockopt(fd, SOL_SOCKET, forced, &size, sizeof size) != 0)
        (void)setsockopt(fd, SOL_SOCKET, option, &size, sizeof size);
    int granted = 0;
    socklen_t length = sizeof granted;
    (void)getsockopt(fd, SOL_SOCKET, option, &granted, &length);
    return granted / 2;  // the kernel reports twice what it uses for data
}

}  // namespace

Result<UdpSocket, std::string> UdpSocket::open(const SocketAddress& local, bool shared,
                                               bool* taken) {
    // The route would choose where answers leave from, not the asker (02 TURN-19).
    if (local.ip.is_none() || local.ip.is_unspecified())
        return fail("listen udp " + local.to_string() + ": one address is needed, not any");
    const int family = local.ip.is_v6() ? AF_INET6 : AF_INET;
    UdpSocket result;
    result.fd_ = FileDescriptor(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!result.fd_) return fail(describe("socket", local));
    const int fd = result.fd_.get();
    const int on = 1;
    if (shared) (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (family == AF_INET6) (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    const KernelAddress address = to_kernel(local);
    if (::bind(fd, address.get(), address.size) != 0) {
        if (taken != nullptr) *taken = errno == EADDRINUSE;
        return fail(describe("listen udp", local));
    }
    CONFAB_TRY_VOID(result.set_up());
    return result;
}

Result<UdpSocket, std::string> UdpSocket::adopt(FileDescriptor fd) {
    int type = 0;
    int protocol = 0;
    socklen_t length = sizeof type;
    const bool is_udp = ::getsockopt(fd.get(), SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
                        type == SOCK_DGRAM &&
                        ::getsockopt(fd.get(), SOL_SOCKET, SO_PROTOCOL, &protocol, &length) == 0 &&
                        protocol == IPPROTO_UDP;
    if (!is_udp) return fail(std::string("adopt udp: no such socket"));
    const int flags = ::fcntl(fd.get(), F_GETFL);
    if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0 ||
        ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0)
        return fail(std::string("adopt udp: ") + std::strerror(errno));
    UdpSocket result;
    result.fd_ = std::move(fd);
    CONFAB_TRY_VOID(result.set_up());
    if (result.local_.port == 0 || result.local_.ip.is_unspecified())
        return fail("adopt udp " + result.local_.to_string() + ": one address is needed, not any");
    return result;
}

Result<void, std::string> UdpSocket::set_up() {
    const int fd = fd_.get();
    receive_buffer_ = enlarge_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE);
    (void)enlarge_buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE);
    request_receive_times(fd);
    KernelAddress bound;
    bound.size = sizeof bound.storage;
    if (::getsockname(fd, bound.get(), &bound.size) != 0)
        return fail(std::string("getsockname: ") + std::strerror(errno));
    local_ = from_kernel(bound.storage);
    return {};
}

// One that was made ready and not filled.
sfu::PacketRef UdpSocket::take_slot_behind(std::size_t place) {
    for (std::size_t i = kBatch - 1; i > place; --i)
        if (slots_[i]) return std::move(slots_[i]);
    return {};
}

std::size_t UdpSocket::receive(sfu::PacketPool& pool, std::array<Received, kBatch>& out) {
    std::array<mmsghdr, kBatch> messages{};
    std::array<iovec, kBatch> buffers;
    std::array<sockaddr_storage, kBatch> addresses;
    std::array<ReceiveControl, kBatch> controls;
    std::size_t ready = 0;
    for (; ready < kBatch; ++ready) {
        if (!slots_[ready]) slots_[ready] = pool.acquire_large();
        if (!slots_[ready]) slots_[ready] = take_slot_behind(ready);
        if (!slots_[ready]) break;
        const BytesSpan room = slots_[ready].buffer();
        buffers[ready] = {room.data(), room.size()};
        msghdr& header = messages[ready].msg_hdr;
        header.msg_name = &addresses[ready];
        header.msg_namelen = sizeof addresses[ready];
        header.msg_iov = &buffers[ready];
        header.msg_iovlen = 1;
        header.msg_control = controls[ready].bytes;
        header.msg_controllen = ReceiveControl::kSize;
    }
    if (ready == 0) return 0;
    const int count =
        ::recvmmsg(fd_.get(), messages.data(), static_cast<unsigned>(ready), 0, nullptr);
    if (count <= 0) return 0;
    timespec clock{};
    (void)clock_gettime(CLOCK_REALTIME, &clock);
    const UnixTime read = to_unix(clock);
    std::size_t filled = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        ++counters_.datagrams_in;
        if ((messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0) {
            ++counters_.truncated;
            continue;
        }
        slots_[i].set_size(messages[i].msg_len);
        out[filled].packet = std::move(slots_[i]);
        out[filled].from = from_kernel(addresses[i]);
        out[filled].waited = wait_of(messages[i].msg_hdr, read);
        ++filled;
    }
    return filled;
}

void UdpSocket::release_slots() {
    for (sfu::PacketRef& slot : slots_)
        slot.reset();
}

// One sendmmsg call's worth of runs; made once, since its 16 KB are not to be cleared each time.
struct UdpSocket::Messages {
    static constexpr std::size_t kMax = 64;
    std::array<mmsghdr, kMax> headers;
    std::array<iovec, kMax> buffers;
    std::array<KernelAddress, kMax> addresses;
    struct alignas(cmsghdr) Control {
        std::array<std::uint8_t, CMSG_SPACE(sizeof(std::uint16_t))> bytes;
    };
    std::array<Control, kMax> controls;
    std::array<const sfu::SendRun*, kMax> runs;
    std::size_t count = 0;

    void add(sfu::SendBatch& batch, const sfu::SendRun& run) {
        runs[count] = &run;
        const BytesSpan bytes = batch.bytes(run);
        add(run.path.remote, {bytes.data(), bytes.size()},
            run.count > 1 ? run.segment_size : std::uint16_t{0});
    }
    // Of one datagram if `segment_size` is 0.
    void add(const SocketAddress& to, iovec bytes, std::uint16_t segment_size) {
        const std::size_t i = count++;
        buffers[i] = bytes;
        write_kernel(to, addresses[i]);
        headers[i] = {};
        msghdr& header = headers[i].msg_hdr;
        header.msg_name = addresses[i].get();
        header.msg_namelen = addresses[i].size;
        header.msg_iov = &buffers[i];
        header.msg_iovlen = 1;
        if (segment_size > 0) set_segment_size(header, i, segment_size);
    }
    void set_segment_size(msghdr& header, std::size_t i, std::uint16_t size) {
        header.msg_control = controls[i].bytes.data();
        header.msg_controllen = controls[i].bytes.size();
        cmsghdr* control = CMSG_FIRSTHDR(&header);
        control->cmsg_level = SOL_UDP;
        control->cmsg_type = UDP_SEGMENT;
        control->cmsg_len = CMSG_LEN(sizeof size);
        std::memcpy(CMSG_DATA(control), &size, sizeof size);
    }
};

UdpSocket::UdpSocket() : messages_(std::make_unique<Messages>()) {}
UdpSocket::UdpSocket(UdpSocket&&) noexcept = default;
UdpSocket& UdpSocket::operator=(UdpSocket&&) noexcept = default;
UdpSocket::~UdpSocket() = default;

namespace {
// What the kernel answers to a segmented send that this route or device does not take: segments
// beyond the MTU (EMSGSIZE or EINVAL, by version), IPsec or no checksum offload (EIO).
bool refuses_segments(int error) {
    return error == EMSGSIZE || error == EINVAL || error == EIO || error == EOPNOTSUPP;
}
bool is_full(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS;
}
}  // namespace

void UdpSocket::send(Timestamp now, sfu::SendBatch& batch, std::uint16_t index) {
    Messages& messages = *messages_;
    if (holds()) send_held(now);
    for (std::size_t i = 0; i < batch.run_count(); ++i) {
        const sfu::SendRun& run = batch.run(i);
        if (run.path.protocol != ice::Protocol::kUdp || run.path.socket != index || run.count == 0)
            continue;
        const bool plain = run.count > 1 && plain_paths_.contains(now, run.path.remote);
        if (!plain) messages.add(batch, run);
        // What came before may be of the same stream: it goes first (DES-11).
        if (messages.count == Messages::kMax || plain) send_messages(now, messages, batch);
        if (plain) send_one_by_one(now, run, batch.bytes(run));
    }
    send_messages(now, messages, batch);
}

void UdpSocket::send_messages(Timestamp now, Messages& messages, sfu::SendBatch& batch) {
    std::size_t done = 0;
    while (done < messages.count && !holds()) {
        const int sent = ::sendmmsg(fd_.get(), &messages.headers[done],
                                    static_cast<unsigned>(messages.count - done), 0);
        if (sent > 0) {
            for (std::size_t i = done; i < done + static_cast<std::size_t>(sent); ++i)
                count_sent(messages.runs[i]->count);
            done += static_cast<std::size_t>(sent);
            continue;
        }
        if (errno == EINTR) continue;
        const sfu::SendRun& run = *messages.runs[done++];
        if (is_full(errno)) {
            hold(now, run, batch.bytes(run));
        } else if (run.count > 1 && refuses_segments(errno)) {
            plain_paths_.add(now, run.path.remote);
            send_one_by_one(now, run, batch.bytes(run));
        } else {
            ++counters_.send_errors;
        }
    }
    for (; done < messages.count; ++done)
        hold(now, *messages.runs[done], batch.bytes(*messages.runs[done]));
    messages.count = 0;
}

void UdpSocket::count_sent(std::uint16_t datagrams) {
    counters_.datagrams_out += datagrams;
    counters_.runs.add(kSendRunBounds, datagrams);
    ++counters_.sends;
}

// What finds no room is held datagram by datagram.
void UdpSocket::send_one_by_one(Timestamp now, const sfu::SendRun& run, BytesView datagrams) {
    const KernelAddress address = to_kernel(run.path.remote);
    ++counters_.unsegmented;
    sfu::SendRun one = run;
    one.count = 1;
    for (std::size_t i = 0; i < run.count; ++i, one.kept_longest >>= 1) {
        const BytesView bytes = datagrams.subspan(i * run.segment_size);
        one.size =
            std::min<std::uint32_t>(run.segment_size, static_cast<std::uint32_t>(bytes.size()));
        if (holds()) {
            hold(now, one, bytes.first(one.size));
            continue;
        }
        ++counters_.sends;
        if (::sendto(fd_.get(), bytes.data(), one.size, 0, address.get(), address.size) >= 0)
            ++counters_.datagrams_out;
        else if (is_full(errno))
            hold(now, one, bytes.first(one.size));
        else
            ++counters_.send_errors;
    }
}

void UdpSocket::hold(Timestamp now, const sfu::SendRun& run, BytesView datagrams) {
    if (!held_) held_ = std::make_unique<HeldRuns>();
    held_->hold(now, run, datagrams);
}

void UdpSocket::send_held(Timestamp now) {
    Messages& messages = *messages_;
    while (HeldRuns::Run* const run = held_->next(now)) {
        messages.add(run->to, {run->datagrams.data(), run->datagrams.size()},
                     run->count > 1 ? run->segment_size : std::uint16_t{0});
        messages.count = 0;
        if (::sendmmsg(fd_.get(), messages.headers.data(), 1, 0) > 0) {
            count_sent(run->count);
        } else if (is_full(errno)) {
            return;
        } else if (errno == EINTR) {
            continue;
        } else {
            ++counters_.send_errors;
        }
        held_->pop();
    }
}

}  // namespace confab::worker
