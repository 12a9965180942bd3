#include "compiled_shape.h"

#include <algorithm>

namespace covey {

CompiledShape::CompiledShape(const Shape& shape) : shape_(shape), tcpPorts_(65536), udpPorts_(65536) {
  const size_t count = std::min<size_t>(shape_.rules.size(), 65534);
  for (size_t index = 0; index < count; index++) {
    const RuleEntry& entry = shape_.rules[index];
    if (entry.plan >= kMaxPlans && !entry.deny) continue;
    std::vector<uint16_t>& ports = entry.protocol == Protocol::tcp ? tcpPorts_ : udpPorts_;
    for (uint32_t port = entry.firstPort; port <= entry.lastPort; port++) {
      if (ports[port] == 0) ports[port] = static_cast<uint16_t>(index + 1);
    }
  }
}

}  // namespace covey
