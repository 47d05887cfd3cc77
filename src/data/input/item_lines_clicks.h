// Clicks of ColdRec files (QQBrowser): histories of one file, followed by the targets of a second one when
// there is one. Users have no id: lines with the same history are the same user.
#pragma once

#include <memory>

#include "data/input/click_reader.h"
#include "data/input/input_config.h"

namespace ppr::data {

// A history counts once, however many lines of either file repeat it; so do the targets of equal lines.
// `config` outlives the reader.
std::unique_ptr<ClickReader> OpenItemLines(const InputConfig& config);

}  // namespace ppr::data
