// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The subscribers of the call benchmark, all in one process: sessions that have joined the room of
// each server and report what they receive each second, as browsers do, and as many sockets for the
// floor.
#pragma once

#include <intel-ipsec-mb.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/call_options.h"
#include "bench/call_peer.h"
#include "bench/call_receive.h"
#include "bench/call_shared.h"
#include "bench/forward_floor.h"
#include "bench/load_client.h"
#include "client/media/track_plan.h"
#include "rtc/rtp/transport_cc_responder.h"
#include "wire/rtcp/rtcp.h"
#include "wire/rtp/rtp_extensions.h"

namespace confab::bench {

class CallSubscriber final : public LoadClient {
  public:
    // `runs`: the sends to it are counted.
    CallSubscriber(Load& load, const CallServer& server, const std::string& identity,
                   CallShared& shared, StampedReceiver& receiver, bool runs)
        : LoadClient(load, server.ports, server.client(identity, true)),
          shared_(shared),
          receiver_(receiver),
          runs_(runs) {
        for (const auto target : {client::Target::kPublisher, client::Target::kSubscriber})
            prepare_receiving(socket(target).fd(), runs);
    }

    void on_socket(std::size_t number) override {
        if (number >= client::kTargets) return LoadClient::on_socket(number);
        const auto target = static_cast<client::Target>(number);
        bool flush_due = false;
        ice::Path path;
        path.local = socket(target).address();
        receiver_.receive(socket(target).fd(), [&](const Arrival& arrival, BytesSpan datagram) {
            path.remote = arrival.from;
            const auto media = session().handle_packet(now(), target, path, datagram);
            if (media.kind == peer::Media::Kind::kRtp)
                take_rtp(media.packet, arrival);
            else
                flush_due = true;
        });
        if (flush_due) flush();
    }
    std::size_t tracks() const { return streams_.size(); }
    // Of what comes; there is a connection.
    srtp::Profile profile() { return session().downstream()->transport().srtp_sender()->profile(); }

    // A receiver report with an estimate that nothing is kept back for (REMB).
    void report() {
        constexpr std::uint64_t kPlenty = 100'000'000;
        client::Connection* const connection = session().downstream();
        if (connection == nullptr || streams_.empty()) return;
        std::vector<wire::ReportBlock> blocks;
        std::vector<std::uint32_t> ssrcs;
        for (const auto& [ssrc, highest] : streams_) {
            wire::ReportBlock block;
            block.ssrc = ssrc;
            block.highest_sequence = highest;
            blocks.push_back(block);
            ssrcs.push_back(ssrc);
        }
        std::array<std::uint8_t, 1200> buffer;
        ByteWriter out(buffer);
        (void)wire::write_receiver_report(out, kReporter, blocks);
        (void)wire::write_remb(out, kReporter, kPlenty, ssrcs);
        connection->send_rtcp(out.written());
        flush();
    }

    // What came of all streams and when (transport-wide feedback).
    void report_transport() {
        client::Connection* const connection = session().downstream();
        if (connection == nullptr || !transport_.due(now())) return;
        std::array<std::uint8_t, 1200> buffer;
        ByteWriter out(buffer);
        if (transport_.write(now(), out)) connection->send_rtcp(out.written());
        flush();
    }

  private:
    static constexpr std::uint32_t kReporter = 1;

    void note_transport(const wire::RtpPacketView& rtp) {
        wire::ExtensionReader extensions(rtp.header.extension_profile, rtp.header.extension);
        while (const auto element = extensions.next())
            if (element->id == client::kTransportCcExtension)
                if (const auto sequence = wire::read_transport_sequence(element->data))
                    transport_.received(now(), *sequence, rtp.header.ssrc, rtp.header.marker);
    }
    void take_rtp(BytesView packet, const Arrival& arrival) {
        const auto rtp = wire::parse_rtp(packet);
        if (!rtp || rtp->payload.empty()) return;
        note_transport(*rtp);
        if (!count_packet(shared_, rtp->payload, arrival, runs_)) return;
        const auto [stream, is_new] = streams_.try_emplace(rtp->header.ssrc, rtp->header.sequence);
        const auto ahead =
            static_cast<std::int16_t>(rtp->header.sequence - (stream->second & 0xFFFF));
        if (ahead > 0) stream->second += static_cast<std::uint32_t>(ahead);
    }

    CallShared& shared_;
    StampedReceiver& receiver_;
    bool runs_;
    rtp::TransportCcResponder transport_{kReporter};
    std::map<std::uint32_t, std::uint32_t> streams_;  // highest number with cycles, by SSRC
};

inline constexpr Duration kReportInterval = Duration::seconds(1);
inline constexpr Duration kTransportInterval = rtp::TransportCcResponder::kInterval;

// Calls `report` with the numbers of all, one after the other, each once in the interval.
class ReportClock {
  public:
    ReportClock(std::size_t size, Duration interval)
        : size_(size), each_(interval / static_cast<std::int64_t>(size)) {}
    template <typename Report>
    void turn(Report report) {
        for (; now() >= next_; next_ = next_ + each_)
            report(reporter_++ % size_);
    }

