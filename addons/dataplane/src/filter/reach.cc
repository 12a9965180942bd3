#include "reach.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "key.h"

namespace covey {

uint8_t chooseIngress(const Address& asker, const Address& vip, const std::vector<ReachMember>& members,
                      uint32_t seed) {
  const uint32_t begun = addToHash(addToHash(startHash(seed), asker.data(), asker.size()), vip.data(), vip.size());
  size_t chosen = kNobody;
  uint32_t best = 0;
  for (size_t index = 0; index < members.size() && index < kNobody; index++) {
    if (!members[index].answers) continue;
    const Mac& mac = members[index].mac;
    const uint32_t score = finishHash(addToHash(begun, mac.data(), mac.size()));
    const bool isBetter = chosen == kNobody || score > best || (score == best && mac < members[chosen].mac);
    if (!isBetter) continue;
    best = score;
    chosen = index;
  }
  return static_cast<uint8_t>(chosen);
}

void ReachTable::set(std::shared_ptr<const ReachSetting> setting) {
  setting_ = std::move(setting);
  const size_t count = std::min(setting_->members.size(), kMaxRelayTargets);
  others_ = count == kMaxRelayTargets ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
  if (setting_->self < count) others_ &= ~(uint64_t{1} << setting_->self);
}

bool ReachTable::isLeftBy(const ReachSetting& next) const {
  const auto goesOn = [&](const ReachMember& member) {
    return !member.answers || std::any_of(next.members.begin(), next.members.end(), [&](const ReachMember& other) {
      return other.answers && isSame(other.mac, member.mac);
    });
  };
  return !std::all_of(setting_->members.begin(), setting_->members.end(), goesOn);
}

bool ReachTable::isMember(const Mac& mac) const {
  for (const ReachMember& member : setting_->members) {
    if (isSame(member.mac, mac)) return true;
  }
  return false;
}

Mac ReachTable::answerMac() const {
  if (setting_->mode == ReachMode::relay) return ownMac_;
  return setting_->mode == ReachMode::multicast ? groupOf(shape_.vmac()) : shape_.vmac();
}

bool ReachTable::answers(const Mac& destination, const Address& asker, const Address& vip) const {
  if (setting_->mode != ReachMode::relay) return true;
  if (kindOf(destination) != MacKind::own) return isChosen(asker, vip);
  return setting_->self < setting_->members.size() && setting_->members[setting_->self].answers;
}

bool ReachTable::isChosen(const Address& asker, const Address& vip) const {
  if (setting_->self == kNobody) return false;
  return chooseIngress(asker, vip, setting_->members, shape_.hashSeed()) == setting_->self;
}

uint64_t ReachTable::targetsOf(uint8_t plan, int32_t bucket) const {
  if (bucket < 0 || plan >= setting_->plans.size()) return 0;
  return setting_->plans[plan].targets[static_cast<size_t>(bucket)] & others_;
}

}  // namespace covey
