// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The rules are those of record_filter.h and of Session with libssl behind it.
#include "rtc/dtls/moved_records.h"

#include <algorithm>
#include <utility>

namespace confab::dtls {
namespace {

constexpr std::uint8_t kTypeAlert = 21;
constexpr std::uint8_t kFinished = 20;  // of the messages of a handshake

}  // namespace

void MovedRecords::handle_packet(Timestamp now, BytesView datagram, DatagramPort& port,
                                 ApplicationData& data, Counters& counters) {
    if (datagram.size() > kMaxDatagram) {
        ++counters.malformed_records;
        return;
    }
    ByteReader in(datagram);
    while (const auto record = next_record(in))
        handle_record(now, *record, port, data, counters);
    if (!in.at_end()) ++counters.malformed_records;  // no borders from here on
}

void MovedRecords::handle_record(Timestamp now, const RecordView& record, DatagramPort& port,
                                 ApplicationData& data, Counters& counters) {
    if (record.epoch == 0) {
        ++counters.late_plaintext;
        return;
    }
    if (record.type == kTypeAlert) {  // close_notify, or somebody's junk (02 DTLS-05)
        ++counters.alerts;
        return;
    }
    auto plain = layer_.open(record);
    if (!plain) {
        ++counters.malformed_records;
        return;
    }
    if (record.type == kTypeHandshake) return repeat_flight(now, *plain, port, counters);
    if (record.type != kTypeApplicationData) return;
    final_flight_.clear();  // a client speaks once it has it
    if (!plain->empty() && !data.push(*std::move(plain))) ++counters.dropped_outputs;
}

// The peer's Finished again. Ours goes out as it was: the same numbers with the same octets.
void MovedRecords::repeat_flight(Timestamp now, BytesView message, DatagramPort& port,
                                 Counters& counters) {
    if (message.empty() || message[0] != kFinished || final_flight_.empty() || now < next_repeat_ ||
        repeats_ >= kMaxRepeats) {
        ++counters.late_handshakes;
        return;
    }
    ++repeats_;
    repeat_interval_ = std::min(repeat_interval_ * 2, kMaxRetransmit);
    next_repeat_ = now + repeat_interval_;
    ++counters.retransmissions;
    for (const Bytes& datagram : final_flight_)
        if (!port.outgoing.push(datagram)) ++port.dropped;
}

bool MovedRecords::send(BytesView plain, DatagramPort& port) {
    Bytes record = layer_.seal(kTypeApplicationData, plain);
    if (record.empty()) return false;
    if (port.outgoing.push(std::move(record))) return true;
    ++port.dropped;
    return false;
}

}  // namespace confab::dtls
