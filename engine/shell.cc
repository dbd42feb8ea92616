// The one place where the shell is compiled for production. Nobody else includes the bodies, so
// that tests can build them anew with something broken (storage/broken_build.h).

#include "engine/committer_body.h"
#include "engine/ingest_loop_body.h"
#include "engine/system_runtime.h"

namespace tallyd {

template class BasicCommitter<SystemRuntime>;
template class BasicIngestLoop<SystemRuntime>;

}  // namespace tallyd
