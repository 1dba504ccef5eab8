// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Joins a room of its own as a client does, as far as is needed to learn where media would go: the
// WebSocket, what the server says at first, an answer to a ping, candidates, credentials for ICE.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rtc/ice/binding.h"
#include "runtime/doctor/waiting.h"

namespace confab::doctor {

struct SignalTarget {
    SocketAddress address;
    std::string host;  // for the Host header
    std::string name;  // for TLS; empty: none
    std::string prefix;
    std::string token;
};

class SignalProbe {
  public:
    explicit SignalProbe(SignalTarget target);
    ~SignalProbe();  // leaves
    SignalProbe(const SignalProbe&) = delete;
    SignalProbe& operator=(const SignalProbe&) = delete;

    // Until all of it is known, something failed, or the deadline.
    SignalFacts run(const Deadline& deadline);
    // Of the server; the session stays open while this lives, so that they answer.
    const std::vector<CandidateFacts>& candidates() const;
    const ice::CredentialPair& credentials() const;

  private:
    class Session;
    SignalTarget target_;
    std::unique_ptr<Session> session_;
};

}  // namespace confab::doctor
