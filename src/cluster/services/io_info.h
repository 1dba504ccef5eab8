// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What workers of egress and ingress ask of any node (03 RPC-13), served on its bus: records in
// Redis are written and read for them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cluster/services/egress_records.h"
#include "cluster/services/ingress_records.h"
#include "cluster/store/egress_store.h"
#include "cluster/store/ingress_store.h"
#include "rpc/bus.h"

namespace confab::cluster::services {

class IoInfo {
  public:
    // Requests that wait for their end without an answer; the oldest is given up for one more.
    static constexpr std::size_t kMaxHeld = 1024;

    // All outlive it.
    struct Parts {
        rpc::Bus& bus;
        store::EgressStore& egresses;
        EgressRecords& egress;
        store::IngressStore& ingresses;
        IngressRecords& ingress;
    };
    // Serves at once; what could not be served is in the error.
    static Result<std::unique_ptr<IoInfo>, rpc::Error> serve(Parts parts);
    IoInfo(const IoInfo&) = delete;
    IoInfo& operator=(const IoInfo&) = delete;

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    std::size_t held() const { return held_.size(); }

  private:
    explicit IoInfo(Parts parts) : p_(parts) {}
    using Handler = std::function<void(const rpc::Request&, rpc::Reply)>;
    Result<void, rpc::Error> add(const rpc::Method& method, Handler handler);
    using Member = void (IoInfo::*)(const rpc::Request&, rpc::Reply);
    Result<void, rpc::Error> add(const rpc::Method& method, Member handler);
    Result<void, rpc::Error> serve_egress();
    Result<void, rpc::Error> serve_ingress();
    void create_egress(const rpc::Request& request, rpc::Reply reply);
    void update_egress(const rpc::Request& request, rpc::Reply reply);
    void get_egress(const rpc::Request& request, rpc::Reply reply);
    void list_egress(const rpc::Request& request, rpc::Reply reply);
    void create_ingress(const rpc::Request& request, rpc::Reply reply);
    void get_ingress(const rpc::Request& request, rpc::Reply reply);
    void update_ingress_state(const rpc::Request& request, rpc::Reply reply);
    void refuse(const store::Failure& failure, Timestamp deadline, rpc::Reply reply);
    // The answer to what was written: google.protobuf.Empty.
    EgressRecords::Kept empty_to(const rpc::Request& request, rpc::Reply reply);

    struct Held {
        Timestamp until;
        rpc::Reply reply;
    };

    Parts p_;
    std::vector<rpc::Registration> served_;
    std::vector<Held> held_;
};

}  // namespace confab::cluster::services
