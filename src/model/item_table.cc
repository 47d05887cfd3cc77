#include "model/item_table.h"
