// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// From the configuration's redis section to a driver with its machine (03 RDS-28).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "config/config.h"
#include "redis/driven.h"
#include "runtime/net/redis/redis_driver.h"

namespace confab::app {

// The client that the addresses ask for: Sentinel, Cluster, or one server.
std::unique_ptr<redis::Driven> redis_machine(const config::Redis& config, redis::Events events,
                                             Timestamp now, std::uint64_t seed);
// Reads the files; the error is a text for the operator.
Result<net::RedisDriverOptions, std::string> redis_driver_options(const config::Redis& config);
// Where it is, for the log.
std::string redis_place(const config::Redis& config);

}  // namespace confab::app
