#include "gtest/gtest.h"

#include "tests/storage/child_process.h"

int main(int argc, char** argv) {
  const int child = tallyd::RunAsChild(argc, argv);
  if (child >= 0) return child;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
