// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Messages of Protocol Buffers by hand, and read again, for tests of data packets: this module
// knows no generated code.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace confab::sfu::test {

class WireMessage {
  public:
    WireMessage& raw(BytesView bytes) {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    WireMessage& number(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7)
            bytes_.push_back(static_cast<std::uint8_t>(value | 0x80));
        bytes_.push_back(static_cast<std::uint8_t>(value));
        return *this;
    }
    WireMessage& varint(unsigned field, std::uint64_t value) {
        return number(field << 3).number(value);
    }
    WireMessage& bytes(unsigned field, BytesView body) {
        return number(field << 3 | 2).number(body.size()).raw(body);
    }
    WireMessage& text(unsigned field, std::string_view body) {
        return bytes(field, as_bytes(body));
    }
    WireMessage& message(unsigned field, const WireMessage& body) {
        return bytes(field, body.bytes_);
    }
    WireMessage& fixed64(unsigned field) { return number(field << 3 | 1).raw(Bytes(8, 0x64)); }
    WireMessage& fixed32(unsigned field) { return number(field << 3 | 5).raw(Bytes(4, 0x32)); }
    const Bytes& encoded() const { return bytes_; }

  private:
    Bytes bytes_;
};

// A message as it is read by a client: what stands last counts, unless all do.
class ReadMessage {
  public:
    explicit ReadMessage(BytesView bytes) {
        ByteReader in(bytes);
        while (in.ok() && !in.at_end()) {
            const std::uint64_t key = read_number(in);
            Field field{static_cast<unsigned>(key >> 3), 0, {}};
            if ((key & 7) == 0) field.value = read_number(in);
            if ((key & 7) == 1) field.body = as_text(in.bytes(8));
            if ((key & 7) == 2) field.body = as_text(in.bytes(read_number(in)));
            if ((key & 7) == 5) field.body = as_text(in.bytes(4));
            fields_.push_back(field);
        }
        is_whole_ = in.ok();
    }
    bool is_whole() const { return is_whole_; }
    bool has(unsigned number) const { return !all(number).empty(); }
    std::vector<std::string> all(unsigned number) const {
        std::vector<std::string> found;
        for (const Field& field : fields_)
            if (field.number == number) found.push_back(field.body);
        return found;
    }
    std::string text(unsigned number) const {
        const auto found = all(number);
        return found.empty() ? std::string() : found.back();
    }
    std::uint64_t value(unsigned number) const {
        std::uint64_t last = 0;
        for (const Field& field : fields_)
            if (field.number == number) last = field.value;
        return last;
    }
    ReadMessage message(unsigned number) const { return ReadMessage(as_bytes(text(number))); }

  private:
    struct Field {
        unsigned number = 0;
        std::uint64_t value = 0;
        std::string body;
    };
    static std::uint64_t read_number(ByteReader& in) {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint8_t byte = in.u8();
            value |= std::uint64_t{byte & 0x7FU} << shift;
            if ((byte & 0x80) == 0) break;
        }
        return value;
    }
    std::vector<Field> fields_;
    bool is_whole_ = false;
};

// A DataPacket {user {payload}, sequence, destination_identities}.
inline Bytes text_packet(const std::string& text, std::uint32_t sequence = 0,
                         const std::string& to = {}) {
    WireMessage packet;
    packet.message(2, WireMessage().text(2, "[[[" + text + "]]]"));
    if (!to.empty()) packet.text(5, to);
    if (sequence > 0) packet.varint(16, sequence);
    return packet.encoded();
}
inline std::string text_in(const std::string& packet) {
    const auto from = packet.find("[[[");
    const auto to = packet.find("]]]");
    return from == std::string::npos ? std::string() : packet.substr(from + 3, to - from - 3);
}

}  // namespace confab::sfu::test
