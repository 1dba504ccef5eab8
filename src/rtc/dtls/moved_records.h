// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What takes the place of the SSL object in a session that came from another process: records in
// and out, alerts and junk dropped as before (02 DTLS-05), and the last flight of a server's
// handshake, which a client that did not get it asks for by its own (RFC 6347 §4.2.4). Nothing
// renegotiates: requests for it are dropped. Internal to rtc/dtls.
#pragma once

#include <optional>
#include <vector>

#include "base/ring.h"
#include "base/state/state.h"
#include "base/time.h"
#include "rtc/dtls/datagram_bio.h"
#include "rtc/dtls/dtls_types.h"
#include "rtc/dtls/record_layer.h"

namespace confab::dtls {

inline constexpr std::size_t kApplicationQueue = 64;
inline constexpr std::size_t kMaxFinalFlight = 4;  // datagrams; one of libssl's
// The last flight goes out again at most so often, at growing distances.
inline constexpr int kMaxRepeats = 10;

using ApplicationData = Ring<Bytes, kApplicationQueue>;

class MovedRecords {
  public:
    // An empty flight: the peer has it, or the peer was the server.
    MovedRecords(RecordLayer layer, std::vector<Bytes> final_flight)
        : layer_(std::move(layer)), final_flight_(std::move(final_flight)) {}

    // Plaintext goes to `data`, an answer to the port.
    void handle_packet(Timestamp now, BytesView datagram, DatagramPort& port, ApplicationData& data,
                       Counters& counters);
    // False when it could not be protected, or the port is full.
    bool send(BytesView plain, DatagramPort& port);

    RecordLayer& layer() { return layer_; }
    const RecordLayer& layer() const { return layer_; }
    const std::vector<Bytes>& final_flight() const { return final_flight_; }

  private:
    void handle_record(Timestamp now, const RecordView& record, DatagramPort& port,
                       ApplicationData& data, Counters& counters);
    void repeat_flight(Timestamp now, BytesView message, DatagramPort& port, Counters& counters);

    RecordLayer layer_;
    std::vector<Bytes> final_flight_;
    Timestamp next_repeat_;
    Duration repeat_interval_ = kFirstRetransmit / 4;
    int repeats_ = 0;
};

}  // namespace confab::dtls
