// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as the state of an SRTP context of either direction (07 SIO-11): what is taken is
// written and taken again and says the same, and indices never go back.
// fuzz: modules rtc/srtp crypto base wire
#include <cstdlib>

#include "base/state/state.h"
#include "rtc/srtp/receive_context.h"
#include "rtc/srtp/send_context.h"

using namespace confab;

namespace {

const Timestamp kNow = Timestamp::micros(1'000'000'000);

void require(bool condition) {
    if (!condition) std::abort();
}

template <typename Context>
std::optional<Context> take(srtp::Engine& engine, BytesView input) {
    StateReader in(input, kNow);
    auto context = Context::load(engine, in);
    if (!context || !in.finish()) return std::nullopt;
    const Bytes state = export_state(*context, kNow);
    StateReader second(state, kNow);
    auto again = Context::load(engine, second);
    require(again.has_value() && second.finish());
    require(export_state(*again, kNow) == state);
    return context;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    srtp::Engine engine(srtp::Backend::kOpenssl);
    const BytesView input(data, size);
    Bytes packet(200, 7);
    packet[0] = 0x80;
    if (auto sender = take<srtp::SendContext>(engine, input)) {
        const std::uint32_t before = sender->next_srtcp_index();
        const std::size_t protected_size = sender->protect_rtcp(packet, 100);
        require(protected_size == 0 || sender->next_srtcp_index() == before + 1);
        sender->skip_ahead(1000);
        require(sender->next_srtcp_index() >= before);
        require(sender->next_srtcp_index() <= srtp::kMaxSrtcpIndex + 1);
    }
    if (auto receiver = take<srtp::ReceiveContext>(engine, input)) {
        Bytes copy = packet;
        (void)receiver->unprotect_rtp(copy);
        copy = packet;
        (void)receiver->unprotect_rtcp(copy);
    }
    return 0;
}
