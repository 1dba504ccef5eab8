// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whether a trend means a growing queue: it is held against a threshold that follows it slowly, so
// that flows that fill queues do not starve us (draft-ietf-rmcat-gcc-02 §5.4; constants as in
// libwebrtc: 12.5 to begin with, 6 to 600, 10 ms and two groups above it).
#pragma once

#include "base/time.h"
#include "rtc/bwe/packet_feedback.h"

namespace confab::bwe {

class OveruseDetector {
  public:
    static constexpr double kGain = 4;
    static constexpr int kFullWeight = 60;  // groups until a trend has its whole weight
    static constexpr double kUp = 0.0087;
    static constexpr double kDown = 0.039;
    static constexpr double kThreshold = 12.5;
    static constexpr double kThresholdMin = 6;
    static constexpr double kThresholdMax = 600;
    static constexpr double kMaxAdapt = 15;  // a step further from the threshold is no new normal
    static constexpr double kOveruseMs = 10;

    struct Input {
        double trend = 0;
        int deltas = 0;
        Duration sent;     // between this group and the one before
        Duration arrived;  // the group, by the receiver's clock
    };
    LinkUse detect(const Input& in);
    LinkUse state() const { return state_; }
    double threshold() const { return threshold_; }

  private:
    void judge(double weighed, const Input& in);
    void adapt(double weighed, Duration arrived);

    double threshold_ = kThreshold;
    double last_trend_ = 0;
    double overusing_ms_ = -1;  // for how long; < 0: not
    int overusing_groups_ = 0;
    bool adapted_ = false;
    Duration last_;
    LinkUse state_ = LinkUse::kNormal;
};

}  // namespace confab::bwe
