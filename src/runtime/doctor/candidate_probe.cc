// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/doctor/candidate_probe.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "crypto/hmac.h"
#include "crypto/random.h"
#include "runtime/worker/socket/socket_address.h"
#include "wire/ice/rfc4571.h"

namespace confab::doctor {
namespace {

constexpr Duration kRepeat = Duration::millis(250);
constexpr std::uint32_t kPriority = 0x6E00'1EFF;                // of a peer-reflexive candidate
constexpr auto kPadding = static_cast<wire::StunAttr>(0xC0DE);  // may be ignored
constexpr std::size_t kAttributeHeader = 4;
constexpr std::size_t kUdpHeaders = 28;
// The largest payload that confab's media takes, RTP with its tag, is below this.
constexpr std::size_t kMediaDatagram = 1200;
constexpr std::size_t kMaxDatagram = 1500;

Bytes build(const wire::StunTransactionId& id, const ice::CredentialPair& credentials,
            std::size_t padding) {
    Bytes buffer(kMaxDatagram);
    wire::StunBuilder builder(buffer, wire::StunClass::kRequest, wire::StunMethod::kBinding, id);
    builder.text(wire::StunAttr::kUsername,
                 credentials.remote.ufrag + ":" + credentials.local.ufrag);
    builder.u32(wire::StunAttr::kPriority, kPriority);
    builder.u64(wire::StunAttr::kIceControlling, 1);
    if (padding > 0) builder.bytes(kPadding, Bytes(padding));
    const auto mac = crypto::hmac_sha1(as_bytes(credentials.remote.pwd), builder.integrity_input());
    builder.add_integrity(mac).add_fingerprint();
    return to_vector(builder.finish());
}

// One candidate on its way.
struct Attempt {
    CandidateFacts* facts = nullptr;
    worker::FileDescriptor fd;
    Check check;
    Timestamp began = {};
    Timestamp again = {};
    bool connected = false;  // TCP
    Bytes received = {};     // of a stream
    bool over() const { return facts->reach != Reach::kNotTried; }
    void end(Reach reach) {
        facts->reach = reach;
        facts->took = monotonic() - began;
    }
};

Attempt begin(CandidateFacts& facts, const ice::CredentialPair& credentials) {
    Attempt attempt{.facts = &facts, .fd = {}, .check = make_check(credentials)};
    attempt.began = attempt.again = monotonic();
    const int family = facts.address.ip.is_v6() ? AF_INET6 : AF_INET;
    const int kind = facts.is_tcp ? SOCK_STREAM : SOCK_DGRAM;
    attempt.fd = worker::FileDescriptor(::socket(family, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const worker::KernelAddress to = worker::to_kernel(facts.address);
    // UDP sockets are connected, too: so that an ICMP error is heard of.
    if (!attempt.fd ||
        (::connect(attempt.fd.get(), to.get(), to.size) != 0 && errno != EINPROGRESS))
        attempt.end(Reach::kUnreachable);
    return attempt;
}

void send_datagram(Attempt& attempt) {
    const Bytes& bytes = attempt.check.bytes;
    const ssize_t sent = ::send(attempt.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    // Anything else but a dead end is tried again.
    if (sent < 0 && (errno == ENETUNREACH || errno == EHOSTUNREACH))
        attempt.end(Reach::kUnreachable);
}

void open_stream(Attempt& attempt) {
    int error = 0;
    socklen_t size = sizeof error;
    (void)::getsockopt(attempt.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0)
        return attempt.end(error == ECONNREFUSED ? Reach::kRefused : Reach::kUnreachable);
    attempt.connected = true;
    Bytes framed(wire::kRfc4571HeaderSize + attempt.check.bytes.size());
    (void)wire::write_rfc4571(attempt.check.bytes, framed);
    (void)::send(attempt.fd.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
}

// A frame that begins with its length.
bool has_answer(const Attempt& attempt) {
    const Bytes& bytes = attempt.received;
    if (bytes.size() < wire::kRfc4571HeaderSize) return false;
    const std::size_t size = load_be16(bytes.data());
    const BytesView rest = BytesView(bytes).subspan(wire::kRfc4571HeaderSize);
    return rest.size() >= size && answers(attempt.check, rest.first(size));
}

void receive(Attempt& attempt) {
    std::array<std::uint8_t, kMaxDatagram> buffer{};
    const ssize_t size = ::recv(attempt.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == ECONNREFUSED) return attempt.end(Reach::kRefused);
    if (size <= 0) {
        // The server ended a stream; a datagram that is none is waited for on.
        if (attempt.facts->is_tcp && (size == 0 || errno == ECONNRESET))
            attempt.end(Reach::kRefused);
        return;
    }
    const BytesView bytes = BytesView(buffer).first(static_cast<std::size_t>(size));
    if (!attempt.facts->is_tcp) {
        if (answers(attempt.check, bytes)) attempt.end(Reach::kAnswered);
        return;
    }
    attempt.received.insert(attempt.received.end(), bytes.begin(), bytes.end());
    if (has_answer(attempt))
        attempt.end(Reach::kAnswered);
    else if (attempt.received.size() > wire::kMaxRfc4571Frame)
        attempt.end(Reach::kSilent);
}

void go_on(Attempt& attempt, short events) {
    if (attempt.facts->is_tcp && !attempt.connected) {
        if ((events & (POLLOUT | POLLERR | POLLHUP)) != 0) open_stream(attempt);
    } else if ((events & (POLLIN | POLLERR | POLLHUP)) != 0) {
        receive(attempt);
    }
    if (attempt.over() || attempt.facts->is_tcp || monotonic() < attempt.again) return;
    attempt.again = monotonic() + kRepeat;
    send_datagram(attempt);
}

}  // namespace

Check make_check(const ice::CredentialPair& credentials, std::size_t padded_to) {
    Check check;
    crypto::fill_random(check.id);
    check.bytes = build(check.id, credentials, 0);
    if (padded_to > check.bytes.size() + kAttributeHeader && padded_to <= kMaxDatagram)
        check.bytes = build(check.id, credentials,
                            (padded_to - check.bytes.size() - kAttributeHeader) / 4 * 4);
    return check;
}

bool answers(const Check& check, BytesView datagram) {
    const auto message = wire::StunMessage::parse(datagram);
    return message && message->is(wire::StunClass::kSuccess, wire::StunMethod::kBinding) &&
           message->transaction_id() == check.id;
}

void probe_candidates(std::vector<CandidateFacts>& candidates,
                      const ice::CredentialPair& credentials, const Deadline& deadline) {
    std::vector<Attempt> attempts;
    attempts.reserve(candidates.size());
    for (CandidateFacts& facts : candidates)
        attempts.push_back(begin(facts, credentials));
    while (!deadline.over()) {
        std::vector<pollfd> waiting;
        std::vector<Attempt*> open;
        for (Attempt& attempt : attempts) {
            if (attempt.over()) continue;
            const bool connecting = attempt.facts->is_tcp && !attempt.connected;
            waiting.push_back(
                {attempt.fd.get(), static_cast<short>(connecting ? POLLOUT : POLLIN), 0});
            open.push_back(&attempt);
        }
        if (open.empty()) return;
        const Duration wait = std::min(deadline.left(), Duration::millis(50));
        (void)::poll(waiting.data(), waiting.size(), static_cast<int>(wait.ms()));
        for (std::size_t i = 0; i < open.size(); ++i)
            go_on(*open[i], waiting[i].revents);
    }
    for (Attempt& attempt : attempts)
        if (!attempt.over()) attempt.end(Reach::kSilent);
}

PathMtuFacts probe_mtu(const SocketAddress& address, const ice::CredentialPair& credentials,
                       const Deadline& deadline) {
    PathMtuFacts facts;
    CandidateFacts candidate{address, false};
    Attempt attempt = begin(candidate, credentials);
    if (attempt.over()) return facts;
    const bool is_v6 = address.ip.is_v6();
    const int mode = is_v6 ? IPV6_PMTUDISC_DO : IP_PMTUDISC_DO;
    (void)::setsockopt(attempt.fd.get(), is_v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                       is_v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &mode, sizeof mode);
    attempt.check = make_check(credentials, kMediaDatagram);
    facts.tried = true;
    facts.bytes = attempt.check.bytes.size() + kUdpHeaders;
    while (!attempt.over() && !deadline.over()) {
        (void)wait_for(attempt.fd.get(), POLLIN, deadline.within(kRepeat));
        go_on(attempt, POLLIN);
    }
    facts.passes = candidate.reach == Reach::kAnswered;
    return facts;
}

}  // namespace confab::doctor
