#include "dist/owner_map.h"
