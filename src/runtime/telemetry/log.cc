// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/telemetry/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>

namespace confab::telemetry {

namespace {

class FunctionSink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    explicit FunctionSink(std::function<void(std::string_view)> fn) : fn_(std::move(fn)) {}

  private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        fn_({message.payload.data(), message.payload.size()});
    }
    void flush_() override {}

    std::function<void(std::string_view)> fn_;
};

struct State {
    std::shared_ptr<spdlog::logger> logger;
    std::atomic<LogLevel> level{LogLevel::kInfo};
    bool json = true;
};

std::shared_ptr<spdlog::logger> make_logger(const LogOptions& options) {
    spdlog::sink_ptr sink;
    if (options.sink)
        sink = std::make_shared<FunctionSink>(options.sink);
    else
        sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    auto logger = std::make_shared<spdlog::logger>("confab", std::move(sink));
    // The line is complete when it gets here: spdlog only writes it.
    logger->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::warn);
    return logger;
}

State& state() {
    static State instance{make_logger({})};
    return instance;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug:
            return spdlog::level::debug;
        case LogLevel::kInfo:
            return spdlog::level::info;
        case LogLevel::kWarn:
            return spdlog::level::warn;
        case LogLevel::kError:
            return spdlog::level::err;
        case LogLevel::kOff:
            return spdlog::level::off;
    }
    return spdlog::level::info;
}

UnixTime wall() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return UnixTime::micros(std::chrono::duration_cast<std::chrono::microseconds>(since).count());
}

}  // namespace

void init_log(const LogOptions& options) {
    State& s = state();
    s.logger = make_logger(options);
    s.json = options.json;
    s.level.store(options.level, std::memory_order_relaxed);
}

void set_log_level(LogLevel level) {
    state().level.store(level, std::memory_order_relaxed);
}

bool log_enabled(LogLevel level) {
    return level >= state().level.load(std::memory_order_relaxed) && level != LogLevel::kOff;
}

void log(LogLevel level, std::string_view event, LogFields fields) {
    if (!log_enabled(level)) return;
    const State& s = state();
    const std::string line = s.json ? format_json(wall(), level, event, fields)
                                    : format_text(wall(), level, event, fields);
    s.logger->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace confab::telemetry
