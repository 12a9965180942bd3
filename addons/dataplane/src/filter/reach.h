// Reach (design.md section 6): whose a frame may be by its destination MAC, who answers whom, and who relays to whom.
// The C++ twin of src/dataplane/memory-reach.ts and src/buckets/ingress.ts.
#ifndef COVEY_FILTER_REACH_H
#define COVEY_FILTER_REACH_H

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "compiled_shape.h"
#include "ethernet.h"
#include "shape.h"

namespace covey {

/** Numbers as in REACH_MODES of src/buckets/contract.ts. */
enum class ReachMode : uint8_t { relay = 0, multicast = 1, flood = 2 };

constexpr uint8_t kNobody = 255;
constexpr size_t kMaxReachMembers = 128;
constexpr size_t kMaxRelayTargets = 64;

struct ReachMember {
  Mac mac{};
  /** With `relay`: counts among those of whom one answers each asker. */
  bool answers = false;
};

struct ReachPlan {
  /** By bucket; bit i: member i must see its frames. */
  std::array<uint64_t, kBuckets> targets{};
  /** By bucket: the member that gets its copy last, kNobody: any order. */
  std::array<uint8_t, kBuckets> last{};
};

/** What the command `reach` says; see TableOp in src/buckets/contract.ts. */
struct ReachSetting {
  ReachMode mode = ReachMode::flood;
  uint8_t self = kNobody;
  /** At most kMaxReachMembers. */
  std::vector<ReachMember> members;
  /** At most kMaxPlans. */
  std::vector<ReachPlan> plans;
};

/** The multicast vMAC: the vMAC with its group bit set. */
inline Mac groupOf(Mac vmac) {
  vmac[0] |= 1;
  return vmac;
}

/**
 * Index of the member that answers this asker for this VIP, kNobody: none does. Rendezvous hashing, part of the wire
 * protocol (version 1): test/vectors/ingress.txt binds it and its TypeScript twin.
 */
uint8_t chooseIngress(const Address& asker, const Address& vip, const std::vector<ReachMember>& members, uint32_t seed);

/** `shared`: the vMAC or the multicast vMAC. `group`: any other group, broadcast too. `other`: another station. */
enum class MacKind : uint8_t { own, shared, group, other };

class ReachTable {
 public:
  ReachTable(const Mac& ownMac, const CompiledShape& shape) : ownMac_(ownMac), shape_(shape) {}

  void set(std::shared_ptr<const ReachSetting> setting);
  ReachMode mode() const { return setting_->mode; }
  /** True when a member that answers now does not with `next`: some asker may point at it, whoever the hash says. */
  bool isLeftBy(const ReachSetting& next) const;

  MacKind kindOf(const Mac& destination) const {
    if (isSame(destination, ownMac_)) return MacKind::own;
    Mac unicast = destination;
    const Mac& vmac = shape_.vmac();
    unicast[0] = static_cast<uint8_t>((unicast[0] & ~1) | (vmac[0] & 1));
    if (isSame(unicast, vmac)) return MacKind::shared;
    return (destination[0] & 1) != 0 ? MacKind::group : MacKind::other;
  }
  bool isMember(const Mac& mac) const;

  /** What stands in our ARP and ND answers. */
  Mac answerMac() const;
  /**
   * True when we answer this question. With `relay` one member does; but whoever asks a member directly knows it already,
   * and wants to hear from it.
   */
  bool answers(const Mac& destination, const Address& asker, const Address& vip) const;
  bool isChosen(const Address& asker, const Address& vip) const;

  /** The others that a frame of this bucket goes to, bit i: member i. */
  uint64_t targetsOf(uint8_t plan, int32_t bucket) const;
  /** Calls `send(mac)` for each of `targets`; the member that is to be last in this bucket comes last. */
  template <class Send>
  void forEachTarget(uint64_t targets, uint8_t plan, int32_t bucket, Send send) const {
    const uint8_t last = setting_->plans[plan].last[static_cast<size_t>(bucket)];
    const uint64_t lastBit = last < kMaxRelayTargets ? targets & (uint64_t{1} << last) : 0;
    for (uint64_t left = targets & ~lastBit; left != 0; left &= left - 1) {
      send(setting_->members[static_cast<size_t>(__builtin_ctzll(left))].mac);
    }
    if (lastBit != 0) send(setting_->members[last].mac);
  }

 private:
  const Mac& ownMac_;
  const CompiledShape& shape_;
  std::shared_ptr<const ReachSetting> setting_ = std::make_shared<ReachSetting>();
  /** Bits of members that exist and are not us. */
  uint64_t others_ = 0;
};

}  // namespace covey

#endif
