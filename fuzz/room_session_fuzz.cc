// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sessions under arbitrary requests, media events and service calls. The input is a list of steps
//   operation 8 | session 8 | length 16 | body
// whose bodies are parsed as the message of the operation. Checked: the machine drains, its memory
// of the sessions stays small, timers move forward, and once nothing happens any more every client
// knows exactly who is there (SIG-131, SIG-132), as the service says it (API-04).
// fuzz: modules room
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "room/manager/room_manager.h"

namespace {

using namespace confab;
using namespace confab::room;

// Whom one client believes to be there.
class View {
  public:
    explicit View(std::string own) : own_(std::move(own)) {}

    void take(const livekit::SignalResponse& response) {
        if (response.has_join())
            for (const auto& info : response.join().other_participants())
                take(info);
        for (const auto& info : response.update().participants())
            take(info);
    }
    const std::string& own() const { return own_; }
    const std::map<std::string, std::string>& others() const { return others_; }

  private:
    void take(const livekit::ParticipantInfo& info) {
        if (info.identity() == own_) return;
        if (info.state() != livekit::ParticipantInfo::DISCONNECTED) {
            others_[info.identity()] = info.sid();
            return;
        }
        // The end of an earlier session of the same identity ends nothing.
        const auto known = others_.find(info.identity());
        if (known != others_.end() && known->second == info.sid()) others_.erase(known);
    }

    std::string own_;
    std::map<std::string, std::string> others_;  // identity → sid
};

class Driver {
  public:
    Driver() : manager_(config(), 1, seeded_secrets(1)) {}

    void step(std::uint8_t operation, std::uint8_t which, BytesView body) {
        now_ = now_ + Duration::millis(which);
        switch (operation % 10) {
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
            case 7:
                permission(body);
                break;
            case 8:
                media(which, body);
                break;
            default:
                service(which, body);
                break;
        }
        run_timers();
    }

    // All that waits is said; then the rosters agree.
    void finish() {
        for (int i = 0; i < 8; ++i) {
            now_ = now_ + Duration::seconds(1);
            run_timers();
        }
        livekit::ListParticipantsRequest request;
        request.set_room("r");
        const auto list = manager_.list_participants(request);
        std::map<std::string, livekit::ParticipantInfo> present;
        for (const auto& info : list.participants())
            present[info.identity()] = info;
        for (const auto& [session, view] : views_) {
            const auto own = present.find(view.own());
            if (own == present.end() || own->second.state() != livekit::ParticipantInfo::ACTIVE)
                continue;
            for (const auto& [identity, sid] : view.others()) {
                CONFAB_CHECK(present.contains(identity));
                CONFAB_CHECK(present.at(identity).sid() == sid);
                CONFAB_CHECK(!hidden_.contains(identity) || changed_.contains(identity));
            }
            for (const auto& [identity, info] : present)
                if (identity != view.own() && !info.permission().hidden() &&
                    info.state() == livekit::ParticipantInfo::ACTIVE)
                    CONFAB_CHECK(view.others().contains(identity));
        }
    }

