#include "net/version.h"

namespace tallyd {

const std::string_view kVersion = TALLYD_VERSION;

}  // namespace tallyd
