// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sections and packets for the tests of who a packet belongs to.
#pragma once

#include <cstdint>
#include <string>

#include "sfu/inbound/inbound_table.h"
#include "wire/rtp/rtp_extensions.h"

namespace confab::sfu::table_test {

inline Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(1'000'000 + ms * 1000);
}

inline AddReceiver simulcast(const std::string& mid) {
    AddReceiver config;
    config.kind = MediaKind::kVideo;
    config.mid = mid;
    config.codecs = {{Codec::kVp8, PayloadType(96), PayloadType(97), 90'000, true}};
    config.extensions.mid = 4;
    config.extensions.rid = 5;
    config.extensions.repaired_rid = 6;
    config.layers = {{"q", 0, {}, {}, 0, 0}, {"h", 1, {}, {}, 0, 0}, {"f", 2, {}, {}, 0, 0}};
    return config;
}

struct Built {
    Bytes bytes;
    wire::RtpPacketView view() const { return wire::parse_rtp(bytes).value(); }
};
inline Built packet(std::uint32_t ssrc, std::uint8_t pt, const std::string& mid,
                    const std::string& rid, std::uint8_t rid_id = 5) {
    Built built{Bytes(200)};
    ByteWriter out(built.bytes);
    wire::RtpHeader header;
    header.ssrc = ssrc;
    header.payload_type = pt;
    wire::ExtensionWriter extensions;
    if (!mid.empty()) extensions.add(4, as_bytes(mid));
    if (!rid.empty()) extensions.add(rid_id, as_bytes(rid));
    header.has_extension = !extensions.empty();
    wire::write_rtp_header(out, header);
    extensions.write(out);
    out.u32(0x10203040);
    built.bytes.resize(out.size());
    return built;
}

}  // namespace confab::sfu::table_test
