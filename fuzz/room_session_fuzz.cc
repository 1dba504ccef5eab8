// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sessions under arbitrary requests and media events. The input is a list of steps
//   operation 8 | session 8 | length 16 | body
// whose bodies are parsed as the message of the operation. Checked: the machine drains, its memory
// of the sessions stays small, and timers move forward.
// fuzz: modules room
#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "room/room_manager.h"

namespace {

using namespace confab;
using namespace confab::room;

class Driver {
  public:
    Driver() : manager_(config(), 1) {}

    void step(std::uint8_t operation, std::uint8_t which, BytesView body) {
        now_ = now_ + Duration::millis(which);
        switch (operation % 8) {
            case 0:
                start(which, body);
                break;
            case 1:
            case 2:
                request(which, body);
                break;
            case 3:
                close(which);
                break;
            case 4:
                data(which, body);
                break;
            case 5:
                state(which, body);
                break;
            case 6:
                now_ = now_ + Duration::seconds(which);
                break;
            default:
                permission(body);
                break;
        }
        drain();
        for (int i = 0; manager_.next_deadline() <= now_; ++i) {
            CONFAB_CHECK(i < 10'000);
            manager_.handle_timeout(clock());
            drain();
        }
    }

  private:
    static Config config() {
        Config result;
        WorkerAddresses worker;
        worker.udp.push_back({IpAddress::v4(0x7F000001), 7882});
        result.media.workers = {worker, worker};
        result.media.fingerprint_sha256 = "AA:BB";
        result.place = std::make_shared<room::Placement>(2, 1);
        result.room.enable_remote_unmute = true;
        return result;
    }
    Clock clock() const { return {now_, UnixTime::seconds(1'700'000'000)}; }

    void start(std::uint8_t which, BytesView body) {
        JoinParams params;
        params.room = "r";
        params.grants.identity = std::string(1, static_cast<char>('a' + which % 4));
        params.client.set_protocol(which % 20);
        params.single_connection = (which & 0x20) != 0;
        params.reconnect = (which & 0x40) != 0;
        params.grants.video.emplace().hidden = (which & 0x80) != 0;
        livekit::JoinRequest request;
        if (request.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
            if (request.has_publisher_offer()) params.publisher_offer = request.publisher_offer();
            params.add_track_requests = {request.add_track_requests().begin(),
                                         request.add_track_requests().end()};
        }
        sessions_.push_back(manager_.start_session(clock(), params));
    }
    void request(std::uint8_t which, BytesView body) {
        livekit::SignalRequest message;
        if (sessions_.empty()) return;
        if (!message.ParseFromArray(body.data(), static_cast<int>(body.size()))) return;
        manager_.handle_request(clock(), sessions_[which % sessions_.size()], message);
    }
    void close(std::uint8_t which) {
        if (!sessions_.empty())
            manager_.signal_closed(clock(), sessions_[which % sessions_.size()]);
    }
    void data(std::uint8_t which, BytesView body) {
        if (peers_.empty()) return;
        const auto channel = static_cast<sfu::DataChannel>(which & 3);
        manager_.handle_media_event(
            clock(), 0,
            sfu::DataReceived{peers_[which % peers_.size()], channel, "", to_vector(body)});
    }
    void state(std::uint8_t which, BytesView body) {
        if (peers_.empty() || body.empty()) return;
        sfu::PeerStateChanged event;
        event.peer = peers_[which % peers_.size()];
        event.state = static_cast<sfu::PeerState>(body[0] % 5);
        manager_.handle_media_event(clock(), 0, event);
        if ((body[0] & 0x80) != 0)
            manager_.handle_media_event(
                clock(), 0,
                sfu::DataChannelOpened{event.peer, static_cast<sfu::DataChannel>(body[0] & 1), ""});
    }
    void permission(BytesView body) {
        livekit::UpdateParticipantRequest update;
        if (!update.ParseFromArray(body.data(), static_cast<int>(body.size()))) return;
        update.set_room("r");
        (void)manager_.update_participant(clock(), update);
    }
    void drain() {
        while (auto effect = manager_.poll_effect()) {
            const auto* command = std::get_if<MediaCommand>(&*effect);
            if (command == nullptr) continue;
            CONFAB_CHECK(command->worker < 2);
            if (const auto* create = std::get_if<sfu::CreatePeer>(&command->command))
                peers_.push_back(create->peer);
            if (const auto* gone = std::get_if<sfu::ClosePeer>(&command->command))
                std::erase(peers_, gone->peer);
        }
        const auto snapshot = manager_.snapshot();
        CONFAB_CHECK(snapshot.participants <= 4);
        CONFAB_CHECK(peers_.size() <= 2 * snapshot.participants);
    }

    RoomManager manager_;
    Timestamp now_ = Timestamp::micros(1'000'000);
    std::vector<SessionId> sessions_;
    std::vector<sfu::PeerId> peers_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Driver driver;
    ByteReader reader(BytesView(data, size));
    for (int steps = 0; steps < 64 && !reader.at_end(); ++steps) {
        const std::uint8_t operation = reader.u8();
        const std::uint8_t which = reader.u8();
        const std::uint16_t length = reader.u16();
        const BytesView body = reader.bytes(std::min<std::size_t>(length, reader.remaining()));
        if (!reader.ok()) break;
        driver.step(operation, which, body);
    }
    return 0;
}
