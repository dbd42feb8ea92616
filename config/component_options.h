#pragma once

// From the settings to the option structs of the components: the only place that knows both.
// `settings` must have passed LoadSettings(); anything else is a broken invariant.

#include "config/settings.h"
#include "engine/engine_options.h"
#include "net/log.h"
#include "net/server.h"

namespace tallyd {

EngineOptions MakeEngineOptions(const Settings& settings);
ServiceOptions MakeServiceOptions(const Settings& settings);
LogOptions MakeLogOptions(const Settings& settings);

}  // namespace tallyd