  private:
    std::size_t size_;
    Duration each_;
    Timestamp next_ = now();
    std::size_t reporter_ = 0;
};

// One destination of the floor: decrypts with the key that the floor has for it.
class FloorSink final : public Waiter {
  public:
    FloorSink(LoadLoop& loop, CallShared& shared, StampedReceiver& receiver, std::size_t number)
        : shared_(shared), receiver_(receiver), number_(number) {
        prepare_receiving(socket_.fd(), number == 0);
        manager_ = shared_manager();
        std::array<std::uint8_t, 16> key{};
        store_be32(key.data(), static_cast<std::uint32_t>(number + 1));
        IMB_AES128_GCM_PRE(manager_, key.data(), keys_.get());
        loop.watch(socket_.fd(), *this, 0, false);
    }
    std::uint16_t port() const { return socket_.address().port; }
    // As many octets as a report of one stream has, encrypted; no packet of media to the floor.
    void report(std::uint16_t floor_port) {
        constexpr std::array<std::uint8_t, 80> kReport{};
        socket_.send({IpAddress::v4(INADDR_LOOPBACK), floor_port}, kReport);
    }
    void on_time() override {}
    void on_socket(std::size_t) override {
        receiver_.receive(socket_.fd(), [this](const Arrival& arrival, BytesSpan datagram) {
            if (datagram.size() >= Floor::kHeader + Floor::kTag) take(arrival, datagram);
        });
    }

  private:
    static IMB_MGR* shared_manager() {
        static IMB_MGR* const manager = [] {
            IMB_MGR* const made = alloc_mb_mgr(0);
            init_mb_mgr_auto(made, nullptr);
            return made;
        }();
        return manager;
    }
    void take(const Arrival& arrival, BytesSpan datagram) {
        alignas(16) std::array<std::uint8_t, 16> iv{};
        std::copy_n(&datagram[8], 4, &iv[2]);   // SSRC
        std::copy_n(&datagram[2], 2, &iv[10]);  // sequence number
        const std::size_t size = datagram.size() - Floor::kHeader - Floor::kTag;
        std::uint8_t* const payload = &datagram[Floor::kHeader];
        std::array<std::uint8_t, Floor::kTag> tag{};
        gcm_context_data context;
        IMB_AES128_GCM_DEC(manager_, keys_.get(), &context, payload, payload, size, iv.data(),
                           datagram.data(), Floor::kHeader, tag.data(), tag.size());
        if (!std::ranges::equal(tag, datagram.last(Floor::kTag))) give_up("the floor's tag is bad");
        (void)count_packet(shared_, {payload, size}, arrival, number_ == 0);
    }

    CallShared& shared_;
    StampedReceiver& receiver_;
    std::size_t number_;
    LoadSocket socket_;
    IMB_MGR* manager_;
    std::unique_ptr<gcm_key_data> keys_ = std::make_unique<gcm_key_data>();
};

// All who have joined one server.
class Audience {
  public:
    // Once they are in its room.
    Audience(Load& load, CallShared& shared, StampedReceiver& receiver, const CallServer& server,
             std::size_t size, bool report_transport)
        : shared_(shared),
          way_(index_of(server.way)),
          reports_(size, kReportInterval),
          transport_reports_(size, kTransportInterval),
          report_transport_(report_transport) {
        constexpr std::size_t kJoiningAtOnce = 8;
        constexpr Duration kPatience = Duration::seconds(30);
        const Timestamp end = now() + kPatience;
        const auto run_until = [&](const char* what, auto condition) {
            while (!condition()) {
                if (now() > end) give_up(what);
                load.loop.run_once(Duration::millis(5));
            }
        };
        for (std::size_t i = 0; i < size; ++i) {
            clients_.push_back(std::make_unique<CallSubscriber>(
                load, server, "subscriber-" + std::to_string(i), shared, receiver, i == 0));
            const std::size_t before = i < kJoiningAtOnce ? 0 : i - kJoiningAtOnce;
            run_until("a subscriber could not join", [&] { return clients_[before]->joined(); });
        }
        run_until("not all subscribers could join", [&] {
            return std::ranges::all_of(clients_, [](const auto& c) { return c->joined(); });
        });
    }
    // Reports of those whose time has come; whether all have got all tracks.
    void turn(std::size_t tracks) {
        reports_.turn([this](std::size_t one) { clients_[one]->report(); });
        if (report_transport_)
            transport_reports_.turn([this](std::size_t one) { clients_[one]->report_transport(); });
        std::atomic<bool>& flowing = shared_.flowing[way_];
        const auto has_all = [&](const auto& c) { return c->tracks() >= tracks; };
        if (flowing || !std::ranges::all_of(clients_, has_all)) return;
        shared_.profiles[way_] = clients_.front()->profile();
        flowing = true;
    }

  private:
    CallShared& shared_;
    std::size_t way_;
    ReportClock reports_;
    ReportClock transport_reports_;
    bool report_transport_;
    std::vector<std::unique_ptr<CallSubscriber>> clients_;
};

[[noreturn]] inline void run_call_subscribers(CallShared& shared, const CallOptions& options,
                                              const std::vector<CallServer>& servers) {
    Load load;
    StampedReceiver receiver;
    std::vector<std::unique_ptr<FloorSink>> sinks;
    for (std::size_t i = 0; i < options.subscribers; ++i) {
        sinks.push_back(std::make_unique<FloorSink>(load.loop, shared, receiver, i));
        shared.floor_sinks[i] = sinks.back()->port();
    }
    std::vector<std::unique_ptr<Audience>> audiences;
    audiences.reserve(servers.size());
    for (const CallServer& server : servers)
        audiences.push_back(std::make_unique<Audience>(
            load, shared, receiver, server, options.subscribers, options.transport_reports));
    shared.joined = true;
    ReportClock floor_reports(options.subscribers, kReportInterval);
    for (;;) {
        load.loop.run_once(Duration::millis(5));
        for (const auto& audience : audiences)
            audience->turn(options.tracks());
        if (!options.floor_reports || shared.floor_port == 0) continue;
        floor_reports.turn([&](std::size_t one) { sinks[one]->report(shared.floor_port); });
    }
}

}  // namespace confab::bench
