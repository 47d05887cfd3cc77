#include "train/progress.h"
