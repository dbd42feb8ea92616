#pragma once

// tallyctl keys rotate and keys destroy: the root key of a stopped server (engine/key_rotation.h).
//
// Both take another root key; destroy leaves the keys of some polls behind. A run that was cut
// short is completed by the next one. 75 if a server uses the directory, 1 if what was asked for is
// not allowed, 78 if the key file cannot be used.

#include "engine/key_rotation.h"
#include "storage/data_directory.h"
#include "tools/tallyctl/control.h"

namespace tallyd {

ExitCode RotateRootKey(const ControlOptions& options, const DataDirectoryOptions& directory);
// The actor is that of the options; it must be named, for it stands in the polls' audit logs.
ExitCode DestroyKeys(const ControlOptions& options, const DataDirectoryOptions& directory,
                     KeyDestruction destruction);

}  // namespace tallyd
