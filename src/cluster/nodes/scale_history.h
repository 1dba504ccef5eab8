// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What past weeks needed, in Redis (03 OPS-04): who leads writes each hour when it ends, and a node
// that has just begun reads what there is. The hash `confab_scale_history` is ours; its fields are
// hours of the week, its values numbers of nodes.
#pragma once

#include <cstdint>
#include <memory>

#include "base/time.h"
#include "cluster/nodes/select/forecast.h"
#include "redis/port.h"

namespace confab::cluster::nodes {

class ScaleHistory {
  public:
    static constexpr const char* kKey = "confab_scale_history";

    // The port outlives it.
    explicit ScaleHistory(redis::Port& port)
        : port_(port), forecast_(std::make_shared<WeekForecast>()) {}

    WeekForecast& forecast() { return *forecast_; }
    // Redis is there: reads it, once.
    void handle_up(Timestamp now);
    // What is lost in an outage of Redis is kept a week later.
    void write(Timestamp now, const WeekForecast::Hour& hour);

  private:
    redis::Port& port_;
    // Answers may come after the end of this.
    std::shared_ptr<WeekForecast> forecast_;
    std::shared_ptr<bool> is_read_ = std::make_shared<bool>(false);
};

}  // namespace confab::cluster::nodes
