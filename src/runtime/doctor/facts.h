// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the probes of this folder found out, as plain values: nothing in here judges. The findings
// that follow from them are made in app/doctor, where tests give facts of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/net_address.h"
#include "base/time.h"

namespace confab::doctor {

// What became of a connection or of a question.
enum class Reach : std::uint8_t {
    kNotTried,
    kAnswered,
    kRefused,      // somebody is there, and says no
    kSilent,       // nothing came in time
    kUnreachable,  // this host has no way there
};

// What is wrong with a certificate; one may have several of these.
enum class TlsFault : std::uint8_t {
    kExpired,
    kNotYetValid,
    kWrongName,
    kSelfSigned,
    kUnknownIssuer,  // or the chain is not whole
    kHandshake,      // no TLS came about at all
    kOther,
};

struct TlsFacts {
    bool tried = false;
    std::vector<TlsFault> faults;  // each once
    std::string detail;            // of the handshake that failed, or of kOther
    std::string names;             // that the certificate is for: "a.example.org, *.b.org"
    std::string issuer;
    std::optional<UnixTime> not_before;
    std::optional<UnixTime> not_after;
};

// ---------------------------------------------------------------- a server, from outside

struct NameFacts {
    std::vector<IpAddress> addresses;
    std::string error;  // why there are none
};

struct HttpFacts {
    bool tried = false;
    int status = 0;  // of GET /; 0: no answer
    std::string body;
    std::string error;              // why there is no answer
    std::optional<UnixTime> date;   // of the answer's header
    UnixTime asked_at;              // by our clock, between question and answer
    int token_status = 0;           // of GET /rtc/validate; 0: not asked
    std::string token_text;         // the answer's text
    bool swapped_is_taken = false;  // key and secret the other way round
};

struct IceServerFacts {
    std::string url;  // "turn:host:3478?transport=udp"
    std::string username;
    std::string credential;
};

struct CandidateFacts {
    SocketAddress address;
    bool is_tcp = false;
    Reach reach = Reach::kNotTried;
    Duration took = {};
};

// How far the signalling got.
struct SignalFacts {
    bool tried = false;
    bool upgraded = false;
    int refused_status = 0;  // of an answer that upgrades nothing
    std::string error;
    bool joined = false;  // the first message came
    bool pong = false;    // and an answer to a ping
    Duration pong_took;
    std::vector<IceServerFacts> ice_servers;
    bool has_credentials = false;  // ICE can be asked
};

struct PathMtuFacts {
    bool tried = false;
    std::size_t bytes = 0;  // of the IP packet that was tried
    bool passes = false;
};

struct TurnFacts {
    std::string url;
    bool is_tls = false;
    std::string resolve_error;
    Reach reach = Reach::kNotTried;  // of its port
    TlsFacts tls;
    bool allocated = false;
    int error_code = 0;  // of the last refusal
    std::string error;
    Reach relay = Reach::kNotTried;  // a media candidate, through it
};

// Seen from where this runs.
struct ServerFacts {
    std::string url;
    std::string url_error;  // it is no address of a server
    std::string host;
    std::uint16_t port = 0;
    bool is_tls = false;
    NameFacts name;
    Reach tcp = Reach::kNotTried;
    SocketAddress address;  // that was tried
    Duration connect_took;
    TlsFacts tls;
    HttpFacts http;
    SignalFacts signal;
    std::vector<CandidateFacts> candidates;
    PathMtuFacts mtu;
    std::vector<TurnFacts> turn;
    bool has_key = false;  // an API key with its secret was given
};

// ---------------------------------------------------------------- this host

struct PortFacts {
    std::string option;  // "rtc.udp_port"
    std::uint16_t first = 0;
    std::uint16_t last = 0;  // the same for one
    bool is_udp = false;
    std::vector<std::uint16_t> taken;  // at most 8
    std::size_t taken_count = 0;
    bool forbidden = false;  // below 1024, and we may not
    std::string owner;       // of the first that is taken, where it is known
};

struct PemFacts {
    std::string option = {};  // "turn.cert_file"
    std::string cert_file = {};
    std::string key_file = {};
    std::string error = {};  // why a file is none
    bool key_fits = true;
    unsigned key_mode = 0;
    std::string names = {};
    bool has_name = true;  // the one it is wanted for
    std::string wanted_name = {};
    std::optional<UnixTime> not_before = {};
    std::optional<UnixTime> not_after = {};
};

struct InterfaceFacts {
    std::string name;
    IpAddress ip;
    std::uint32_t mtu = 0;
};

struct DiskFacts {
    bool tried = false;
    std::string folder;
    std::string error;  // why nothing can be written there
    std::uint64_t free_bytes = 0;
};

struct WebhookFacts {
    std::string url;  // without query, which may hold a secret
    std::string host;
    NameFacts name;
    Reach tcp = Reach::kNotTried;
    TlsFacts tls;
    bool is_tls = false;
};

}  // namespace confab::doctor
