// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One peer connection as the control plane sees it: its place, ICE credentials, negotiation state
// and the candidates that wait for a description (01 SIG-87). It turns descriptions into commands
// to the media worker; what the sections mean is the room's business.
//   answers  the client offers: publisher, or the only connection (single)
//   offers   we offer: subscriber
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/state/state.h"
#include "room/negotiate/negotiation_timer.h"
#include "room/negotiate/trickle.h"
#include "room/participant/client_traits.h"
#include "room/scope/room_codecs.h"
#include "room/scope/scope.h"

namespace confab::room {

struct PeerLinkConfig {
    sfu::WorkerIndex worker = 0;
    livekit::SignalTarget target = livekit::PUBLISHER;
    bool offers = false;
    bool single = false;
    bool application = true;  // a data section in our offers
    bool ice_lite = false;
    bool tcp_only = false;
    std::optional<Duration> ice_limit;
    bool playout_delay = false;       // that extension
    std::optional<bool> allow_pause;  // as the client wants it, else as configured
    sdp::ClientTraits client;
    const CodecList* codecs = nullptr;
};

class PeerLink {
  public:
    static constexpr std::size_t kMaxWaitingCandidates = 64;
    static constexpr std::size_t kMaxCandidates = 512;  // per ICE generation

    PeerLink(const RoomScope& scope, PeerLinkConfig config);
    ~PeerLink();
    PeerLink(const PeerLink&) = delete;
    PeerLink& operator=(const PeerLink&) = delete;

    Result<sdp::Answer, sdp::NegotiationError> handle_offer(
        std::string_view offer, const std::vector<sdp::PendingTrack>& pending);
    // Sections of the last offer that belong to a track announced after it.
    std::vector<sdp::PublishSection> match_late(const std::vector<sdp::PendingTrack>& pending);
    sdp::Offer make_offer();
    Result<sdp::AppliedAnswer, sdp::NegotiationError> handle_answer(std::string_view answer);
    // A client's candidate; the error text is for request_response.
    Result<void, std::string> handle_trickle(const std::string& json);
    // Our candidates that were not sent since the last (re)start; each once.
    std::vector<livekit::SignalResponse> take_trickles();
    // New credentials for the next offer (ICE-14), where we offer.
    void restart_ice();
    // From the next ICE restart on.
    void set_transport(bool tcp_only, std::optional<Duration> ice_limit) {
        config_.tcp_only = tcp_only;
        config_.ice_limit = ice_limit;
    }

    void add_sender(sdp::Sender sender);
    void remove_sender(std::uint64_t id);
    sdp::MissingSections missing() const;
    bool needs_offer() const { return offerer_ && offerer_->needs_offer(); }
    bool offer_outstanding() const { return offerer_ && offerer_->has_outstanding_offer(); }

    // As it would be made now.
    sfu::CreatePeer description() const;
    // It goes on at that worker (02 MC-20); its next credentials are of that one.
    void move_to(sfu::WorkerIndex worker);

    // For another process, where it goes on (02 MC-20). It begins without a command, as the media
    // worker has a state of its own. Null: these bytes are none. Of `settings` what was negotiated
    // is theirs.
    void save(StateWriter& out) const;
    static std::unique_ptr<PeerLink> load(const RoomScope& scope, PeerLinkConfig settings,
                                          StateReader& in);

    sfu::PeerId id() const { return id_; }
    sfu::WorkerIndex worker() const { return config_.worker; }
    bool single() const { return config_.single; }
    bool offers() const { return config_.offers; }
    livekit::SignalTarget target() const { return config_.target; }
    bool has_remote() const { return has_remote_; }
    bool has_application() const { return application_; }

    // It is connected, over this.
    void came_up(sfu::ConnectionType type);
    void went_down();
    bool connected() const { return type_.has_value(); }
    std::optional<sfu::ConnectionType> type() const { return type_; }

    NegotiationTimer timer;
    bool ever_connected = false;
    std::optional<sfu::ConnectionType> last_type;  // over what it was up last
    bool failed = false;                           // and has not come back
    bool tried = false;                            // anew, since Links::failure_handled()
    bool established = false;                      // connected, and its data channels are open
    Timestamp connected_at;

  private:
    struct Moved {};
    PeerLink(const RoomScope& scope, PeerLinkConfig config, Moved);
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
    void make_negotiator();

    sdp::LocalTransport local_transport() const;
    void apply_remote(const sdp::RemoteTransport& remote);
    void add_candidate(std::string_view line);
    void new_credentials();
    void list_candidates(bool tcp_only);

    const RoomScope* scope_;
    PeerLinkConfig config_;
    sfu::PeerId id_;
    sfu::IceCredentials local_;
    std::vector<sfu::WorkerIndex> earlier_;  // workers that pass on what comes for it
    std::vector<std::string> lines_;
    bool tcp_lines_ = false;  // these are of TCP alone
    RemoteIce remote_ice_;
    std::optional<sdp::Answerer> answerer_;
    std::optional<sdp::Offerer> offerer_;
    std::vector<std::string> waiting_candidates_;
    std::vector<SocketAddress> candidates_;    // told to the worker, of this ICE generation
    std::optional<sfu::ConnectionType> type_;  // while it is connected
    bool has_remote_ = false;
    bool application_ = false;
    bool trickled_ = false;
};

}  // namespace confab::room
