// A Shape made ready for packets: VIPs to compare, ports to look up.
#ifndef COVEY_FILTER_COMPILED_SHAPE_H
#define COVEY_FILTER_COMPILED_SHAPE_H

#include <cstdint>
#include <vector>

#include "shape.h"

namespace covey {

class CompiledShape {
 public:
  CompiledShape() : CompiledShape(Shape{}) {}
  /** Plans above 7 and rules beyond 65534 are left out: their ports count as no rule (fail closed). */
  explicit CompiledShape(const Shape& shape);

  uint32_t hashSeed() const { return shape_.hashSeed; }
  const Mac& vmac() const { return shape_.vmac; }
  int32_t vlan() const { return shape_.vlan; }

  /** Index of the VIP with this address, -1: not ours. */
  int vipIndex(const Address& address, bool isIpv6) const {
    for (size_t index = 0; index < shape_.vips.size(); index++) {
      const Vip& vip = shape_.vips[index];
      if (vip.isIpv6 == isIpv6 && isSame(vip.address, address)) return static_cast<int>(index);
    }
    return -1;
  }
  /** The first rule entry that matches, or nullptr. `protocol` is an IANA number. */
  const RuleEntry* ruleFor(uint8_t protocol, uint16_t port) const {
    const bool isTcp = protocol == static_cast<uint8_t>(Protocol::tcp);
    const uint16_t found = isTcp ? tcpPorts_[port] : udpPorts_[port];
    return found == 0 ? nullptr : &shape_.rules[found - 1];
  }

 private:
  Shape shape_;
  /** Per port: 1 + index of the first matching entry, 0: none. Two loads per packet, whatever the number of rules. */
  std::vector<uint16_t> tcpPorts_;
  std::vector<uint16_t> udpPorts_;
};

}  // namespace covey

#endif
