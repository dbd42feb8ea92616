#pragma once

// Who may include whom: tools -> config -> net -> engine -> storage, and what each layer does not
// know. CMake cannot hold this, because all code shares one include root; this reads every
// #include.

#include "tests/lint/source_tree.h"

namespace tallyd::lint {

Findings CheckLayering(const SourceTree& tree);

}  // namespace tallyd::lint
