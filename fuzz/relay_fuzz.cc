// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as the messages of a relay's streams, to both of its ends, and over a link. The input
// is a list of steps
//   operation 8 | number 8 | length 16 | body
// Checked: what can be read as a batch is written and read again the same; both ends come to rest,
// keep no more than they may, count no message twice, and have no session once all is over.
// fuzz: modules cluster/relay rpc
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "cluster/relay/link/link.h"
#include "cluster/relay/media_end.h"
#include "cluster/relay/signal_end.h"
#include "rpc/local_bus.h"

namespace {

using namespace confab;
using namespace confab::cluster::relay;

void check_round(BatchKind kind, std::string_view bytes) {
    const auto batch = decode_batch(kind, bytes);
    if (!batch) return;
    CONFAB_CHECK(batch->messages.size() <= kMaxReceived);
    const std::string again = encode_batch(kind, batch->seq, batch->close, batch->messages);
    const auto second = decode_batch(kind, again);
    CONFAB_CHECK(second && second->messages == batch->messages && second->seq == batch->seq &&
                 second->close == batch->close);
}

// Who does not know the secret is never believed, and who does cannot make it keep more than a
// frame.
void check_link(BytesView bytes) {
    const Timestamp now = Timestamp::micros(1'000'000);
    Link unknown(now, {Link::Role::kListener, "ND_b", "", "secret"}, Link::Nonce{1});
    unknown.received(now, bytes);
    CONFAB_CHECK(unknown.state() != Link::State::kUp);
    Link dialer(now, {Link::Role::kDialer, "ND_a", "ND_b", "secret"}, Link::Nonce{2});
    Link known(now, {Link::Role::kListener, "ND_b", "", "secret"}, Link::Nonce{3});
    for (int i = 0; i < 2; ++i) {
        const std::string there = dialer.take_output();
        known.received(now, as_bytes(there));
        const std::string back = known.take_output();
        dialer.received(now, as_bytes(back));
    }
    CONFAB_CHECK(known.state() == Link::State::kUp && dialer.state() == Link::State::kUp);
    while (!bytes.empty() && known.state() == Link::State::kUp) {
        const Bytes piece = to_vector(bytes.first(std::min<std::size_t>(bytes.size(), 7)));
        known.received(now, piece);
        bytes = bytes.subspan(piece.size());
        while (known.poll_frame()) {
        }
    }
}

class Driver final : public MediaHost, public Placement {
  public:
    Driver() {
        CONFAB_CHECK(media_.serve().has_value());
        server_ = *peer_.serve_stream(
            kRelaySignal, {"ND_peer"},
            [this](const confab::rpc::Request&, std::shared_ptr<confab::rpc::Stream> stream) {
                served_.push_back(std::move(stream));
            });
    }

    void step(std::uint8_t operation, std::uint8_t number, std::string_view body) {
        switch (operation % 10) {
            case 0:
                open(false);
                break;
            case 1:
                open(true);
                break;
            case 2:
                if (joined_.size() < kMaxSessions) joined_.push_back(signal_.start(start()));
                break;
            case 3:
                if (!joined_.empty())
                    signal_.send(joined_[number % joined_.size()], std::string(body));
                break;
            case 4:
                if (!joined_.empty()) signal_.close(joined_[number % joined_.size()]);
                break;
            case 5:
                answer(number, body);
                break;
            case 6:
                now_ = now_ + Duration::millis(number * 40);
                break;
            case 7:
                if (number % 8 == 0) node_died();
                reads_ = number % 2 == 0;
                break;
            default:
                say(operation % 10 == 8 ? opened_ : served_, number, body);
                break;
        }
        settle();
    }
    void finish() {
        reads_ = true;
        opened_.clear();
        served_.clear();
        for (const SessionId id : joined_)
            signal_.close(id);
        for (const SessionId id : hosted_)
            while (media_.receive(id)) {
            }
        settle();
        now_ = now_ + Duration::seconds(60);
        settle();
        CONFAB_CHECK(signal_.snapshot().sessions == 0);
        CONFAB_CHECK(media_.snapshot().sessions == 0);
        CONFAB_CHECK(signal_.next_deadline().is_never() && media_.next_deadline().is_never());
    }

  private:
    static constexpr std::size_t kMaxSessions = 8;

