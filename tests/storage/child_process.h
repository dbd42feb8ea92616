#pragma once

// Tests that need a second process, or one that dies: the test program starts itself again with
// `--child NAME DIRECTORY` and runs the function registered under that name. (A plain fork() would
// inherit RocksDB's thread pool without its threads.)

#include <string>

namespace tallyd {

using ChildFunction = int (*)(const std::string& directory);

// At namespace scope: const bool kRegistered = RegisterChild("name", &Function);
bool RegisterChild(const std::string& name, ChildFunction function);

// Runs the child to its end. Its exit code, or 128 + the signal that ended it.
int RunChild(const std::string& name, const std::string& directory);

// For main(): the exit code of the child this process is, or -1 if it is none.
int RunAsChild(int argc, char** argv);

}  // namespace tallyd
