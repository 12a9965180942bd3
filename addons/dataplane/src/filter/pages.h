// Memory for large tables in 2 MiB pages where the kernel has them. With pages of 4 KiB nearly every look-up at random in a
// table of 16 MiB misses the TLB too, which in a virtual machine costs as much as the cache miss itself.
#ifndef COVEY_FILTER_PAGES_H
#define COVEY_FILTER_PAGES_H

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <vector>

namespace covey {

template <class T>
struct HugePages {
  using value_type = T;
  static constexpr size_t kHugePage = size_t{2} << 20;
  static constexpr size_t kCacheLine = 64;

  HugePages() = default;
  template <class U>
  explicit HugePages(const HugePages<U>&) {}

  T* allocate(size_t count) {
    const size_t align = count * sizeof(T) < kHugePage ? kCacheLine : kHugePage;
    const size_t bytes = (count * sizeof(T) + align - 1) / align * align;
    void* memory = std::aligned_alloc(align, bytes);
    // As operator new without exceptions: there is no farm without its tables.
    if (memory == nullptr) std::abort();
    // Only advice (EINVAL: the kernel has no huge pages).
    if (align == kHugePage) ::madvise(memory, bytes, MADV_HUGEPAGE);
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, size_t) { std::free(memory); }
  bool operator==(const HugePages&) const { return true; }
  bool operator!=(const HugePages&) const { return false; }
};

template <class T>
using TableVector = std::vector<T, HugePages<T>>;

}  // namespace covey

#endif
