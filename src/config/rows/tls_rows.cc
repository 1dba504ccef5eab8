// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Settings: TLS of the HTTP port, and what else goes over that port. LiveKit does not have them.
#include <array>

#include "config/rows/rows.h"

namespace confab::config {
namespace {

using C = Config;

constexpr auto kRows = std::to_array<Option>({
    used(
        "tls.domain", [](C& c) -> Slot { return &c.tls.domain; },
        "Name under which clients reach this server: it serves HTTPS then, and asks "
        "tls.acme_directory for a certificate unless tls.cert_file has one"),
    used(
        "tls.domains", [](C& c) -> Slot { return &c.tls.domains; },
        "Further names of this server in the certificate"),
    used(
        "tls.email", [](C& c) -> Slot { return &c.tls.email; },
        "Where the certificate authority writes to when something is wrong"),
    used(
        "tls.cert_file", [](C& c) -> Slot { return &c.tls.cert_file; },
        "Certificate with those between it and a known authority, PEM; read again when it changes"),
    used(
        "tls.key_file", [](C& c) -> Slot { return &c.tls.key_file; },
        "Its private key, PEM; not readable by others"),
    used(
        "tls.acme_directory", [](C& c) -> Slot { return &c.tls.acme_directory; },
        "Certificate authority that speaks ACME (RFC 8555); naming a domain without cert_file "
        "agrees to its terms"),
    used(
        "tls.acme_ca_file", [](C& c) -> Slot { return &c.tls.acme_ca_file; },
        "Authority by which that server itself is known, PEM; empty for those of the system"),
    used(
        "tls.redirect_port", [](C& c) -> Slot { return &c.tls.redirect_port; },
        "Port, as a rule 80, where HTTP is sent on to HTTPS, and where ACME looks for its "
        "challenges; 0 for none"),
    used(
        "tls.one_port", [](C& c) -> Slot { return &c.tls.one_port; },
        "Media and TURN go over the HTTP port, too, by TCP and by UDP, unless rtc.udp_port, "
        "rtc.port_range_start, rtc.tcp_port, turn.udp_port or turn.tls_port say otherwise"),
});

}  // namespace

std::span<const Option> tls_rows() {
    return kRows;
}

}  // namespace confab::config
