// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/doctor/turn_probe.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <functional>
#include <memory>

#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "crypto/random.h"
#include "runtime/doctor/candidate_probe.h"
#include "runtime/doctor/tls_connection.h"
#include "runtime/worker/socket/socket_address.h"
#include "wire/ice/channel_data.h"

namespace confab::doctor {
namespace {

using wire::StunAttr;
using wire::StunBuilder;
using wire::StunClass;
using wire::StunMessage;
using wire::StunMethod;

constexpr std::uint32_t kUdp = 17U << 24;
constexpr std::size_t kMaxMessage = 2048;
constexpr Duration kRepeat = Duration::millis(400);
constexpr int kUnauthorized = 401;
constexpr int kStaleNonce = 438;

// Whole messages to a TURN server and back, over UDP, TCP or TLS.
class Pipe {
  public:
    // The reach of its port.
    Reach open(const SocketAddress& to, const TurnUrl& url, TlsFacts& tls,
               const Deadline& deadline) {
        is_udp_ = url.is_udp;
        if (is_udp_) return open_datagrams(to);
        Connected connected = connect_tcp(to, deadline);
        fd_ = std::move(connected.fd);
        if (connected.reach != Reach::kAnswered || !url.is_tls) return connected.reach;
        tls_ = std::make_unique<TlsConnection>(fd_.get(), url.host);
        tls = tls_->shake_hands(deadline);
        return connected.reach;
    }
    bool is_udp() const { return is_udp_; }

    void send(BytesView message, const Deadline& deadline) {
        if (tls_)
            (void)tls_->write(message, deadline);
        else
            (void)::send(fd_.get(), message.data(), message.size(), MSG_NOSIGNAL);
    }
    // The next message; empty: none came in time, or none will.
    Bytes receive(const Deadline& deadline) {
        while (true) {
            if (Bytes whole = take_frame(); !whole.empty()) return whole;
            std::array<std::uint8_t, kMaxMessage> buffer{};
            const std::size_t size = read(buffer, deadline);
            if (size == 0 || held_.size() > 2 * kMaxMessage) return {};
            held_.insert(held_.end(), buffer.begin(),
                         buffer.begin() + static_cast<std::ptrdiff_t>(size));
            if (is_udp_) return std::exchange(held_, {});
        }
    }
    bool was_refused() const { return refused_; }

  private:
    Reach open_datagrams(const SocketAddress& to) {
        const int family = to.ip.is_v6() ? AF_INET6 : AF_INET;
        fd_ =
            worker::FileDescriptor(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        const worker::KernelAddress address = worker::to_kernel(to);
        if (!fd_ || ::connect(fd_.get(), address.get(), address.size) != 0)
            return Reach::kUnreachable;
        return Reach::kNotTried;
    }
    std::size_t read(BytesSpan into, const Deadline& deadline) {
        if (tls_) return tls_->read(into, deadline);
        if (!wait_for(fd_.get(), POLLIN, deadline)) return 0;
        const ssize_t size = ::recv(fd_.get(), into.data(), into.size(), MSG_DONTWAIT);
        if (size < 0 && errno == ECONNREFUSED) refused_ = true;
        return size > 0 ? static_cast<std::size_t>(size) : 0;
    }
    Bytes take_frame() {
        if (is_udp_) return {};
        const wire::TurnFrame frame = wire::next_turn_frame(held_, true);
        if (frame.state != wire::TurnFrame::State::kWhole) return {};
        const auto end = held_.begin() + static_cast<std::ptrdiff_t>(frame.size);
        Bytes whole(held_.begin(), end);
        held_.erase(held_.begin(), end);
        return whole;
    }

    bool is_udp_ = true;
    bool refused_ = false;
    worker::FileDescriptor fd_;
    std::unique_ptr<TlsConnection> tls_;
    Bytes held_;
};

// A client with long-term credentials (RFC 8489 §9.2).
class Client {
  public:
    Client(Pipe& pipe, const IceServerFacts& server) : pipe_(pipe), server_(server) {}

    struct Answer {
        bool came = false;
        bool ok = false;
        int code = 0;
    };
    using AddTo = std::function<void(StunBuilder&)>;

    Answer ask(StunMethod method, const AddTo& attributes, const Deadline& deadline) {
        Answer answer = exchange(method, attributes, deadline);
        // The first refusal tells realm and nonce.
        if (answer.code == kStaleNonce || (answer.code == kUnauthorized && fresh_)) {
            fresh_ = false;
            answer = exchange(method, attributes, deadline);
        }
        return answer;
    }

    // A check through the relay: Send and Data indications (RFC 8656 §11).
    bool relays(const SocketAddress& media, const ice::CredentialPair& credentials,
                const Deadline& deadline) {
        const Check check = make_check(credentials);
        while (!deadline.over()) {
            const Deadline turn = deadline.within(kRepeat);
            pipe_.send(indication(media, check.bytes), deadline);
            for (Bytes got = pipe_.receive(turn); !got.empty(); got = pipe_.receive(turn)) {
                const auto message = StunMessage::parse(got);
                if (!message || message->method() != StunMethod::kData) continue;
                const auto data = message->find(StunAttr::kData);
                if (data && answers(check, *data)) return true;
            }
        }
        return false;
    }

