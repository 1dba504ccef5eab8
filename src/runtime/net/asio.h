// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The only way Asio and Beast come into runtime/net: their non-template parts are compiled once, in
// asio.cc (07 CORO-02). Included by .cc files only.
#pragma once

#ifdef BOOST_ASIO_HEADER_ONLY
#error "include runtime/net/asio.h before any other Boost header"
#endif
#ifndef BOOST_ASIO_SEPARATE_COMPILATION
#define BOOST_ASIO_SEPARATE_COMPILATION
#endif
#ifndef BOOST_BEAST_SEPARATE_COMPILATION
#define BOOST_BEAST_SEPARATE_COMPILATION
#endif

// g++ 12 takes the allocation functions of Asio's coroutine frames for mismatched ones.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

namespace confab::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

// Errors come back as values, never as exceptions (CORO-05).
inline constexpr auto use_result = asio::as_tuple(asio::use_awaitable);

// For co_spawn: what a coroutine throws is a failure of EventLoop::run() instead of vanishing.
struct Rethrow {
    void operator()(std::exception_ptr error) const {
        if (error) std::rethrow_exception(error);
    }
};

}  // namespace confab::net
