#pragma once

// tallyctl keys ...: the file of API keys, on this machine; no server is asked.
//
// The key itself is printed once, when it is made, and is nowhere else. The file is replaced as a
// whole, mode 0600, made if it is missing; the running server reads it on SIGHUP. One tallyctl at a
// time: a second one finds the file locked (75).

#include <string>
#include <vector>

#include "tools/tallyctl/control.h"

namespace tallyd {

struct KeyOptions {
  std::string file;
  std::string name;                 // add
  std::vector<std::string> scopes;  // add
  int expires_days = 0;             // add; 0 = never
  std::string id;                   // revoke
};

ExitCode AddKey(const ControlOptions& control, const KeyOptions& options);
ExitCode ListKeys(const ControlOptions& control, const KeyOptions& options);
ExitCode RevokeKey(const ControlOptions& control, const KeyOptions& options);

}  // namespace tallyd
