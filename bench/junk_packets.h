// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Datagrams that no honest client sends to a media port: of every kind that it tells apart
// (RFC 7983), with the right beginning and nothing right behind it.
#pragma once

#include <algorithm>
#include <array>
#include <string>

#include "base/bytes.h"
#include "base/rng.h"
#include "wire/ice/stun.h"
#include "wire/rtp/rtp.h"

namespace confab::bench {

class JunkPackets {
  public:
    explicit JunkPackets(Rng rng) : rng_(rng) {}

    // Valid until the next one.
    BytesView next() {
        switch (count_++ % 8) {
            case 0:
                return random_bytes(1 + rng_.below(1400));
            case 1:
                return media(static_cast<std::uint8_t>(96 + rng_.below(32)));
            case 2:
                return media(static_cast<std::uint8_t>(200 + rng_.below(8)));
            case 3:
                return check(true);
            case 4:
                return check(false);
            case 5:
                return client_hello();
            case 6:
                return record(static_cast<std::uint8_t>(20 + rng_.below(6)));
            default:
                return odd();
        }
    }

    // DTLS 1.2 with the suites that browsers offer (RFC 6347 §4.2.2).
    BytesView client_hello() {
        constexpr std::array<std::uint16_t, 3> kSuites{0xC02B, 0xC02F, 0x00FF};
        ByteWriter body(hello_);
        body.u16(0xFEFD);
        for (int i = 0; i < 8; ++i)
            body.u32(rng_.u32());
        body.u16(0);  // no session, no cookie
        body.u16(2 * kSuites.size());
        for (const std::uint16_t suite : kSuites)
            body.u16(suite);
        body.u16(0x0100);
        constexpr std::array<std::uint8_t, 17> kExtensions{0, 0x0E, 0, 5, 0, 2, 0, 1,   0,
                                                           0, 0x0A, 0, 4, 0, 2, 0, 0x1D};
        body.u16(kExtensions.size());
        body.bytes(kExtensions);
        const auto size = static_cast<std::uint32_t>(body.size());
        ByteWriter out(buffer_);
        begin_record(out, 22, 12 + size);
        out.u32(0x0100'0000U | size);  // client_hello, length
        out.u16(0);                    // message number
        out.u16(0);                    // offset, of 24 bits, and length
        out.u32(size);
        out.bytes(BytesView(hello_).first(size));
        return BytesView(buffer_).first(out.size());
    }

  private:
    BytesView random_bytes(std::size_t size) {
        rng_.fill(BytesSpan(buffer_).first(size));
        return BytesView(buffer_).first(size);
    }
    // RTP or RTCP by the second octet.
    BytesView media(std::uint8_t type) {
        (void)random_bytes(12 + rng_.below(1200));
        const std::size_t size = 12 + rng_.below(1200);
        buffer_[0] = static_cast<std::uint8_t>(0x80U | (buffer_[0] & 0x3FU));
        buffer_[1] = type;
        return BytesView(buffer_).first(size);
    }
    // A check with a name as ours look, and an answer to one.
    BytesView check(bool request) {
        wire::StunTransactionId id;
        rng_.fill(id);
        wire::StunBuilder builder(buffer_,
                                  request ? wire::StunClass::kRequest : wire::StunClass::kSuccess,
                                  wire::StunMethod::kBinding, id);
        if (request)
            builder.text(wire::StunAttr::kUsername, "A" + std::to_string(rng_.u32()) + ":theirs")
                .u32(wire::StunAttr::kPriority, rng_.u32());
        std::array<std::uint8_t, 20> mac;
        rng_.fill(mac);
        (void)builder.integrity_input();
        return builder.add_integrity(mac).add_fingerprint().finish();
    }
    void begin_record(ByteWriter& out, std::uint8_t type, std::uint32_t size) {
        out.u8(type);
        out.u16(0xFEFD);
        out.u16(0);  // epoch, and a number of 48 bits
        out.u16(0);
        out.u32(rng_.u32());
        out.u16(static_cast<std::uint16_t>(size));
    }
    BytesView record(std::uint8_t type) {
        const auto size = static_cast<std::uint32_t>(rng_.below(200));
        (void)random_bytes(13 + size);
        ByteWriter out(buffer_);
        begin_record(out, type, size);
        return BytesView(buffer_).first(13 + size);
    }
    // Nothing, one octet, a TURN channel.
    BytesView odd() {
        const std::size_t size = rng_.below(3) * rng_.below(20);
        (void)random_bytes(20);
        buffer_[0] = static_cast<std::uint8_t>(0x40 + rng_.below(16));
        return BytesView(buffer_).first(size);
    }

    Rng rng_;
    std::size_t count_ = 0;
    std::array<std::uint8_t, 1500> buffer_;
    std::array<std::uint8_t, 128> hello_;
};

}  // namespace confab::bench
