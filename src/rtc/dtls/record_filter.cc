// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A record (RFC 6347 §4.1), a datagram holds one or more:
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   |     type      |    version (254, 253 or 255)  |     epoch     |
//   |     epoch     |             sequence number (48)              |
//   |                 sequence number               |    length     |
//   |    length     | body …
//
// A handshake message fragment in its body (§4.2.2):
//
//   |   msg_type    |                 length (24)                   |
//   |          message_seq          |       fragment_offset (24)    |
//   |  …            |           fragment_length (24)                | body …
#include "rtc/dtls/record_filter.h"

namespace confab::dtls {
namespace {

// An encrypted Finished with any of our suites; a ClientHello that asks for another handshake
// is longer.
constexpr std::size_t kMaxFinishedRecord = 96;

constexpr std::uint8_t kChangeCipherSpec = 20;
constexpr std::uint8_t kAlert = 21;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kApplicationData = 23;
constexpr std::uint16_t kDtls10 = 0xfeff;  // the first ClientHello of many stacks
constexpr std::uint16_t kDtls12 = 0xfefd;

// Types of handshake messages (RFC 5246 §7.4, RFC 6347 §4.3.2).
constexpr std::uint8_t kClientHello = 1;
constexpr std::uint8_t kServerHello = 2;
constexpr std::uint8_t kHelloVerifyRequest = 3;
constexpr std::uint8_t kNewSessionTicket = 4;
constexpr std::uint8_t kCertificate = 11;
constexpr std::uint8_t kServerKeyExchange = 12;
constexpr std::uint8_t kCertificateRequest = 13;
constexpr std::uint8_t kServerHelloDone = 14;
constexpr std::uint8_t kCertificateVerify = 15;
constexpr std::uint8_t kClientKeyExchange = 16;
constexpr std::uint8_t kCertificateStatus = 22;

}  // namespace

bool RecordFilter::message_expected(std::uint8_t type, std::uint16_t sequence) const {
    if (role_ == Role::kClient)
        return type == kServerHello || type == kHelloVerifyRequest || type == kNewSessionTicket ||
               type == kCertificate || type == kServerKeyExchange || type == kCertificateRequest ||
               type == kServerHelloDone || type == kCertificateStatus;
    // Without HelloVerifyRequest there is one ClientHello, with message_seq 0.
    if (type == kClientHello) return sequence == 0;
    return sequence > 0 &&
           (type == kCertificate || type == kClientKeyExchange || type == kCertificateVerify);
}

bool RecordFilter::handshake_ok(BytesView body) const {
    ByteReader reader(body);
    do {
        const std::uint8_t type = reader.u8();
        const std::uint32_t length = reader.u24();
        const std::uint16_t sequence = reader.u16();
        const std::uint32_t offset = reader.u24();
        const std::uint32_t size = reader.u24();
        reader.skip(size);
        // An empty fragment of a message that is not empty never ends a reassembly (IMM-4).
        const bool empty_fragment = size == 0 && length != 0;
        if (!reader.ok() || length > kMaxHandshakeMessage || offset + size > length ||
            empty_fragment || !message_expected(type, sequence))
            return false;
    } while (reader.remaining() > 0);
    return true;
}

bool RecordFilter::plaintext_ok(std::uint8_t type, BytesView body) const {
    if (type == kChangeCipherSpec) return body.size() == 1 && body[0] == 1;
    return type == kHandshake && handshake_ok(body);
}

bool RecordFilter::passes(std::uint8_t type, std::uint16_t epoch, BytesView body, Phase phase,
                          Counters& counters) {
    if (epoch == 0 && phase != Phase::kHandshake) {
        ++counters.late_plaintext;
        return false;
    }
    if (type == kAlert) {
        ++counters.alerts;
        return false;
    }
    if (body.empty() || epoch > 1 || (epoch == 0 && !plaintext_ok(type, body))) {
        ++counters.malformed_records;
        return false;
    }
    if (epoch == 1 && type == kHandshake) {
        if (phase == Phase::kDone ||
            (phase == Phase::kDoneRepeating && body.size() > kMaxFinishedRecord)) {
            ++counters.late_handshakes;
            return false;
        }
        passed_encrypted_handshake_ = true;
    }
    return true;
}

BytesView RecordFilter::filter(BytesView datagram, Phase phase, Counters& counters) {
    passed_encrypted_handshake_ = false;
    if (datagram.size() > passed_.size()) {
        ++counters.malformed_records;
        return {};
    }
    ByteWriter writer(passed_);
    ByteReader reader(datagram);
    while (reader.remaining() > 0) {
        const std::uint8_t type = reader.u8();
        const std::uint16_t version = reader.u16();
        const std::uint16_t epoch = reader.u16();
        const std::uint64_t number = std::uint64_t{reader.u16()} << 32 | reader.u32();
        const std::uint16_t length = reader.u16();
        const BytesView body = reader.bytes(length);
        if (!reader.ok() || type < kChangeCipherSpec || type > kApplicationData ||
            (version != kDtls12 && version != kDtls10)) {
            // The borders of whatever follows are unknown.
            ++counters.malformed_records;
            break;
        }
        if (!passes(type, epoch, body, phase, counters)) continue;
        const std::uint64_t passed_number = epoch == 0 ? next_number_++ : number;
        writer.u8(type);
        writer.u16(version);
        writer.u16(epoch);
        writer.u16(static_cast<std::uint16_t>(passed_number >> 32));
        writer.u32(static_cast<std::uint32_t>(passed_number));
        writer.u16(length);
        writer.bytes(body);
    }
    return writer.written();
}

}  // namespace confab::dtls
