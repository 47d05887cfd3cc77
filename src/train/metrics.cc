#include "train/metrics.h"
