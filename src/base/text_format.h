// printf-style formatting into a std::string (GCC 12 has no std::format).
#pragma once

#include <string>

namespace ppr {

[[gnu::format(printf, 1, 2)]] std::string Format(const char* format, ...);

// "12,345,678".
std::string WithThousands(long long value);

}  // namespace ppr
