// printf-style formatting into a std::string (GCC 12 has no std::format).
#pragma once

#include <string>
#include <string_view>

namespace ppr {

[[gnu::format(printf, 1, 2)]] std::string Format(const char* format, ...);

// "12,345,678".
std::string WithThousands(long long value);

// A field of a tab-separated line: tab, newline, carriage return and backslash are written \t, \n, \r and \\.
std::string EscapeTabbed(std::string_view text);

}  // namespace ppr
