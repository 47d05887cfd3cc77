// glog for .cc files only, included after every other header: libtorch's headers define their own LOG, CHECK
// and VLOG, which would log into nothing. Never include this from a header.
#pragma once

#undef LOG
#undef LOG_IF
#undef VLOG
#undef VLOG_IF
#undef VLOG_IS_ON
#undef LOG_EVERY_N
#undef LOG_FIRST_N
#undef CHECK
#undef CHECK_EQ
#undef CHECK_NE
#undef CHECK_LE
#undef CHECK_LT
#undef CHECK_GE
#undef CHECK_GT
#undef CHECK_NOTNULL
#undef DCHECK
#undef DCHECK_EQ
#undef DCHECK_NE
#undef DCHECK_LE
#undef DCHECK_LT
#undef DCHECK_GE
#undef DCHECK_GT
#undef DCHECK_NOTNULL
#undef DLOG
#undef DLOG_IF
#undef FATAL
#undef ERROR
#undef WARNING
#undef INFO

#include <glog/logging.h>

#include <string>

namespace ppr {

// Starts logging for one rank: INFO and above to `folder`/rank_NNNN.log (created; StorageError when it cannot
// be), every line flushed at once, and WARNING and above of every rank to stderr. Call once, from main.
void StartLogging(const std::string& program, const std::string& folder, int rank);

}  // namespace ppr