  private:
    Answer exchange(StunMethod method, const AddTo& attributes, const Deadline& deadline) {
        wire::StunTransactionId id{};
        crypto::fill_random(id);
        const Bytes request = build(method, id, attributes);
        while (!deadline.over()) {
            pipe_.send(request, deadline);
            const Deadline turn = pipe_.is_udp() ? deadline.within(kRepeat) : deadline;
            for (Bytes got = pipe_.receive(turn); !got.empty(); got = pipe_.receive(turn)) {
                const auto message = StunMessage::parse(got);
                if (message && message->transaction_id() == id) return read(*message);
            }
            if (pipe_.was_refused() || !pipe_.is_udp()) break;
        }
        return {};
    }
    Answer read(const StunMessage& message) {
        Answer answer{.came = true, .ok = message.message_class() == StunClass::kSuccess};
        if (const auto error = message.error_code()) answer.code = error->code;
        if (const auto realm = message.text(StunAttr::kRealm)) realm_ = *realm;
        if (const auto nonce = message.text(StunAttr::kNonce)) nonce_ = *nonce;
        return answer;
    }
    Bytes build(StunMethod method, const wire::StunTransactionId& id, const AddTo& attributes) {
        Bytes buffer(kMaxMessage);
        StunBuilder builder(buffer, StunClass::kRequest, method, id);
        attributes(builder);
        if (!nonce_.empty()) {
            builder.text(StunAttr::kUsername, server_.username);
            builder.text(StunAttr::kRealm, realm_).text(StunAttr::kNonce, nonce_);
            const auto key =
                crypto::md5(as_bytes(server_.username + ":" + realm_ + ":" + server_.credential));
            const auto mac = crypto::hmac_sha1(key, builder.integrity_input());
            builder.add_integrity(mac);
        }
        return to_vector(builder.finish());
    }
    static Bytes indication(const SocketAddress& media, BytesView data) {
        wire::StunTransactionId id{};
        crypto::fill_random(id);
        Bytes buffer(kMaxMessage);
        StunBuilder builder(buffer, StunClass::kIndication, StunMethod::kSend, id);
        builder.xor_address(StunAttr::kXorPeerAddress, media).bytes(StunAttr::kData, data);
        return to_vector(builder.finish());
    }

    Pipe& pipe_;
    const IceServerFacts& server_;
    std::string realm_;
    std::string nonce_;
    bool fresh_ = true;
};

void ask_relay(Client& client, const TurnQuestion& question, TurnFacts& facts,
               const Deadline& deadline) {
    if (!question.media) return;
    const auto permitted = client.ask(
        StunMethod::kCreatePermission,
        [&](StunBuilder& out) { out.xor_address(StunAttr::kXorPeerAddress, *question.media); },
        deadline);
    if (permitted.ok && client.relays(*question.media, question.credentials, deadline))
        facts.relay = Reach::kAnswered;
    else
        facts.relay = permitted.code != 0 ? Reach::kRefused : Reach::kSilent;
    // The allocation ends at once.
    (void)client.ask(
        StunMethod::kRefresh, [](StunBuilder& out) { out.u32(StunAttr::kLifetime, 0); },
        deadline.within(kRepeat));
}

}  // namespace

std::optional<TurnUrl> parse_turn_url(std::string_view url) {
    TurnUrl read;
    if (url.starts_with("turns:"))
        read.is_tls = true;
    else if (!url.starts_with("turn:"))
        return std::nullopt;
    url.remove_prefix(read.is_tls ? 6 : 5);
    const std::string_view place = next_token(url, '?');
    if (url.empty())
        read.is_udp = !read.is_tls;
    else
        read.is_udp = url == "transport=udp" && !read.is_tls;
    if (split_host_port(place, read.host, read.port)) return read;
    if (place.empty() || place.find_first_of(":/") != place.npos) return std::nullopt;
    read.host = std::string(place);
    read.port = read.is_tls ? 5349 : 3478;
    return read;
}

TurnFacts probe_turn(const TurnQuestion& question, const Deadline& deadline) {
    TurnFacts facts;
    facts.url = question.server.url;
    const auto url = parse_turn_url(question.server.url);
    if (!url) return facts;
    facts.is_tls = url->is_tls;
    const NameFacts name = resolve(url->host, deadline);
    if (name.addresses.empty()) {
        facts.resolve_error = name.error;
        return facts;
    }
    Pipe pipe;
    facts.reach = pipe.open({name.addresses.front(), url->port}, *url, facts.tls, deadline);
    const bool open = facts.reach == Reach::kAnswered || facts.reach == Reach::kNotTried;
    if (!open || !facts.tls.faults.empty()) return facts;
    Client client(pipe, question.server);
    const auto allocation = client.ask(
        StunMethod::kAllocate,
        [](StunBuilder& out) { out.u32(StunAttr::kRequestedTransport, kUdp); }, deadline);
    if (url->is_udp)
        facts.reach = allocation.came      ? Reach::kAnswered
                      : pipe.was_refused() ? Reach::kRefused
                                           : Reach::kSilent;
    facts.allocated = allocation.ok;
    facts.error_code = allocation.code;
    if (!allocation.came) facts.error = "the server does not answer";
    if (facts.allocated) ask_relay(client, question, facts, deadline);
    return facts;
}

}  // namespace confab::doctor
