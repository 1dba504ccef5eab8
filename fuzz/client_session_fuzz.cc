// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A client's session under arbitrary messages of a server. The input is a list of
//   operation 8 | argument 8 | length 16 | body
// Checked: nothing runs away, what it sends can be read, timers move forward.
// fuzz: modules client
#include "base/bytes.h"
#include "base/check.h"
#include "client/session/session.h"

namespace {

using namespace confab;
using namespace confab::client;

class Driver {
  public:
    explicit Driver(bool single) : session_(config(single), Rng(1)) { (void)session_.start(now_); }

    void step(std::uint8_t operation, std::uint8_t argument, BytesView body) {
        now_ = now_ + Duration::millis(argument);
        switch (operation % 6) {
            case 0:
            case 1:
                (void)session_.handle_signal(now_, as_text(body));
                break;
            case 2:
                description(argument, body);
                break;
            case 3:
                publish(argument);
                break;
            case 4:
                session_.signal_closed();
                (void)session_.resume(now_, livekit::RR_UNKNOWN);
                break;
            default:
                packet(argument, body);
                break;
        }
        drain();
    }

  private:
    static inline srtp::Engine engine_;
    static SessionConfig config(bool single) {
        SessionConfig config;
        config.single = single;
        config.crypto = {&engine_, nullptr, true};
        return config;
    }
    void description(std::uint8_t argument, BytesView body) {
        livekit::SignalResponse response;
        auto& description =
            (argument & 1) != 0 ? *response.mutable_offer() : *response.mutable_answer();
        description.set_sdp(std::string(as_text(body)));
        description.set_id(argument >> 4);
        (void)session_.handle_signal(now_, response);
    }
    void publish(std::uint8_t argument) {
        PublishOptions options;
        options.cid = std::to_string(argument % 8);
        options.plan.layers = {{"", 1, 0, 0, 0, 1}};
        session_.tracks().publish(std::move(options));
    }
    void packet(std::uint8_t argument, BytesView body) {
        Bytes copy = to_vector(body);
        const auto target = (argument & 1) != 0 ? Target::kPublisher : Target::kSubscriber;
        (void)session_.handle_packet(now_, target, {}, copy);
    }
    void drain() {
        if (now_ >= session_.next_deadline()) session_.handle_timeout(now_);
        while (const auto text = session_.poll_signal()) {
            livekit::SignalRequest request;
            CONFAB_CHECK(request.ParseFromString(*text));
        }
        for (int i = 0; session_.poll_transmit(); ++i)
            CONFAB_CHECK(i < 100'000);
        while (session_.poll_event()) {
        }
    }

    Timestamp now_ = Timestamp::micros(1'000'000);
    Session session_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteReader in(BytesView(data, size));
    Driver driver((in.u8() & 1) != 0);
    for (int steps = 0; in.ok() && in.remaining() >= 4 && steps < 200; ++steps) {
        const std::uint8_t operation = in.u8();
        const std::uint8_t argument = in.u8();
        const std::size_t length = std::min<std::size_t>(in.u16(), in.remaining());
        driver.step(operation, argument, in.bytes(length));
    }
    return 0;
}
