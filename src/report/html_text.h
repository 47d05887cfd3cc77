// Plain text as part of an HTML page.
#pragma once

#include <string>

namespace ppr::report {

// Text that may stand between tags and in quoted attributes; line breaks become spaces. Control characters,
// which HTML has no way to write, become U+FFFD.
std::string HtmlEscaped(const std::string& text);

}  // namespace ppr::report
