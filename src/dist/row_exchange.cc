#include "dist/row_exchange.h"
