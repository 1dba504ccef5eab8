// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the configuration says of metrics, of clients and of our own (01 SIG-124).
#pragma once

#include "base/time.h"
#include "sfu/metrics/metrics_collector.h"
#include "sfu/metrics/metrics_times.h"

namespace confab::sfu {

struct MetricsOptions {
    MetricsTimes::Options times;          // metric.timestamper_config.*
    Duration report_interval;             // metric.reporter.*; zero: told at once
    MetricsCollector::Options collector;  // metric.collector.*
};

}  // namespace confab::sfu