    void find_node(Timestamp, const std::string&,
                   Callback<Result<std::string, confab::rpc::Error>> found) override {
        found(std::string("ND_peer"));
    }
    void start(SessionId id, SessionStart start) override {
        CONFAB_CHECK(!start.room.empty() && !start.grants.identity.empty());
        CONFAB_CHECK(start.grants.video.has_value());
        // What was accepted is sent on the same.
        const std::string bytes = encode_start(start);
        const auto batch = decode_batch(BatchKind::kRequests, bytes);
        CONFAB_CHECK(batch && decode_start(*batch, {}));
        hosted_.push_back(id);
        media_.respond(id, "");
    }
    void readable(SessionId id) override {
        std::size_t count = 0;
        while (reads_ && media_.receive(id))
            CONFAB_CHECK(++count <= kMaxReceived);
    }
    void closed(SessionId id, const confab::rpc::Error&) override {
        CONFAB_CHECK(std::erase(hosted_, id) == 1);
    }

    static SessionStart start() {
        SessionStart start;
        start.room = "room";
        start.grants.identity = "bob";
        start.client.set_protocol(16);
        return start;
    }
    void open(bool properly) {
        if (opened_.size() >= kMaxSessions) return;
        peer_.open(now_, kRelaySignal, {"ND_fuzz"}, {}, {},
                   [this](Result<std::shared_ptr<confab::rpc::Stream>, confab::rpc::Error> stream) {
                       if (stream) opened_.push_back(*std::move(stream));
                   });
        settle();
        if (properly && !opened_.empty()) send(*opened_.back(), encode_start(start()));
    }
    void send(confab::rpc::Stream& stream, std::string bytes) {
        stream.send(now_, std::move(bytes), [](const Result<void, confab::rpc::Error>&) {});
    }
    void say(const std::vector<std::shared_ptr<confab::rpc::Stream>>& streams, std::uint8_t number,
             std::string_view body) {
        if (streams.empty()) return;
        confab::rpc::Stream& stream = *streams[number % streams.size()];
        if (body.empty()) return stream.close({});
        send(stream, std::string(body));
    }
    void answer(std::uint8_t number, std::string_view body) {
        if (hosted_.empty()) return;
        const SessionId id = hosted_[number % hosted_.size()];
        if (body.size() % 7 == 6) {
            body.size() % 2 == 0 ? media_.close(id) : media_.refuse(id, {});
            std::erase(hosted_, id);
            return;
        }
        media_.respond(id, std::string(body));
    }
    void node_died() {
        signal_.node_died("ND_peer");
        media_.node_died("");
    }
    void take_events() {
        while (const auto event = signal_.poll_event()) {
            std::size_t count = 0;
            while (reads_ && signal_.receive(event->session))
                CONFAB_CHECK(++count <= kMaxReceived + 1);
        }
    }
    Timestamp next() const {
        return earlier(hub_.next_deadline(),
                       earlier(signal_.next_deadline(), media_.next_deadline()));
    }
    void settle() {
        int turns = 0;
        for (take_events(); next() <= now_; take_events()) {
            CONFAB_CHECK(++turns < 10'000);
            hub_.handle_timeout(now_);
            signal_.handle_timeout(now_);
            media_.handle_timeout(now_);
        }
        for (const auto& stream : served_)
            while (reads_ && stream->receive()) {
            }
    }

    Timestamp now_ = Timestamp::micros(1'000'000);
    confab::rpc::LocalHub hub_;
    confab::rpc::LocalBus bus_{hub_, "ND_fuzz"};
    confab::rpc::LocalBus peer_{hub_, "ND_peer"};
    confab::rpc::Registration server_;
    SignalEnd signal_{bus_, *this, "ND_fuzz", {}, 1};
    MediaEnd media_{bus_, *this, "ND_fuzz", {}, {}};
    std::vector<std::shared_ptr<confab::rpc::Stream>> opened_;  // to the node with the rooms
    std::vector<std::shared_ptr<confab::rpc::Stream>> served_;  // from the one with the sockets
    std::vector<SessionId> joined_;
    std::vector<SessionId> hosted_;
    bool reads_ = true;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 64 * 1024) return 0;
    check_round(BatchKind::kRequests, as_text({data, size}));
    check_round(BatchKind::kResponses, as_text({data, size}));
    check_link({data, size});
    Driver driver;
    ByteReader in(BytesView(data, size));
    while (in.remaining() >= 4) {
        const std::uint8_t operation = in.u8();
        const std::uint8_t number = in.u8();
        const std::size_t length = in.u16();
        // A copy of the exact size lets the sanitizer see every read past it.
        const std::string body(as_text(in.bytes(std::min(length, in.remaining()))));
        driver.step(operation, number, body);
    }
    driver.finish();
    return 0;
}
