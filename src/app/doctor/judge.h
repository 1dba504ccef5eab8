// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// From facts to findings. Nothing in here asks anybody anything: the same facts give the same
// findings. A cause hides what only follows from it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/doctor/findings.h"
#include "app/serve/network/media_addresses.h"
#include "config/config.h"
#include "config/diagnostic.h"
#include "runtime/doctor/facts.h"

namespace confab::doctor {

// ---------------------------------------------------------------- the configuration

struct ConfigFacts {
    std::string file;  // empty: it is no file
    unsigned file_mode = 0600;
    config::Diagnostics errors;
    config::Diagnostics warnings;
    bool has_keys = true;
    bool lacks_turn_certificate = false;  // the server asks for it at its start only
};
bool lacks_turn_certificate(const config::Config& config);
void judge_config(const ConfigFacts& facts, Diagnosis& out);

// ---------------------------------------------------------------- the machine

struct RedisFacts {
    bool tried = false;
    bool is_up = false;
    bool refused_login = false;
    bool uses_tls = false;
    Reach tcp = Reach::kNotTried;
    std::string place = {};
    std::string error = {};
};

struct AddressFacts {
    std::vector<InterfaceFacts> interfaces;
    std::vector<app::MediaAddress> media;
    std::string media_error;  // why there are none
    std::string node_ip;      // as configured
    bool use_external_ip = false;
    bool advertises_internal = false;
    // As a STUN server sees this machine; nothing: none was asked, or none answered.
    std::optional<IpAddress> external;
    std::string external_error;  // why rtc.use_external_ip finds none
};

struct HostFacts {
    UnixTime now;
    std::optional<std::uint64_t> receive_buffer;  // bytes
    std::optional<std::uint64_t> send_buffer;
    std::uint64_t open_files = 0;
    DiskFacts disk;
    AddressFacts addresses;
    std::vector<PortFacts> ports;  // without those that our own running server has
    std::vector<PemFacts> certificates;
    RedisFacts redis;
    std::vector<WebhookFacts> webhooks;
    std::string turn_domain;  // empty: none
    NameFacts turn_name;
};
void judge_host(const HostFacts& facts, Diagnosis& out);
void judge_addresses(const AddressFacts& facts, Diagnosis& out);  // is a part of it

// ---------------------------------------------------------------- a server from outside

// `host`: where both are the same machine, so that names can be compared with its addresses.
void judge_server(const ServerFacts& facts, const HostFacts* host, UnixTime now, Diagnosis& out);

// Loopback, private, shared, link-local, unique local; not those of documentation.
bool is_private(const IpAddress& ip);
// An address that this machine has, or that others see it at.
bool is_of_host(const IpAddress& ip, const AddressFacts& facts);

// "2026-11-25" in UTC.
std::string date_text(UnixTime time);
// The worst of what is wrong with it, for people.
std::string tls_fault_text(const TlsFacts& tls);

}  // namespace confab::doctor
