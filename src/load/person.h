// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One participant of a load test, without its sockets: a client's session, what it publishes, what
// it subscribes to by its layout, and what became of it. Pure; src/runtime/load/ drives it.
//
// The driver opens a WebSocket to the path of open(), gives messages to handle_signal() and
// datagrams to handle_packet(), and after each that says so drains session()'s poll_signal() and
// poll_transmit() and asks next_deadline().
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "client/session/session.h"
#include "load/figures.h"
#include "load/layout.h"
#include "load/plan.h"
#include "load/reception.h"
#include "token/token.h"

namespace confab::load {

// What all participants of one thread share; outlives them.
struct PersonShared {
    Options options;
    token::KeyProvider::Key key;
    peer::SharedCrypto crypto;
    std::string fingerprint;
    UnixTime wall_at_zero;
    std::shared_ptr<client::ParticipantPool> participants;
    Timestamp began;  // of the test, on all threads
};

class Person {
  public:
    Person(const PersonShared& shared, PersonPlan plan,
           std::array<SocketAddress, client::kTargets> addresses, Rng rng);

    // ---- joining
    // The path and query that the WebSocket is opened with; `single`: /rtc/v1, else /rtc. A server
    // that does not know the first answers 404: then a new Person does the second.
    std::string open(Timestamp now);
    void web_socket_opened(Timestamp now) { note(web_socket_, now); }
    // It is over; the first reason counts.
    void fail(std::string why);
    const std::string& failure() const { return failure_; }
    bool connected() const { return connected_.has_value(); }
    bool over() const { return !failure_.empty(); }
    bool left() const { return left_; }  // the server has ended it

    // ---- driving
    void handle_signal(Timestamp now, std::string_view message);
    // `arrival`: when the kernel got it. True: drain; media that was only counted needs none.
    bool handle_packet(Timestamp now, Timestamp arrival, client::Target target,
                       const SocketAddress& from, BytesSpan datagram);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline();
    client::Session& session() { return session_; }

    // ---- results
    const PersonPlan& plan() const { return plan_; }
    std::uint64_t packets_received() const { return counted_; }
    void finish(Timestamp now) { reception_.finish(now); }
    void add_to(Figures& figures) const;
    PersonRow row() const;
    std::vector<TrackRow> track_rows() const { return reception_.rows(plan_.identity); }

  private:
    using Moment = std::optional<Timestamp>;
    static void note(Moment& moment, Timestamp now) {
        if (!moment) moment = now;
    }
    client::SessionConfig config(
        const std::array<SocketAddress, client::kTargets>& addresses) const;
    std::string token(Timestamp now) const;
    void publish();
    void publish(const char* cid, livekit::TrackSource source, client::TrackPlan plan);
    void after_input(Timestamp now);
    void take_events(Timestamp now);
    void note_steps(Timestamp now);
    void watch();
    void apply(const Watching::Changes& changes);
    void speakers_changed(const livekit::SpeakersChanged& speakers);
    void take_turn(Timestamp now);
    void send_data(Timestamp now);
    void send_data_message(Timestamp now);
    void take_data(Timestamp now, const livekit::DataPacket& packet);
    client::Connection* media_connection();

    const PersonShared& shared_;
    PersonPlan plan_;
    Rng rng_;
    std::array<SocketAddress, client::kTargets> addresses_;
    client::Session session_;
    Reception reception_;
    Watching watching_;
    std::uint64_t roster_seen_ = 0;
    std::string failure_;
    bool left_ = false;
    Moment opened_, web_socket_, joined_, ice_, connected_, first_rtp_, first_decoded_;
    bool steps_done_ = false;
    std::uint64_t counted_ = 0;
    Timestamp session_deadline_;  // as its last input left it
    Timestamp next_turn_ = Timestamp::never();
    Timestamp next_data_ = Timestamp::never();
    std::uint64_t data_sent_ = 0;
    std::uint64_t data_received_ = 0;
    Histogram data_latency_;
};

}  // namespace confab::load
