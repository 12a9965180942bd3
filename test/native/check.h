// A test is a function named by TEST; a failed CHECK is printed with its values and fails the test, which goes on.
#ifndef COVEY_TEST_CHECK_H
#define COVEY_TEST_CHECK_H

#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace check {

struct Test {
  std::string name;
  void (*run)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

struct Tally {
  int passed = 0;
  int failed = 0;
  int skipped = 0;
  bool isFailing = false;
  bool isSkipping = false;
};

inline Tally& tally() {
  static Tally one;
  return one;
}

struct Register {
  Register(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

inline void fail(const char* file, int line, const std::string& what) {
  tally().isFailing = true;
  std::cout << file << ":" << line << ": " << what << "\n";
}

template <class A, class B>
void equal(const A& left, const B& right, const char* text, const char* file, int line) {
  if (left == right) return;
  std::ostringstream what;
  what << text << ": " << left << " is not " << right;
  fail(file, line, what.str());
}

/** The test that runs cannot be run here, and says why. */
inline void skip(const std::string& reason) {
  tally().isSkipping = true;
  std::cout << "skipped: " << reason << "\n";
}

/** Counts one case: a TEST, or a record of a vector file. */
inline void finish(const std::string& name) {
  Tally& one = tally();
  (one.isFailing ? one.failed : one.isSkipping ? one.skipped : one.passed)++;
  if (one.isFailing) std::cout << "FAILED " << name << "\n";
  if (one.isSkipping && !one.isFailing) std::cout << "SKIPPED " << name << "\n";
  one.isFailing = one.isSkipping = false;
}

}  // namespace check

#define CHECK_JOIN2(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN2(a, b)
#define TEST_NAMED(name, id)                       \
  static void id();                                \
  static check::Register CHECK_JOIN(id, In)(name, id); \
  static void id()
#define TEST(name) TEST_NAMED(name, CHECK_JOIN(test, __LINE__))
#define CHECK(condition) \
  ((condition) ? void() : check::fail(__FILE__, __LINE__, "not true: " #condition))
#define CHECK_EQ(left, right) check::equal(left, right, #left " == " #right, __FILE__, __LINE__)

#endif
