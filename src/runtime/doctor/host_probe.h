// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Of the machine: addresses with the sizes of their packets, limits of the kernel and of processes,
// a disk; and of a receiver of webhooks whether it can be reached.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/doctor/waiting.h"

namespace confab::doctor {

std::vector<InterfaceFacts> probe_interfaces();

// net.core.rmem_max or wmem_max in bytes; in a network namespace without it, what a socket gets.
std::optional<std::uint64_t> socket_buffer_limit(bool receive);
// What a server may raise its own limit to.
std::uint64_t open_files_limit();

// Writes a file there, which is gone again.
DiskFacts probe_disk(const std::string& folder);

// Connects, and with https looks at the certificate; nothing is asked.
WebhookFacts probe_webhook(const std::string& url, const Deadline& deadline);

}  // namespace confab::doctor
