#include "model/losses.h"