  private:
    static Config config() {
        Config result;
        WorkerAddresses worker;
        worker.udp.push_back({IpAddress::v4(0x7F000001), 7882});
        result.media.workers = {worker, worker};
        result.media.fingerprint_sha256 = "AA:BB";
        result.participants_per_worker = 1;
        result.room.enable_remote_unmute = true;
        result.enable_data_blobs = true;
        return result;
    }
    Clock clock() const { return {now_, UnixTime::seconds(1'700'000'000)}; }

    void run_timers() {
        drain();
        for (int i = 0; manager_.next_deadline() <= now_; ++i) {
            CONFAB_CHECK(i < 10'000);
            manager_.handle_timeout(clock());
            drain();
        }
    }
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
        // A second session of one identity, hidden or not: others may have seen the first.
        const bool seen = !identities_.insert(params.grants.identity).second;
        const std::string& identity = params.grants.identity;
        const bool hidden = params.grants.video->hidden;
        if (seen && hidden != hidden_.contains(identity)) changed_.insert(identity);
        if (hidden) hidden_.insert(identity);
        sessions_.push_back(manager_.start_session(clock(), params));
        views_.emplace(sessions_.back(), View(params.grants.identity));
    }
    void request(std::uint8_t which, BytesView body) {
        livekit::SignalRequest message;
        if (sessions_.empty()) return;
        if (!message.ParseFromArray(body.data(), static_cast<int>(body.size()))) return;
        manager_.handle_request(clock(), sessions_[which % sessions_.size()], message);
    }
    void close(std::uint8_t which) {
        if (!sessions_.empty()) end(sessions_[which % sessions_.size()]);
    }
    void end(SessionId session) {
        views_.erase(session);
        manager_.signal_closed(clock(), session);
    }
    void data(std::uint8_t which, BytesView body) {
        if (peers_.empty()) return;
        const sfu::PeerId peer = peers_[which % peers_.size()];
        manager_.handle_media_event(clock(), 0, sfu::CallAnswered{peer, to_vector(body)});
        manager_.handle_media_event(clock(), 0, sfu::DataProgress{peer, which});
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
        if (update.has_permission()) changed_.insert(update.identity());
        (void)manager_.update_participant(clock(), update);
    }
    // What workers report of receivers and down-tracks.
    void media(std::uint8_t which, BytesView body) {
        if (body.size() < 2) return;
        const auto layer = static_cast<std::uint8_t>(body[0] % 3);
        if (!receivers_.empty() && (which & 1) != 0) {
            const sfu::ReceiverId receiver = receivers_[which / 2 % receivers_.size()];
            manager_.handle_media_event(
                clock(), 0,
                sfu::LayerStarted{receiver, layer, sfu::Codec::kVp8, Ssrc(body[1]), 0, 0, {}});
        } else if (!down_tracks_.empty()) {
            const auto state =
                (body[1] & 1) != 0 ? sfu::StreamState::kActive : sfu::StreamState::kPaused;
            manager_.handle_media_event(
                clock(), 0,
                sfu::StreamStateChanged{down_tracks_[which / 2 % down_tracks_.size()], state});
        }
    }
    // Calls of an operator, by name or by nonsense.
    void service(std::uint8_t which, BytesView body) {
        const std::string identity(1, static_cast<char>('a' + which / 8 % 4));
        const auto parse = [&](google::protobuf::Message& message) {
            return message.ParseFromArray(body.data(), static_cast<int>(body.size()));
        };
        if (which % 8 == 0) {
            livekit::RoomParticipantIdentity request;
            request.set_room("r");
            request.set_identity(identity);
            (void)manager_.remove_participant(clock(), request);
        } else if (which % 8 == 1) {
            livekit::DeleteRoomRequest request;
            request.set_room("r");
            (void)manager_.delete_room(clock(), request);
        } else if (which % 8 == 2) {
            livekit::MuteRoomTrackRequest request;
            if (!parse(request)) return;
            request.set_room("r");
            request.set_identity(identity);
            (void)manager_.mute_published_track(clock(), request);
        } else if (which % 8 == 3) {
            livekit::UpdateSubscriptionsRequest request;
            if (!parse(request)) return;
            request.set_room("r");
            request.set_identity(identity);
            (void)manager_.update_subscriptions(clock(), request);
        } else if (which % 8 == 4) {
            livekit::SendDataRequest request;
            if (!parse(request)) return;
            request.set_room("r");
            (void)manager_.send_data(clock(), request);
        } else if (which % 8 == 5) {
            livekit::UpdateRoomMetadataRequest request;
            if (!parse(request)) return;
            request.set_room("r");
            (void)manager_.update_room_metadata(clock(), request);
        } else {
            livekit::CreateRoomRequest request;
            if (!parse(request)) return;
            request.set_name("r");
            (void)manager_.create_room(clock(), request);
        }
    }
    void drain() {
        const auto tell = [&](SessionId session, const livekit::SignalResponse& response) {
            const auto view = views_.find(session);
            if (view != views_.end()) view->second.take(response);
        };
        while (auto effect = manager_.poll_effect()) {
            if (const auto* signal = std::get_if<SendSignal>(&*effect))
                tell(signal->session, signal->response);
            if (const auto* join = std::get_if<SendJoin>(&*effect))
                tell(join->session, whole(*join));
            if (const auto* many = std::get_if<Broadcast>(&*effect))
                for (const SessionId session : many->sessions)
                    tell(session, many->response);
            if (const auto* closed = std::get_if<CloseSession>(&*effect))
                ended_.push_back(closed->session);
            if (const auto* refused = std::get_if<RefuseSession>(&*effect))
                ended_.push_back(refused->session);
            const auto* command = std::get_if<MediaCommand>(&*effect);
            if (command == nullptr) continue;
            CONFAB_CHECK(command->worker < 2);
            if (const auto* create = std::get_if<sfu::CreatePeer>(&command->command))
                peers_.push_back(create->peer);
            if (const auto* gone = std::get_if<sfu::ClosePeer>(&command->command))
                std::erase(peers_, gone->peer);
            if (const auto* add = std::get_if<sfu::AddReceiver>(&command->command))
                receivers_.push_back(add->receiver);
            if (const auto* add = std::get_if<sfu::AddDownTrack>(&command->command))
                down_tracks_.push_back(add->down_track);
        }
        for (const SessionId session : ended_)
            views_.erase(session);
        ended_.clear();
        const auto snapshot = manager_.snapshot();
        CONFAB_CHECK(snapshot.participants <= 4);
        CONFAB_CHECK(peers_.size() <= 2 * snapshot.participants);
    }

    RoomManager manager_;
    Timestamp now_ = Timestamp::micros(1'000'000);
    std::vector<SessionId> sessions_;
    std::vector<sfu::PeerId> peers_;
    std::vector<sfu::ReceiverId> receivers_;
    std::vector<sfu::DownTrackId> down_tracks_;
    std::map<SessionId, View> views_;  // of sessions whose socket is open
    std::vector<SessionId> ended_;
    std::set<std::string> identities_;
    std::set<std::string> hidden_;
    std::set<std::string> changed_;  // whose being hidden changed, so that some may know of it
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
    driver.finish();
    return 0;
}
