#include "train/adam.h"
