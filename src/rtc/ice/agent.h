// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The ICE agent (RFC 8445; lite: §2.5 and §7.3; consent: RFC 7675; TCP: RFC 6544) as a poll
// machine. One data stream, one component, host candidates; behaviour as 02 ICE-03 to ICE-08 and
// ICE-14.
//
//   RemoteCandidates ─▶ CheckList ─▶ requests, Transactions ─▶ answers ─▶ nomination ─▶ Selection
//
// The states and their transitions are drawn in selection.h; who controls is kept in Roles.
//
// What upstream does not do: a controlled agent follows the latest nomination even to a lower pair
// (02 ICE-06); a controlling one nominates at once and improves its choice for two seconds; after
// 10 s of silence, or when the selected TCP stream closes, all pairs are checked again; checks of a
// pair slow down but never end while nothing is selected; a peer whose address changes is followed
// after 3 s even if nobody nominates, and with the first answered check if its media come from
// there. Not here: gathering (the driver names its sockets), mDNS, relayed local candidates, local
// peer-reflexive candidates (a mapped address changes nothing about where we send from).
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/rng.h"
#include "base/state/state.h"
#include "base/time.h"
#include "rtc/ice/binding.h"
#include "rtc/ice/check_list.h"
#include "rtc/ice/remote_candidates.h"
#include "rtc/ice/roles.h"
#include "rtc/ice/selection.h"
#include "rtc/ice/transactions.h"
#include "rtc/ice/transmit_queue.h"
#include "rtc/ice/types.h"

namespace confab::ice {

class Agent {
  public:
    Agent(AgentConfig config, Rng rng);

    // Starts the checks. Other credentials than before without restart() of ours mean that the peer
    // alone restarted. False, without effect, if empty or longer than kMaxUfrag and kMaxPwd.
    bool set_remote_credentials(Timestamp now, const Credentials& remote);
    // May come before the first credentials; those of a new generation come after its restart() or
    // set_remote_credentials(). TCP candidates are ignored: ours are passive.
    void add_remote_candidate(Timestamp now, const RemoteCandidate& candidate);
    // New generation (RFC 8445 §9): the selected path keeps working until a new one is nominated.
    void restart(Timestamp now, const RestartOptions& options);
    void set_role(Timestamp now, Role role);
    // A stream that we opened to a passive candidate of the peer.
    void add_tcp_connection(Timestamp now, const Path& path);
    void remove_tcp_connection(Timestamp now, std::uint32_t connection);

    // One STUN message, without framing.
    void handle_packet(Timestamp now, const Path& path, BytesView stun);
    // Any other packet, if authentic; from the selected path it shows that the peer is alive. False
    // if it came over another one: the peer may have moved there.
    bool note_activity(Timestamp now, const Path& path);
    // Media came over a path that STUN has not shown. If they are authentic the NAT may have given
    // the peer another port, and its own check takes seconds: the path is asked at once, also by a
    // lite agent (here alone); nothing else is sent there, and nothing taken from it, before its
    // answer (02 TRAP-16). If that is not known, a lite agent, which has no timer for it, asks once
    // more where some were.
    void note_stray(Timestamp now, const Path& path, bool authentic);
    void handle_timeout(Timestamp now);

    std::optional<Transmit> poll_transmit() { return transmits_.pop(); }
    std::optional<Event> poll_event() { return selection_.poll_event(); }
    Timestamp next_deadline() const;

    // DTLS, SRTP and RTCP are to be accepted from this path: STUN with our credentials came over it
    // (02 TRAP-16, 08 IMM-1).
    bool is_valid_path(const Path& path) const;
    // On which the peer has shown itself, by checks or media, now or in the generation before.
    friend std::vector<Path> shown_paths(const Agent& agent);
    // During a restart the path of the generation before.
    const std::optional<Path>& selected() const { return selection_.path(); }
    State state() const { return selection_.state(); }
    Role role() const { return roles_.ours(); }
    PathFacts path_facts() const;
    const Credentials& local_credentials() const { return credentials_.local; }
    Snapshot snapshot() const;

  private:
    friend struct StateAccess<Agent>;

    struct PreviousGeneration {
        CredentialPair credentials;
        Path path;
        Timestamp expires_at = Timestamp::never();  // some time after the new selection
    };

    // agent.cc
    void begin_generation(const Credentials& local);
    void form_pairs(Timestamp now, const RemoteCandidate& remote);
    bool is_running() const;

    // agent_checks.cc
    void run_checks(Timestamp now);
    void send_check(Timestamp now, Pair& pair);
    void send_request(Timestamp now, const Path& path, const CredentialPair& credentials,
                      const Pair* pair);
    void send_keepalive(Timestamp now);
    void recheck_all(Timestamp now);
    void nominate(Timestamp now);
    void follow_nomination(Timestamp now, Pair& pair);
    void select(Timestamp now, Pair& pair);
    void follow_rival(Timestamp now);

    // agent_packets.cc
    void handle_request(Timestamp now, const Path& path, const wire::StunMessage& message);
    void handle_check(Timestamp now, const Path& path, const wire::StunMessage& message);
    void follow_check(Timestamp now, Pair& pair);
    void answer(const Path& path, const wire::StunMessage& message, const Credentials& local);
    bool refuse_role(Timestamp now, const Path& path, const wire::StunMessage& message);
    void handle_response(Timestamp now, const Path& path, const wire::StunMessage& message);
    void handle_success(Timestamp now, const Transaction& transaction);
    void handle_error(Timestamp now, const Transaction& transaction,
                      const wire::StunMessage& message);

    AgentConfig config_;
    Rng rng_;
    Roles roles_;
    CredentialPair credentials_;
    std::optional<PreviousGeneration> previous_;
    RemoteCandidates remote_candidates_;
    CheckList list_;
    Transactions transactions_;
    Selection selection_;
    std::uint64_t nominations_received_ = 0;
    Timestamp nominate_at_ = Timestamp::never();  // a succeeded pair's waiting time ends
    Duration rtt_;
    TransmitQueue transmits_;
    Counters counters_;
};

}  // namespace confab::ice

// base/state/state.h
template <>
struct confab::StateAccess<confab::ice::Agent> {
    static void save(const ice::Agent& agent, StateWriter& out);
    static void load(ice::Agent& agent, StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
};
