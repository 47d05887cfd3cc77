// What several sources leave open, in the same words.
#pragma once

namespace ppr::data {

inline constexpr char kDevChoice[] =
    "of the cold users that are not for the test (80 %), a tenth decides when tuning stops";
inline constexpr char kTieChoice[] =
    "clicks of one user at one time keep the order of their rows; --ties=hash shuffles them";

}  // namespace ppr::data
