// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a client receives: streams by SSRC with their checks, and the feedback of a browser for
// them: NACK, PLI, receiver reports, REMB.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "client/connection/connection.h"
#include "sim/client/stream_checker.h"
#include "wire/rtcp/rtcp.h"

namespace confab::sim {

struct SubscriberCounters {
    std::uint64_t nacks = 0;
    std::uint64_t plis = 0;
    std::uint64_t sender_reports = 0;
    std::uint64_t unknown_ssrc = 0;  // packets under way when their stream ended
};

class Subscriber {
  public:
    static constexpr Duration kTick = Duration::millis(20);
    static constexpr Duration kReportInterval = Duration::seconds(1);
    static constexpr Duration kPliInterval = Duration::millis(500);
    // Packets of a stream may come this long after its end: blank frames and the network.
    static constexpr Duration kAfterEnd = Duration::seconds(3);
    // Bit/s of one stream: some 250 000 of the highest layer, and as much to spare.
    static constexpr std::uint64_t kAmple = 500'000;

    Subscriber(std::string name, std::uint32_t own_ssrc)
        : name_(std::move(name)), own_ssrc_(own_ssrc) {}

    // Where feedback goes; before it there is none.
    void set_connection(client::Connection* connection) { connection_ = connection; }
    // What stays as it was keeps its state.
    StreamChecker& add(Timestamp now, const SubscriptionPlan& plan);
    void remove(Timestamp now, std::uint32_t track);
    StreamChecker* find(std::uint32_t track);
    // The downlink that the client claims to have; 0: says nothing.
    void set_bandwidth(std::uint64_t bits_per_second) { bandwidth_ = bits_per_second; }
    // Whether that may be too little for the highest layers of all that it gets.
    bool is_narrow() const { return bandwidth_ > 0 && bandwidth_ < kAmple * streams_.size(); }

    // An RTP datagram, still encrypted, left the server for us.
    void note_sent(Timestamp now, BytesView datagram, Report& report);
    void receive(Timestamp now, BytesView packet, Report& report);
    void handle_block(Timestamp now, const wire::RtcpBlock& block, Report& report);
    void handle_timeout(Timestamp now, Report& report);
    Timestamp next_deadline() const { return next_tick_; }

    const std::map<std::uint32_t, std::unique_ptr<StreamChecker>>& streams() const {
        return streams_;
    }
    const SubscriberCounters& counters() const { return counters_; }

  private:
    StreamChecker* by_ssrc(Timestamp now, std::uint32_t ssrc, bool at_server, Report& report);
    void send_loss_feedback(Timestamp now);
    void send_reports(Timestamp now);

    client::Connection* connection_ = nullptr;
    std::string name_;
    std::uint32_t own_ssrc_;
    std::uint64_t bandwidth_ = 0;
    std::map<std::uint32_t, std::unique_ptr<StreamChecker>> streams_;  // by track
    std::map<std::uint32_t, StreamChecker*> by_ssrc_;
    std::map<std::uint32_t, Timestamp> ended_;     // by SSRC
    std::map<std::uint32_t, Timestamp> next_pli_;  // by track
    Timestamp next_tick_ = Timestamp::never();
    Timestamp next_report_;
    SubscriberCounters counters_;
};

}  // namespace confab::sim
